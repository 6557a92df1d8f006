#include "acl/meaning_proof.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "acl/attempt_sampler.h"
#include "acl/compiled_side.h"
#include "acl/evaluator.h"
#include "acl/lowering.h"

namespace sluice::acl {
namespace {

constexpr size_t kMostRuleMatches = 2'000'000;

// Few where each is dear.
size_t ProbesFor(const PolicyInput& input, const MeaningLimits& limits) {
  size_t rules = 1;
  for (const NetworkPolicy& policy : input.policies) {
    rules += 1 + policy.ingress.size() + policy.egress.size();
  }
  for (const MultiNetworkPolicy& multi : input.multi_policies) {
    rules += 1 + multi.policy.ingress.size() + multi.policy.egress.size();
  }
  for (const SluicePolicy& policy : input.sluice_policies) {
    rules += 1 + policy.ingress.size() + policy.egress.size();
  }
  for (const ClusterPolicy& policy : input.cluster_policies) {
    rules += 1 + policy.ingress.size() + policy.egress.size();
  }
  return std::clamp(kMostRuleMatches / rules, limits.fewest, limits.most);
}

absl::Status Differs(const RawFlow& flow, Direction direction,
                     const std::optional<RawSide>& expected, const std::optional<RawSide>& seen) {
  return absl::InternalError(fmt::format(
      R"(policy build: {} of {} to {}, protocol {}, port {}: compiled "{}", its objects say "{}")",
      DirectionName(direction), flow.from.address.ToString(), flow.to.address.ToString(),
      flow.protocol, flow.port, ToText(seen), ToText(expected)));
}

}  // namespace

absl::StatusOr<size_t> ProveMeaning(const Compiled& compiled, const MeaningLimits& limits) {
  AttemptSampler sampler(compiled.input, limits.seed);
  if (!sampler.CanDraw()) return size_t{0};
  const Evaluator evaluator(compiled.input);
  const CompiledTrie trie{compiled.population, compiled.table, compiled.trie};
  const size_t probes = ProbesFor(compiled.input, limits);
  for (size_t asked = 0; asked < probes; ++asked) {
    const RawFlow flow = sampler.Draw();
    const RawVerdict verdict = evaluator.Evaluate(flow);
    for (const Direction direction : {Direction::kEgress, Direction::kIngress}) {
      const bool ingress = direction == Direction::kIngress;
      const std::optional<RawSide>& expected =
          compiled.audit ? (ingress ? verdict.audited_ingress : verdict.audited_egress)
                         : (ingress ? verdict.ingress : verdict.egress);
      const std::optional<RawSide> seen = SideOf(trie, flow, direction);
      if (seen != expected) return Differs(flow, direction, expected, seen);
    }
  }
  return probes;
}

}  // namespace sluice::acl
