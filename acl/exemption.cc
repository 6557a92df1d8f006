#include "acl/exemption.h"

#include <algorithm>

namespace sluice::acl {

bool IsExempt(const Endpoint& subject, const IpAddress& peer, Direction direction) {
  const auto lists = [&](const std::vector<IpAddress>& addresses) {
    return std::find(addresses.begin(), addresses.end(), peer) != addresses.end();
  };
  if (lists(subject.addresses)) return true;
  return direction == Direction::kIngress && lists(subject.node_addresses);
}

}  // namespace sluice::acl
