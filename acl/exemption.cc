#include "acl/exemption.h"

#include <algorithm>

namespace sluice::acl {

Decision Exempted(const Decision& decision, const Endpoint& subject, const IpAddress& peer,
                  Direction direction) {
  const auto lists = [&](const std::vector<IpAddress>& addresses) {
    return std::find(addresses.begin(), addresses.end(), peer) != addresses.end();
  };
  if (lists(subject.addresses)) return {};
  const bool own_node = direction == Direction::kIngress && lists(subject.node_addresses);
  return own_node && !decision.own_node ? Decision() : decision;
}

}  // namespace sluice::acl
