#include "control/nearest.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "acl/nearest_rule.h"
#include "control/protocol_name.h"

namespace sluice::control {
namespace {

std::string UpperName(uint8_t protocol) {
  std::string name = ProtocolName(protocol);
  std::ranges::transform(name, name.begin(), [](unsigned char c) { return std::toupper(c); });
  const bool number = !name.empty() && std::isdigit(static_cast<unsigned char>(name[0])) != 0;
  return number ? "protocol " + name : name;
}

std::string PortsText(const acl::FlatRule& rule) {
  if (rule.port_first == rule.port_last) return fmt::to_string(rule.port_first);
  return fmt::format("{}-{}", rule.port_first, rule.port_last);
}

std::string AdmitsText(const acl::FlatRule& rule) {
  if (rule.protocol == acl::kAnyProtocol) return "anything";
  const std::string protocol = UpperName(static_cast<uint8_t>(rule.protocol));
  const bool every_port = rule.port_first == 0 && rule.port_last == 0xffff;
  return every_port ? fmt::format("any {} port", protocol)
                    : fmt::format("{} {}", protocol, PortsText(rule));
}

// What of the question the rule says otherwise: "6380", "UDP 53", "ICMP".
std::string AskedText(const acl::NearestRule& nearest, const acl::ClassifyKey& key) {
  const uint16_t port = __builtin_bswap16(key.dst_port_be);
  if (!nearest.protocol) return fmt::to_string(port);
  const std::string protocol = UpperName(key.protocol);
  return port == 0 ? protocol : fmt::format("{} {}", protocol, port);
}

// "TCP 6379 (asked: 6380)", "other peers", "TCP 6379 from other peers (asked: 6380)".
std::string DifferenceText(const acl::NearestRule& nearest, const std::string& admits,
                           const acl::ClassifyKey& key, acl::Direction direction) {
  if (!nearest.protocol && !nearest.port) return "other peers";
  const bool ingress = direction == acl::Direction::kIngress;
  const char* peers = !nearest.peer ? "" : ingress ? " from other peers" : " to other peers";
  return fmt::format("{}{} (asked: {})", admits, peers, AskedText(nearest, key));
}

}  // namespace

std::optional<Nearest> FindNearest(const acl::RuleTable& table, const acl::ClassifyKey& key,
                                   acl::Direction direction) {
  const auto found = acl::FindNearestRule(table, key, direction);
  if (!found) return std::nullopt;
  const acl::FlatRule& rule = table.rules[found->rule - 1];
  const acl::RuleSource& source = table.sources[rule.source];
  Nearest nearest{.policy = fmt::format("{}", fmt::join(source.policies, ", ")),
                  .rule = source.rule,
                  .admits = AdmitsText(rule),
                  .differs = {},
                  .text = {}};
  if (found->peer) nearest.differs.push_back("peer");
  if (found->protocol) nearest.differs.push_back("protocol");
  if (found->port) nearest.differs.push_back("port");
  nearest.text = fmt::format("{} {} admits {}", nearest.policy, nearest.rule,
                             DifferenceText(*found, nearest.admits, key, direction));
  return nearest;
}

}  // namespace sluice::control
