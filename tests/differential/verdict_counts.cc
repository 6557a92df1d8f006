#include "tests/differential/verdict_counts.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <vector>

namespace sluice::acl {
namespace {

const std::vector<std::string> kOfNetworkPolicy = {
    "None allow",         "NetworkPolicy allow",    "NetworkPolicy deny",
    "one end not judged", "unknown address, allow", "unknown address, deny",
    "own node",           "the pod itself"};
const std::vector<std::string> kOfOtherKinds = {
    "Admin allow",
    "Admin deny",
    "Admin reject",
    "NetworkPolicy reject",
    "Baseline allow",
    "Baseline deny",
    "Baseline reject",
    "by AdminNetworkPolicy",
    "by BaselineAdminNetworkPolicy",
    "by MultiNetworkPolicy",
    "by SluicePolicy",
    "by content",
    "not yet, for want of content",
    "by Namespace",
    "by a legacy policy",
    "by a rule with a name",
    "audited otherwise",
};

bool Lists(const std::vector<IpAddress>& addresses, const IpAddress& address) {
  return std::find(addresses.begin(), addresses.end(), address) != addresses.end();
}

const char* Word(const RawSide& side) {
  if (side.allow) return "allow";
  return side.reject ? "reject" : "deny";
}

}  // namespace

void VerdictCounts::Add(const RawWorld& world, const RawFlow& flow, const RawVerdict& verdict) {
  AddSide(flow, verdict.egress, verdict.audited_egress, world.IsUnknown(flow.to.address));
  AddSide(flow, verdict.ingress, verdict.audited_ingress, world.IsUnknown(flow.from.address));
  if (!verdict.egress || !verdict.ingress) ++counts_["one end not judged"];
  if (!verdict.ingress) return;
  if (Lists(flow.to.pod->addresses, flow.from.address)) ++counts_["the pod itself"];
  if (Lists(flow.to.pod->node_addresses, flow.from.address)) ++counts_["own node"];
}

void VerdictCounts::AddSide(const RawFlow& flow, const std::optional<RawSide>& side,
                            const std::optional<RawSide>& audited, bool peer_unknown) {
  if (!side) return;
  ++sides_;
  ++counts_[fmt::format("{} {}", side->tier, Word(*side))];
  if (peer_unknown) ++counts_[side->allow ? "unknown address, allow" : "unknown address, deny"];
  if (audited && *audited != *side) ++counts_["audited otherwise"];
  if (side->policies.empty()) return;
  const std::string& first = side->policies.front();
  ++counts_["by " + first.substr(0, first.find(' '))];
  if (first.find("/old") != std::string::npos) ++counts_["by a legacy policy"];
  if (side->conditional) ++counts_["not yet, for want of content"];
  if (flow.facts != nullptr && first.starts_with("Sluice") && !side->rule.empty()) {
    ++counts_["by content"];
  }
  if (side->rule.starts_with("rule-")) ++counts_["by a rule with a name"];
}

void VerdictCounts::Print() const {
  for (const auto& [kind, count] : counts_) fmt::print("{:>10} {}\n", count, kind);
  fmt::print("{:>10} sides\n", sides_);
}

void VerdictCounts::ExpectNoneIsRare(RandomCluster::Kinds kinds) const {
  std::vector<std::string> expected = kOfNetworkPolicy;
  if (kinds == RandomCluster::Kinds::kAll) {
    expected.insert(expected.end(), kOfOtherKinds.begin(), kOfOtherKinds.end());
  }
  for (const std::string& kind : expected) {
    const auto found = counts_.find(kind);
    const size_t count = found == counts_.end() ? 0 : found->second;
    EXPECT_GT(count, sides_ / 1000) << kind;
  }
}

}  // namespace sluice::acl
