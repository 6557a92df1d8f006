#include "acl/nearest_rule.h"

#include <tuple>

namespace sluice::acl {
namespace {

bool HasPorts(uint8_t protocol) {
  constexpr uint8_t kTcp = 6, kUdp = 17, kSctp = 132;
  return protocol == kTcp || protocol == kUdp || protocol == kSctp;
}

// 0 of a protocol without ports: no rule about ports can be met by another one.
int PortDistance(const FlatRule& rule, uint8_t protocol, uint16_t port) {
  if (!HasPorts(protocol)) return 0;
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
    const int distance = PortDistance(rule, key.protocol, port);
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
