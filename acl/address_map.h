// Address -> class: exact for known addresses, longest prefix for the CIDRs policies name.
//
// A value that is cheap to copy: exact entries lie in shards that copies share until one of them
// writes. So a snapshot with one pod more costs one shard, not the cluster. Read by every worker;
// written only before it is published.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <array>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "acl/address.h"
#include "acl/flat_rule.h"

namespace sluice::acl {

class AddressMap {
 public:
  struct Change {
    IpAddress address;
    std::optional<ClassId> id;  // absent: the address is what its prefixes say again
  };

  // Later changes of one address win. Cost: the shards that are changed, each once.
  void Apply(std::span<const Change> changes);
  void SetExact(const IpAddress& address, ClassId id);
  void SetPrefix(const Cidr& cidr, ClassId id);
  void SetPrefixes(std::span<const std::pair<Cidr, ClassId>> prefixes);

  // The class of `address`. Both families' /0 must have been set.
  ClassId Lookup(const IpAddress& address) const;
  // How many exact entries each of `classes` classes has. Cost: all of them.
  std::vector<size_t> CountExact(size_t classes) const;

  bool operator==(const AddressMap& other) const;

 private:
  using Shard = absl::flat_hash_map<IpAddress, ClassId>;
  using Prefixes = absl::flat_hash_map<Cidr, ClassId>;
  static constexpr size_t kShards = 256;

  static size_t ShardOf(const IpAddress& address) {
    return absl::HashOf(address) >> (8 * sizeof(size_t) - 8);
  }

  std::array<std::shared_ptr<const Shard>, kShards> exact_;  // null: empty
  std::shared_ptr<const Prefixes> prefixes_ = std::make_shared<const Prefixes>();
  std::vector<uint8_t> lengths_v4_;  // prefix lengths in use, longest first
  std::vector<uint8_t> lengths_v6_;
};

}  // namespace sluice::acl
