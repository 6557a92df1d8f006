#include "control/explain.h"

#include <fmt/core.h>

#include <algorithm>
#include <string>
#include <utility>

namespace sluice::control {
namespace {

// Whether `end`, as a probe has it, is the pod of `spec` or one of its addresses.
bool Means(const std::string& end, const dataplane::PortSpec& spec) {
  if (end == spec.pod_namespace + "/" + spec.pod_name) return true;
  const auto address = acl::IpAddress::Parse(end);
  return address.ok() &&
         std::find(spec.addresses.begin(), spec.addresses.end(), *address) != spec.addresses.end();
}

// The network that a probe names: as the switch has it, or as policies do ("default/NAME").
absl::StatusOr<std::string> FindNetwork(const View& view, const std::string& asked) {
  if (asked.empty()) return kDefaultNetwork;
  if (view.networks.contains(asked)) return asked;
  for (const auto& [name, build] : view.networks) {
    if (name != kDefaultNetwork && AttachmentName(name) == AttachmentName(asked)) return name;
  }
  return absl::InvalidArgumentError(fmt::format("network: there is no network {}", asked));
}

absl::Status CheckOpen(const View& view, const std::string& network, const char* field,
                       const std::string& end) {
  for (const auto& [name, spec] : view.state->ports().specs()) {
    const dataplane::PortView& port = view.snapshot->ports[view.places.at(name).attached.id];
    if (spec.network != network || port.subject != dataplane::SubjectState::kUnknown ||
        !Means(end, spec)) {
      continue;
    }
    return absl::FailedPreconditionError(
        fmt::format("{}: port {} is shut: nothing is known of pod {}/{} yet", field, name,
                    spec.pod_namespace, spec.pod_name));
  }
  return absl::OkStatus();
}

// Rules are made for local pods only: other nodes judge theirs.
void ForgetRemoteSubject(const acl::PolicyInput& input, End* end) {
  if (end->endpoint == nullptr) return;
  if (!input.local.contains({end->endpoint->namespace_name, end->endpoint->name})) {
    end->subject.reset();
  }
}

// What the network's host port sends as its own passes ingress policies.
std::vector<acl::IpAddress> AdmittedNodeAddresses(const dataplane::Snapshot& snapshot,
                                                  dataplane::NetworkId network) {
  for (const dataplane::PortView& port : snapshot.ports) {
    if (port.in_use && port.network == network && port.admits_own) return port.addresses;
  }
  return {};
}

bool IsJudgedBy(const LayerBuild& layer, const PolicyBuild& policy, const End& end) {
  if (end.endpoint == nullptr) return false;
  return &policy.LayerOf({end.endpoint->namespace_name, end.endpoint->name}) == &layer;
}

// The ends of `flow` that `layer` judges.
Verdict JudgeIn(const LayerBuild& layer, const PolicyBuild& policy, Flow flow) {
  SetSubjects(layer.population, &flow);
  for (End* end : {&flow.source, &flow.destination}) {
    if (!IsJudgedBy(layer, policy, *end)) end->subject.reset();
    ForgetRemoteSubject(*policy.input, end);
  }
  const acl::RuleTable& rules = *layer.in_force.rules;
  Verdict verdict = Judge(flow, *layer.addresses, rules, *layer.in_force.classifier);
  AddNearest(flow, *layer.addresses, rules, &verdict);
  return verdict;
}

Verdict JudgeIn(const PolicyBuild& policy, const Flow& flow) {
  Verdict verdict = JudgeIn(policy.base, policy, flow);
  for (const Overlay& overlay : policy.overlays) {
    Verdict over = JudgeIn(overlay.layer, policy, flow);
    if (over.egress) verdict.egress = std::move(over.egress);
    if (over.ingress) verdict.ingress = std::move(over.ingress);
    verdict.allow = verdict.allow && over.allow;
  }
  return verdict;
}

}  // namespace

absl::StatusOr<Verdict> Explain(const View& view, const Probe& probe) {
  const absl::StatusOr<std::string> network = FindNetwork(view, probe.network);
  if (!network.ok()) return network.status();
  absl::Status open = CheckOpen(view, *network, "from", probe.from);
  if (open.ok()) open = CheckOpen(view, *network, "to", probe.to);
  if (!open.ok()) return open;

  const NetworkBuild& build = view.networks.at(*network);
  const PolicyBuild& policy = *build.policy;
  const EndpointIndex index(policy.input->endpoints);
  absl::StatusOr<Flow> flow = Resolve(probe, index);
  if (!flow.ok()) return flow.status();
  // The own-node exemption is for packets that enter by the node's host port, from its addresses.
  acl::Endpoint destination;  // under the name of the one that it stands for
  if (flow->destination.endpoint != nullptr) {
    destination = *flow->destination.endpoint;
    destination.node_addresses = AdmittedNodeAddresses(*view.snapshot, build.id);
    flow->destination.endpoint = &destination;
  }
  return JudgeIn(policy, *flow);
}

}  // namespace sluice::control
