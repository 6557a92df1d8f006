#include "control/snapshot_builder.h"

#include <algorithm>
#include <set>
#include <vector>

#include "control/verdict_stamps.h"

namespace sluice::control {
namespace {

using dataplane::NetworkView;
using dataplane::PortId;
using dataplane::PortRole;
using dataplane::PortSpec;
using dataplane::PortView;
using dataplane::Snapshot;
using dataplane::SubjectState;

PortView MakePortView(const PortSpec& spec, const PortPlace& place, const PolicyBuild& policy) {
  PortView view;
  view.in_use = true;
  view.role = spec.role;
  view.guard = spec.guard;
  view.device = place.attached.device;
  view.generation = place.attached.generation;
  view.queues = spec.queues;
  view.mtu = spec.mtu;
  view.mac = spec.mac;
  view.addresses = spec.addresses;
  view.name = spec.name;
  if (spec.role == PortRole::kUplink) return view;
  view.subject = SubjectState::kUnknown;
  const ObjectName pod{spec.pod_namespace, spec.pod_name};
  auto subject = policy.compiled->subjects.find(pod);
  if (policy.input->local.contains(pod) && subject != policy.compiled->subjects.end()) {
    view.subject = SubjectState::kKnown;
    view.class_v4 = subject->second.v4;
    view.class_v6 = subject->second.v6;
  }
  return view;
}

NetworkView MakeNetworkView(const std::vector<PortView>& ports, const PolicyBuild& policy) {
  NetworkView network;
  network.name = kDefaultNetwork;
  network.addresses = policy.addresses;
  network.rules = policy.rules;
  network.classifier = policy.classifier;
  for (size_t id = 1; id < ports.size(); ++id) {
    const PortView& port = ports[id];
    if (!port.in_use) continue;
    network.members.push_back(static_cast<PortId>(id));
    if (port.role == PortRole::kUplink) {
      network.uplink = static_cast<PortId>(id);
    } else {
      network.macs[port.mac] = static_cast<PortId>(id);
      network.local_addresses.insert(port.addresses.begin(), port.addresses.end());
    }
  }
  return network;
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

unsigned LeastLoadedWorker(const PortPlaces& places, unsigned worker_count) {
  std::vector<size_t> load(worker_count);
  for (const auto& [name, place] : places) ++load[place.worker];
  return static_cast<unsigned>(std::min_element(load.begin(), load.end()) - load.begin());
}

Snapshot BuildSnapshot(const PortTable& ports, const PortPlaces& places, const PolicyBuild& policy,
                       const VerdictScope& scope, OnPolicyChange mode, unsigned worker_count,
                       const Snapshot* previous) {
  Snapshot snapshot;
  snapshot.polled.resize(worker_count);
  snapshot.ports.resize(1);
  for (const auto& [name, spec] : ports.specs()) {
    const PortPlace& place = places.at(name);
    const PortId id = place.attached.id;
    if (snapshot.ports.size() <= id) snapshot.ports.resize(id + size_t{1});
    snapshot.ports[id] = MakePortView(spec, place, policy);
    snapshot.polled[place.worker].push_back(id);
  }
  snapshot.networks.push_back(MakeNetworkView(snapshot.ports, policy));
  snapshot.epoch = previous == nullptr ? 1 : previous->epoch + 1;
  snapshot.keep_established = mode == OnPolicyChange::kKeep;
  StampVerdicts(scope, SubjectsOf(ports, places, scope), previous, snapshot);
  return snapshot;
}

}  // namespace sluice::control
