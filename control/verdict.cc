#include "control/verdict.h"

#include "acl/exemption.h"

namespace sluice::control {
namespace {

// `end` is judged, `peer` the other end.
Side SideOf(const acl::RuleTable& table, std::span<const uint32_t> hits, const End& end,
            const End& peer, acl::Direction direction) {
  acl::Decision decision = acl::Decide(table, hits, direction);
  if (end.endpoint != nullptr) {
    decision = acl::Exempted(decision, *end.endpoint, peer.address, direction);
  }
  Side side{.allow = decision.allow, .tier = decision.tier, .reject = decision.reject};
  if (decision.rule != 0) {
    const acl::RuleSource& source = table.sources[table.rules[decision.rule - 1].source];
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

Verdict VerdictOf(const Flow& flow, const acl::RuleTable& table, std::span<const uint32_t> hits,
                  unsigned categories) {
  const End& source = flow.source;
  const End& destination = flow.destination;
  Verdict verdict;
  if (source.subject) {
    verdict.egress =
        SideOf(table, hits.first(categories), source, destination, acl::Direction::kEgress);
  }
  if (destination.subject) {
    verdict.ingress =
        SideOf(table, hits.last(categories), destination, source, acl::Direction::kIngress);
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
