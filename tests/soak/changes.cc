#include "tests/soak/changes.h"

#include <fmt/format.h>

#include <algorithm>

namespace sluice::soak {
namespace {

constexpr const char* kKeys[] = {"app", "tier"};
constexpr const char* kValues[] = {"1", "2", "3"};
constexpr const char* kTeams[] = {"a", "b", "c"};
constexpr const char* kProtocols[] = {"", "TCP", "UDP", "SCTP"};
constexpr int64_t kPorts[] = {53, 80, 443, 1000};
constexpr const char* kBlocks[] = {"10.5.0.0/30",    "10.0.0.0/8",   "0.0.0.0/0", "fd00:5::/126",
                                   "203.0.113.0/24", "::/0",         "fd00::/8",  "10.9.0.0/24",
                                   "224.0.0.0/4",    "2001:db8::/32"};
constexpr unsigned kPolicies = 5;
constexpr char kSource[] = "soak";

acl::NetworkPolicy DenyEverything() {
  acl::NetworkPolicy policy;
  policy.namespace_name = "default";
  policy.name = "deny-everything";
  policy.policy_types = {"Ingress", "Egress"};
  return policy;
}

}  // namespace

absl::Status Changes::Begin() {
  dataplane::PortSpec uplink;
  uplink.name = "uplink";
  uplink.kind = dataplane::PortKind::kRing;
  uplink.role = dataplane::PortRole::kUplink;
  absl::Status status = bed_.Execute(control::AddPortCommand{uplink});
  for (const acl::Namespace& ns : world_.namespaces) status.Update(Apply(ns));
  for (const acl::Endpoint& endpoint : world_.remote) status.Update(Apply(endpoint));
  for (Pod& pod : world_.pods) {
    pod.endpoint.labels = RandomLabels();
    status.Update(List(pod));
    status.Update(AddPort(pod));
  }
  return status;
}

absl::Status Changes::Next() {
  ++made_;
  Pod& pod = world_.pods[Below(kPods)];
  switch (Below(16)) {
    case 0:
      return pod.listed ? Unlist(pod) : List(pod);
    case 1:
      return pod.has_port ? DeletePort(pod) : AddPort(pod);
    case 2:
      return ReplacePort(pod);
    case 3:
      return RelabelNamespace();
    case 4:
    case 5:
    case 6:
      pod.endpoint.labels = RandomLabels();
      return List(pod);
    case 7:
      return List(pod);  // unchanged, unless it was not listed
    case 8:
      return pod.has_port ? List(pod) : AddPort(pod);
    case 9:
    case 10:
    case 11:
    case 12:
      return DropPolicy();
    default:
      return PutPolicy();
  }
}

absl::Status Changes::TellTheSwitchAlone() { return Apply(DenyEverything()); }

void Changes::TellTheModelAlone() { world_.policies["deny-everything"] = DenyEverything(); }

absl::Status Changes::Apply(control::Object object) {
  return bed_.Execute(control::ApplyCommand{
      kSource, {control::Candidate::Of(std::move(object))}, control::OnRefusal::kRefuseAll});
}

absl::Status Changes::Delete(const control::ObjectKey& key) {
  return bed_.Execute(control::DeleteCommand{kSource, {key}});
}

absl::Status Changes::List(Pod& pod) {
  pod.listed = true;
  return Apply(pod.endpoint);
}

absl::Status Changes::Unlist(Pod& pod) {
  pod.listed = false;
  return Delete({"Endpoint", {pod.endpoint.namespace_name, pod.endpoint.name}});
}

absl::Status Changes::AddPort(Pod& pod) {
  pod.has_port = true;
  pod.guard = Chance(80);
  pod.generation = ++generations_;
  // Names come back, slots come back: nothing of the port before may be left.
  pod.port_name =
      Chance(50) ? pod.endpoint.name : fmt::format("{}-{}", pod.endpoint.name, Below(3));
  dataplane::PortSpec spec;
  spec.name = pod.port_name;
  spec.kind = dataplane::PortKind::kRing;
  spec.pod_namespace = pod.endpoint.namespace_name;
  spec.pod_name = pod.endpoint.name;
  spec.mac = pod.mac;
  spec.addresses = {pod.v4, pod.v6};
  spec.guard = pod.guard;
  return bed_.Execute(control::AddPortCommand{spec});
}

absl::Status Changes::DeletePort(Pod& pod) {
  pod.has_port = false;
  return bed_.Execute(control::DeletePortCommand{pod.port_name});
}

// The slot is taken again at once, by the same pod or by another one with its name.
absl::Status Changes::ReplacePort(Pod& pod) {
  absl::Status status = pod.has_port ? DeletePort(pod) : absl::OkStatus();
  status.Update(AddPort(pod));
  return status;
}

absl::Status Changes::PutPolicy() {
  acl::NetworkPolicy policy = RandomPolicy(fmt::format("p{}", Below(kPolicies)));
  world_.policies[policy.name] = policy;
  return Apply(policy);
}

absl::Status Changes::DropPolicy() {
  const std::string name = fmt::format("p{}", Below(kPolicies));
  world_.policies.erase(name);
  return Delete({"NetworkPolicy", {"default", name}});
}

absl::Status Changes::RelabelNamespace() {
  acl::Namespace& ns = world_.namespaces[Below(world_.namespaces.size())];
  ns.labels["team"] = Pick(kTeams);
  return Apply(ns);
}

acl::Labels Changes::RandomLabels() {
  acl::Labels labels;
  for (const char* key : kKeys) {
    if (Chance(70)) labels[key] = Pick(kValues);
  }
  return labels;
}

acl::LabelSelector Changes::RandomSelector() {
  acl::LabelSelector selector;
  if (Chance(60)) selector.match_labels[Pick(kKeys)] = Pick(kValues);
  if (Chance(30)) selector.match_expressions.push_back({Pick(kKeys), "In", {"1", "2"}});
  return selector;
}

acl::NetworkPolicyRule Changes::RandomRule() {
  acl::NetworkPolicyRule rule;
  for (size_t i = Below(4); i > 0; --i) {
    acl::NetworkPolicyPeer peer;
    if (Chance(40)) {
      peer.ip_block = acl::IpBlock{Pick(kBlocks), {}};
    } else {
      if (Chance(30)) peer.namespace_selector = acl::LabelSelector{{{"team", Pick(kTeams)}}, {}};
      if (!peer.namespace_selector || Chance(50)) peer.pod_selector = RandomSelector();
    }
    rule.peers.push_back(peer);
  }
  for (size_t i = Below(3); i > 0; --i) {
    acl::NetworkPolicyPort port{Pick(kProtocols), {}, {}};
    const size_t form = Below(4);
    if (form == 1) port.port = std::string(Chance(50) ? "http" : "dns");
    if (form >= 2) port.port = Pick(kPorts);
    if (form == 3) port.end_port = 1000;
    rule.ports.push_back(port);
  }
  return rule;
}

acl::NetworkPolicy Changes::RandomPolicy(const std::string& name) {
  acl::NetworkPolicy policy;
  policy.namespace_name = "default";
  policy.name = name;
  policy.pod_selector = RandomSelector();
  if (Chance(60)) policy.policy_types.push_back("Ingress");
  if (Chance(40)) policy.policy_types.push_back("Egress");
  for (size_t i = 1 + Below(2); i > 0; --i) policy.ingress.push_back(RandomRule());
  for (size_t i = Below(3); i > 0; --i) policy.egress.push_back(RandomRule());
  return policy;
}

}  // namespace sluice::soak
