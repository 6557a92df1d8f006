#include "control/verdict.h"

#include "acl/content_match.h"
#include "acl/exemption.h"

namespace sluice::control {
namespace {

// One direction of a flow, with what the classifier said of it.
struct Asked {
  const Flow& flow;
  const acl::RuleTable& table;
  acl::Direction direction;
  const acl::ClassifyKey& key;
  std::span<const uint32_t> hits;
};

Side SideOf(const Asked& asked) {
  const bool ingress = asked.direction == acl::Direction::kIngress;
  const End& end = ingress ? asked.flow.destination : asked.flow.source;
  const End& peer = ingress ? asked.flow.source : asked.flow.destination;
  acl::Decision decision = acl::Decide(asked.table, asked.hits, asked.direction);
  if (decision.conditional && asked.flow.said) {
    decision = acl::ResolveLinear(asked.table, asked.key, asked.direction, decision,
                                  asked.flow.said->facts());
  }
  if (end.endpoint != nullptr) {
    decision = acl::Exempted(decision, *end.endpoint, peer.address, asked.direction);
  }
  Side side{.allow = decision.allow,
            .tier = decision.tier,
            .reject = decision.reject,
            .conditional = decision.conditional};
  if (decision.rule != 0) {
    const acl::RuleSource& source =
        asked.table.sources[asked.table.rules[decision.rule - 1].source];
    side.policies = source.policies;
    side.rule = source.rule;
  }
  return side;
}

}  // namespace

std::array<acl::ClassifyKey, acl::kDirections> KeysOf(const Flow& flow,
                                                      const acl::AddressMap& addresses) {
  const acl::ClassId source_subject = flow.source.subject.value_or(acl::kUnknownClass);
  const acl::ClassId destination_subject = flow.destination.subject.value_or(acl::kUnknownClass);
  return {acl::ClassifyKey::Make(flow.protocol, source_subject,
                                 addresses.Lookup(flow.destination.address), flow.port),
          acl::ClassifyKey::Make(flow.protocol, addresses.Lookup(flow.source.address),
                                 destination_subject, flow.port)};
}

Verdict VerdictOf(const Flow& flow, const std::array<acl::ClassifyKey, acl::kDirections>& keys,
                  const acl::RuleTable& table, std::span<const uint32_t> hits,
                  unsigned categories) {
  Verdict verdict;
  if (flow.source.subject) {
    verdict.egress =
        SideOf({flow, table, acl::Direction::kEgress, keys[0], hits.first(categories)});
  }
  if (flow.destination.subject) {
    verdict.ingress =
        SideOf({flow, table, acl::Direction::kIngress, keys[1], hits.last(categories)});
  }
  verdict.allow =
      (!verdict.egress || verdict.egress->allow) && (!verdict.ingress || verdict.ingress->allow);
  return verdict;
}

void AddNearest(const Flow& flow, const acl::AddressMap& addresses, const acl::RuleTable& table,
                Verdict* verdict) {
  const auto keys = KeysOf(flow, addresses);
  for (const acl::Direction direction : {acl::Direction::kEgress, acl::Direction::kIngress}) {
    const bool ingress = direction == acl::Direction::kIngress;
    std::optional<Side>& side = ingress ? verdict->ingress : verdict->egress;
    if (!side || side->allow || side->tier != acl::Tier::kNetworkPolicy || !side->rule.empty()) {
      continue;
    }
    side->nearest = FindNearest(table, keys[static_cast<unsigned>(direction)], direction);
  }
}

}  // namespace sluice::control
