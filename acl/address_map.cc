#include "acl/address_map.h"

#include <algorithm>
#include <functional>
#include <set>

namespace sluice::acl {
namespace {

// Equal content; null is empty.
template <typename T>
bool Same(const std::shared_ptr<const T>& a, const std::shared_ptr<const T>& b) {
  if (a == b) return true;
  if (a == nullptr || b == nullptr) return (a == nullptr ? b : a)->empty();
  return *a == *b;
}

}  // namespace

void AddressMap::Apply(std::span<const Change> changes) {
  std::array<std::shared_ptr<Shard>, kShards> changed;
  for (const Change& change : changes) {
    const size_t index = ShardOf(change.address);
    std::shared_ptr<Shard>& shard = changed[index];
    if (shard == nullptr) {
      shard = exact_[index] == nullptr ? std::make_shared<Shard>()
                                       : std::make_shared<Shard>(*exact_[index]);
    }
    if (change.id) {
      (*shard)[change.address] = *change.id;
    } else {
      shard->erase(change.address);
    }
  }
  for (size_t i = 0; i < kShards; ++i) {
    if (changed[i] != nullptr) exact_[i] = std::move(changed[i]);
  }
}

void AddressMap::SetExact(const IpAddress& address, ClassId id) {
  const Change change{address, id};
  Apply({&change, 1});
}

void AddressMap::SetPrefix(const Cidr& cidr, ClassId id) {
  const std::pair<Cidr, ClassId> prefix{cidr, id};
  SetPrefixes({&prefix, 1});
}

void AddressMap::SetPrefixes(std::span<const std::pair<Cidr, ClassId>> prefixes) {
  std::set<uint8_t, std::greater<>> v4(lengths_v4_.begin(), lengths_v4_.end());
  std::set<uint8_t, std::greater<>> v6(lengths_v6_.begin(), lengths_v6_.end());
  auto all = std::make_shared<Prefixes>(*prefixes_);
  for (const auto& [cidr, id] : prefixes) {
    (*all)[cidr] = id;
    (cidr.base.family == Family::kIpv4 ? v4 : v6).insert(cidr.prefix_len);
  }
  prefixes_ = std::move(all);
  lengths_v4_.assign(v4.begin(), v4.end());
  lengths_v6_.assign(v6.begin(), v6.end());
}

ClassId AddressMap::Lookup(const IpAddress& address) const {
  if (const Shard* shard = exact_[ShardOf(address)].get()) {
    if (const auto exact = shard->find(address); exact != shard->end()) return exact->second;
  }
  for (const uint8_t length : address.family == Family::kIpv4 ? lengths_v4_ : lengths_v6_) {
    const auto prefix = prefixes_->find(Cidr::Around(address, length));
    if (prefix != prefixes_->end()) return prefix->second;
  }
  return kUnknownClass;
}

std::vector<size_t> AddressMap::CountExact(size_t classes) const {
  std::vector<size_t> counts(classes);
  for (const auto& shard : exact_) {
    if (shard == nullptr) continue;
    for (const auto& [address, id] : *shard) ++counts[id];
  }
  return counts;
}

bool AddressMap::operator==(const AddressMap& other) const {
  return std::equal(exact_.begin(), exact_.end(), other.exact_.begin(), Same<Shard>) &&
         Same(prefixes_, other.prefixes_) && lengths_v4_ == other.lengths_v4_ &&
         lengths_v6_ == other.lengths_v6_;
}

}  // namespace sluice::acl
