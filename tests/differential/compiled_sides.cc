#include "tests/differential/compiled_sides.h"

#include <gtest/gtest.h>

#include "acl/exemption.h"

namespace sluice::acl {
CompiledSides::CompiledSides(const PolicyInput& input) : input_(input) {
  absl::StatusOr<CompiledPolicy> compiled = Compile(input);
  EXPECT_TRUE(compiled.ok()) << compiled.status();
  if (compiled.ok()) compiled_ = *std::move(compiled);
  auto trie = TrieClassifier::Build(compiled_.table);
  EXPECT_TRUE(trie.ok()) << trie.status();
  if (trie.ok()) trie_ = *std::move(trie);
}

std::vector<RawVerdict> CompiledSides::Judge(std::span<const RawFlow> flows) const {
  std::vector<ClassifyKey> keys;
  for (const RawFlow& flow : flows) {
    keys.push_back(KeyOf(flow, Direction::kEgress));
    keys.push_back(KeyOf(flow, Direction::kIngress));
  }
  const size_t categories = trie_->categories();
  std::vector<uint32_t> hits(keys.size() * categories);
  trie_->Classify(keys, hits);
  std::vector<RawVerdict> verdicts;
  for (size_t i = 0; i < flows.size(); ++i) {
    const std::span<const uint32_t> both =
        std::span(hits).subspan(2 * i * categories, 2 * categories);
    RawVerdict verdict;
    verdict.egress = SideOf(flows[i], Direction::kEgress, both.first(categories));
    verdict.ingress = SideOf(flows[i], Direction::kIngress, both.last(categories));
    verdict.allow =
        (!verdict.egress || verdict.egress->allow) && (!verdict.ingress || verdict.ingress->allow);
    verdicts.push_back(verdict);
  }
  return verdicts;
}

bool CompiledSides::IsJudged(const Endpoint* pod) const {
  if (pod == nullptr || pod->host_network) return false;
  return input_.all_local || input_.local.count({pod->namespace_name, pod->name}) != 0;
}

// The subject's class is its endpoint's; the peer's is that of its address.
ClassifyKey CompiledSides::KeyOf(const RawFlow& flow, Direction direction) const {
  const bool ingress = direction == Direction::kIngress;
  const RawEnd& subject = ingress ? flow.to : flow.from;
  const RawEnd& peer = ingress ? flow.from : flow.to;
  ClassId own = kUnknownClass;
  if (IsJudged(subject.pod)) {
    const SubjectClasses& classes =
        compiled_.subjects.at({subject.pod->namespace_name, subject.pod->name});
    own = peer.address.family == Family::kIpv4 ? classes.v4 : classes.v6;
  }
  const ClassId other = compiled_.addresses.Lookup(peer.address);
  return ingress ? ClassifyKey::Make(flow.protocol, other, own, flow.port)
                 : ClassifyKey::Make(flow.protocol, own, other, flow.port);
}

std::optional<RawSide> CompiledSides::SideOf(const RawFlow& flow, Direction direction,
                                             std::span<const uint32_t> hits) const {
  const bool ingress = direction == Direction::kIngress;
  const RawEnd& subject = ingress ? flow.to : flow.from;
  const RawEnd& peer = ingress ? flow.from : flow.to;
  if (!IsJudged(subject.pod)) return std::nullopt;
  RawSide side;
  if (IsExempt(*subject.pod, peer.address, direction)) return side;
  const Decision decision = Decide(compiled_.table, hits, direction);
  side.allow = decision.allow;
  side.tier = TierName(decision.tier);
  if (decision.rule == 0) return side;
  const RuleSource& source =
      compiled_.table.sources[compiled_.table.rules[decision.rule - 1].source];
  side.reject = decision.reject;
  side.policies = source.policies;
  side.rule = source.rule;
  return side;
}

}  // namespace sluice::acl
