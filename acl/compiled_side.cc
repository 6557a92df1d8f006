#include "acl/compiled_side.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>
#include <span>

#include "acl/classifier.h"
#include "acl/content_match.h"
#include "acl/exemption.h"

namespace sluice::acl {

std::optional<RawSide> SideOf(const CompiledTrie& compiled, const RawFlow& flow,
                              Direction direction) {
  const bool ingress = direction == Direction::kIngress;
  const RawEnd& subject = ingress ? flow.to : flow.from;
  const RawEnd& peer = ingress ? flow.from : flow.to;
  if (subject.pod == nullptr) return std::nullopt;
  const Member* member = compiled.population.Find({subject.pod->namespace_name, subject.pod->name});
  if (member == nullptr || member->owner != Owner::kLocal) return std::nullopt;
  const bool v4 = peer.address.family == Family::kIpv4;
  const ClassId own = v4 ? member->subject.v4 : member->subject.v6;
  const ClassId other = compiled.population.addresses().Lookup(peer.address);
  const ClassifyKey key =
      ClassifyKey::Make(flow.protocol, ingress ? other : own, ingress ? own : other, flow.port);
  std::array<uint32_t, kMaxCategories> hits{};
  compiled.trie.Classify({&key, 1}, hits);
  Decision asked = Decide(
      compiled.table, std::span<const uint32_t>(hits).first(compiled.trie.categories()), direction);
  if (asked.conditional && flow.facts != nullptr) {
    asked = ResolveLinear(compiled.table, key, direction, asked, *flow.facts);
  }
  const Decision decision = Exempted(asked, *subject.pod, peer.address, direction);
  RawSide side;
  side.allow = decision.allow;
  side.reject = decision.reject;
  side.own_node = decision.own_node;
  side.tier = TierName(decision.tier);
  side.conditional = decision.conditional;
  if (decision.rule == 0) return side;
  const RuleSource& source = compiled.table.sources[compiled.table.rules[decision.rule - 1].source];
  side.policies = source.policies;
  side.rule = source.rule;
  return side;
}

std::string ToText(const std::optional<RawSide>& side) {
  if (!side) return "not judged";
  return fmt::format("{}{}{}{} in tier {} by [{}] {}", side->allow ? "allow" : "deny",
                     side->conditional ? " if its content is" : "",
                     side->reject ? " and reject" : "", side->own_node ? " of its node too" : "",
                     side->tier, fmt::join(side->policies, ", "), side->rule);
}

}  // namespace sluice::acl
