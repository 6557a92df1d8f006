#include "acl/address_map.h"

#include <algorithm>
#include <functional>

namespace sluice::acl {

void AddressMap::SetPrefix(const Cidr& cidr, ClassId id) {
  prefixes_[cidr] = id;
  std::vector<uint8_t>& lengths = cidr.base.family == Family::kIpv4 ? lengths_v4_ : lengths_v6_;
  const auto place =
      std::lower_bound(lengths.begin(), lengths.end(), cidr.prefix_len, std::greater<>());
  if (place == lengths.end() || *place != cidr.prefix_len) lengths.insert(place, cidr.prefix_len);
}

ClassId AddressMap::Lookup(const IpAddress& address) const {
  if (const auto exact = exact_.find(address); exact != exact_.end()) return exact->second;
  for (const uint8_t length : address.family == Family::kIpv4 ? lengths_v4_ : lengths_v6_) {
    const auto prefix = prefixes_.find(Cidr::Around(address, length));
    if (prefix != prefixes_.end()) return prefix->second;
  }
  return kUnknownClass;
}

}  // namespace sluice::acl
