#include "control/snapshot_builder.h"

#include <algorithm>
#include <set>
#include <vector>

#include "control/verdict_stamps.h"

namespace sluice::control {
namespace {

using dataplane::kNoPort;
using dataplane::NetworkView;
using dataplane::PortId;
using dataplane::PortRole;
using dataplane::PortSpec;
using dataplane::PortView;
using dataplane::Snapshot;
using dataplane::SubjectState;

// The classes of a local pod in each layer; nothing if the layer that judges it does not know it.
void AddSubject(const PolicyBuild& policy, const ObjectName& pod, PortView& view) {
  dataplane::Layer number = dataplane::kBase;
  const LayerBuild& judge = policy.LayerOf(pod);
  policy.ForEachLayer([&](const LayerBuild& layer) {
    const acl::Member* member = layer.population.Find(pod);
    if (&layer == &judge) view.layer = number;
    if (member != nullptr && layer.in_force.classifier != nullptr) {
      view.classes[number] = {member->subject.v4, member->subject.v6};
      const bool known = &layer == &judge && member->owner == acl::Owner::kLocal;
      if (known) view.subject = SubjectState::kKnown;
    }
    ++number;
  });
}

PortView MakePortView(const PortSpec& spec, const PortPlace& place, const NetworkBuild& build) {
  PortView view;
  view.in_use = true;
  view.role = spec.role;
  view.guard = spec.guard;
  view.io = place.attached.io;
  view.generation = place.attached.generation;
  view.queues = spec.queues;
  view.mtu = spec.mtu;
  view.network = build.id;
  view.mac = spec.mac;
  view.addresses = spec.addresses;
  view.allowed = spec.allowed;
  view.name = spec.name;
  if (spec.role == PortRole::kMirror) view.network = dataplane::kNoNetwork;
  if (spec.role != PortRole::kPod) return view;
  view.subject = SubjectState::kUnknown;
  AddSubject(*build.policy, {spec.pod_namespace, spec.pod_name}, view);
  return view;
}

dataplane::RulesView MakeRulesView(const RuleSet& set) {
  return {set.rules, set.rule_ids, set.classifier, set.content};
}

dataplane::PolicyLayer MakeLayer(const LayerBuild& layer) {
  return {layer.addresses, MakeRulesView(layer.in_force), MakeRulesView(layer.audit)};
}

// A network and its ports, and the way into it on its uplink.
NetworkView MakeNetworkView(const NetworkSpec& spec, const NetworkBuild& build, PortId uplink,
                            std::vector<PortView>& ports) {
  NetworkView network;
  network.name = spec.name;
  const PolicyBuild& policy = *build.policy;
  dataplane::Layer number = dataplane::kBase;
  policy.ForEachLayer(
      [&](const LayerBuild& layer) { network.layers[number++] = MakeLayer(layer); });
  network.rule_ids = policy.names.in_force;
  network.audit_rule_ids = policy.names.audit;
  network.uplink = uplink;
  network.vlan = spec.vlan;
  network.allow_dhcp = spec.allow_dhcp;
  network.routers = spec.routers;
  network.learned = build.learned;
  if (uplink != kNoPort) ports[uplink].vlans[spec.vlan] = build.id;
  for (size_t slot = 1; slot < ports.size(); ++slot) {
    const PortView& port = ports[slot];
    const auto id = static_cast<PortId>(slot);
    const bool own = port.role != PortRole::kUplink && port.network == build.id;
    if (!port.in_use || !(own || id == uplink)) continue;
    network.members.push_back(id);
    if (!own) continue;
    if (port.role == PortRole::kHost) network.host = id;
    network.macs[port.mac] = id;
    for (const acl::IpAddress& address : port.addresses) network.local_addresses[address] = id;
  }
  return network;
}

void AddNetworks(const PortTable& ports, const PortPlaces& places, const NetworkBuilds& builds,
                 Snapshot& snapshot) {
  for (const auto& [name, spec] : ports.networks()) {
    const NetworkBuild& build = builds.at(name);
    const PortSpec* uplink = ports.UplinkOf(name);
    const PortId uplink_id = uplink == nullptr ? kNoPort : places.at(uplink->name).attached.id;
    if (snapshot.networks.size() <= build.id) snapshot.networks.resize(build.id + size_t{1});
    snapshot.networks[build.id] = MakeNetworkView(spec, build, uplink_id, snapshot.ports);
  }
}

// Which mirrors get copies of which ports' packets. Nobody mirrors a mirror.
void AddMirrors(const PortTable& ports, const PortPlaces& places, Snapshot& snapshot) {
  size_t number = 0;
  for (const auto& [name, mirror] : ports.specs()) {
    if (mirror.role != PortRole::kMirror) continue;
    const auto bit = static_cast<dataplane::MirrorSet>(1u << number);
    snapshot.mirrors[number++] = places.at(name).attached.id;
    const bool all = mirror.mirrors == std::vector<std::string>{"*"};
    for (PortView& port : snapshot.ports) {
      const bool named = std::ranges::count(mirror.mirrors, port.name) > 0;
      if (!port.in_use || port.role == PortRole::kMirror || !(all || named)) continue;
      if (mirror.mirrors_in) port.mirrors.in |= bit;
      if (mirror.mirrors_out) port.mirrors.out |= bit;
      if (mirror.mirrors_dropped) port.mirrors.dead |= bit;
    }
  }
}

// The slots of the ports of the pods that `scope` names.
std::set<PortId> SubjectsOf(const PortTable& ports, const PortPlaces& places,
                            const VerdictScope& scope) {
  std::set<PortId> touched;
  for (const auto& [name, spec] : ports.specs()) {
    if (!scope.subjects.contains({spec.pod_namespace, spec.pod_name})) continue;
    touched.insert(places.at(name).attached.id);
  }
  return touched;
}

}  // namespace

Snapshot BuildSnapshot(const PortTable& ports, const PortPlaces& places,
                       const NetworkBuilds& builds, const VerdictScope& scope,
                       const SnapshotSettings& settings, unsigned worker_count,
                       const Snapshot* previous) {
  Snapshot snapshot;
  snapshot.polled.resize(worker_count);
  snapshot.ports.resize(1);
  for (const auto& [name, spec] : ports.specs()) {
    const PortPlace& place = places.at(name);
    const PortId id = place.attached.id;
    if (snapshot.ports.size() <= id) snapshot.ports.resize(id + size_t{1});
    snapshot.ports[id] = MakePortView(spec, place, builds.at(spec.network));
    snapshot.ports[id].admits_own =
        spec.role == PortRole::kHost && settings.own_node == OwnNode::kAllow;
    snapshot.polled[place.worker].push_back(id);
  }
  AddNetworks(ports, places, builds, snapshot);
  AddMirrors(ports, places, snapshot);
  snapshot.epoch = previous == nullptr ? 1 : previous->epoch + 1;
  snapshot.keep_established = settings.on_policy_change == OnPolicyChange::kKeep;
  StampVerdicts(scope, SubjectsOf(ports, places, scope), previous, snapshot);
  // One table for all: an address that two networks have is judged again in both.
  for (NetworkView& network : snapshot.networks) network.stamps = snapshot.networks[0].stamps;
  return snapshot;
}

}  // namespace sluice::control
