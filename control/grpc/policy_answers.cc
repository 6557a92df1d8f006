#include "control/grpc/policy_answers.h"

#include <algorithm>
#include <vector>

#include "control/change_diff.h"
#include "control/grpc/answer_convert.h"
#include "control/grpc/candidates.h"
#include "control/grpc/grpc_status.h"
#include "control/policy_cost.h"

namespace sluice::control {
namespace {

constexpr uint32_t kDefaultFlips = 100, kMostFlips = 10'000;

void WriteRuleSet(const RuleSetCost& cost, v1::RuleSetCost* out) {
  for (const acl::Direction direction : {acl::Direction::kEgress, acl::Direction::kIngress}) {
    const DirectionCost& one = cost.directions[static_cast<unsigned>(direction)];
    v1::TrieCost* added = out->add_tries();
    added->set_direction(direction == acl::Direction::kEgress ? "egress" : "ingress");
    added->set_flat_rules(static_cast<uint32_t>(one.flat_rules));
    added->set_bytes(one.bytes);
  }
  out->set_default_denies(static_cast<uint32_t>(cost.default_denies));
  out->set_build_seconds(cost.tries.build_seconds);
  out->set_proof_seconds(cost.tries.proof_seconds);
  out->set_proof_atoms(cost.tries.proof.atoms);
  out->set_proof_keys(cost.tries.proof.keys);
  out->set_proof_exhaustive(cost.tries.proof.exhaustive);
}

void WriteCost(const PolicyBuild& build, v1::NetworkPolicyCost* out) {
  const PolicyCost cost = CostOf(build);
  out->set_policies(static_cast<uint32_t>(cost.policies));
  out->set_rules(static_cast<uint32_t>(cost.rules));
  out->set_flat_rules(static_cast<uint32_t>(build.base.in_force.rules->rules.size()));
  out->set_classes(static_cast<uint32_t>(cost.classes));
  WriteRuleSet(cost.in_force, out->mutable_in_force());
  if (cost.audit) WriteRuleSet(*cost.audit, out->mutable_audit());
  if (cost.overlay) {
    v1::OverlayCost* overlay = out->mutable_overlay();
    overlay->set_pods(static_cast<uint32_t>(cost.overlay->pods));
    overlay->set_edited_policies(static_cast<uint32_t>(cost.overlay->edited));
    overlay->set_classes(static_cast<uint32_t>(cost.overlay->classes));
    WriteRuleSet(cost.overlay->in_force, overlay->mutable_in_force());
  }
  out->set_compile_seconds(cost.build.compile_seconds);
  out->set_meaning_seconds(cost.build.meaning_seconds);
  out->set_meaning_probes(cost.build.probes);
  for (const PolicyShare& share : cost.most) {
    v1::PolicyShare* added = out->add_most();
    added->set_policy(share.policy);
    added->set_rules(static_cast<uint32_t>(share.rules));
    added->set_flat_rules(static_cast<uint32_t>(share.flat_rules));
  }
}

}  // namespace

grpc::Status AnswerDiff(const View& view, const v1::DiffPoliciesRequest& request,
                        v1::DiffPoliciesResponse* response) {
  std::vector<Candidate> objects;
  AppendCandidates(request.objects(), &objects);
  std::vector<ObjectKey> removed;
  for (const v1::ObjectKey& key : request.removed()) removed.push_back(ToKey(key));
  const uint32_t limit = request.limit() == 0 ? kDefaultFlips : request.limit();
  const auto diffs = DiffChange(view, objects, removed, std::min(limit, kMostFlips));
  if (!diffs.ok()) return ToGrpcStatus(diffs.status());
  for (const NetworkDiff& diff : *diffs) AddDiff(diff, response);
  response->set_epoch(view.snapshot->epoch);
  return grpc::Status::OK;
}

void AnswerCost(const View& view, v1::GetPolicyCostResponse* response) {
  for (const auto& [name, build] : view.networks) {
    v1::NetworkPolicyCost* added = response->add_networks();
    added->set_network(name);
    WriteCost(*build.policy, added);
  }
  response->set_epoch(view.snapshot->epoch);
}

}  // namespace sluice::control
