#include "acl/nearest_rule.h"

#include <algorithm>
#include <tuple>

namespace sluice::acl {
namespace {

int PortDistance(const FlatRule& rule, uint16_t port) {
  if (port < rule.port_first) return rule.port_first - port;
  return port > rule.port_last ? port - rule.port_last : 0;
}

}  // namespace

std::optional<NearestRule> FindNearestRule(const RuleTable& table, const ClassifyKey& key,
                                           Direction direction) {
  const bool ingress = direction == Direction::kIngress;
  const ClassId src = __builtin_bswap16(key.src_class_be);
  const ClassId dst = __builtin_bswap16(key.dst_class_be);
  const uint16_t port = __builtin_bswap16(key.dst_port_be);
  std::optional<NearestRule> nearest;
  std::tuple<int, int> least;
  for (uint32_t r = 0; r < table.rules.size(); ++r) {
    const FlatRule& rule = table.rules[r];
    const bool allows = rule.action == Action::kAllow && rule.tier == Tier::kNetworkPolicy;
    const ClassInterval& subject = ingress ? rule.dst : rule.src;
    if (!allows || rule.direction != direction || !subject.Contains(ingress ? dst : src)) continue;
    const int distance = PortDistance(rule, port);
    const NearestRule found{
        .rule = r + 1,
        .peer = !(ingress ? rule.src : rule.dst).Contains(ingress ? src : dst),
        .protocol = rule.protocol != kAnyProtocol && rule.protocol != key.protocol,
        .port = distance != 0};
    const std::tuple rank{found.peer + found.protocol + found.port, distance};
    if (nearest && rank >= least) continue;
    nearest = found;
    least = rank;
  }
  return nearest;
}

}  // namespace sluice::acl
