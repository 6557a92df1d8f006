#include "control/verdict.h"

#include <algorithm>

namespace sluice::control {
namespace {

bool IsItself(const Flow& flow) {
  const acl::Endpoint* source = flow.source.endpoint;
  const acl::Endpoint* destination = flow.destination.endpoint;
  return source != nullptr && destination != nullptr &&
         source->namespace_name == destination->namespace_name && source->name == destination->name;
}

bool IsFromOwnNode(const Flow& flow) {
  const acl::Endpoint* pod = flow.destination.endpoint;
  return pod != nullptr && std::ranges::count(pod->node_addresses, flow.source.address) > 0;
}

Side SideOf(const acl::RuleTable& table, std::span<const uint32_t> hits, acl::Direction direction) {
  const acl::Decision decision = acl::Decide(table, hits, direction);
  Side side{.allow = decision.allow, .tier = decision.tier};
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
  const bool itself = IsItself(flow);
  Verdict verdict;
  if (flow.source.subject) {
    verdict.egress =
        itself ? Side{} : SideOf(table, hits.first(categories), acl::Direction::kEgress);
  }
  if (flow.destination.subject) {
    verdict.ingress = itself || IsFromOwnNode(flow)
                          ? Side{}
                          : SideOf(table, hits.last(categories), acl::Direction::kIngress);
  }
  verdict.allow =
      (!verdict.egress || verdict.egress->allow) && (!verdict.ingress || verdict.ingress->allow);
  return verdict;
}

}  // namespace sluice::control
