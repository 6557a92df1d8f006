// Address -> class: exact for endpoint addresses, longest prefix for the CIDRs policies name.
//
// Built once by the compiler, then immutable and read by every worker.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <vector>

#include "acl/address.h"
#include "acl/flat_rule.h"

namespace sluice::acl {

class AddressMap {
 public:
  void SetExact(const IpAddress& address, ClassId id) { exact_[address] = id; }
  void SetPrefix(const Cidr& cidr, ClassId id);

  // The class of `address`. Both families' /0 must have been set.
  ClassId Lookup(const IpAddress& address) const;

  bool operator==(const AddressMap&) const = default;

 private:
  absl::flat_hash_map<IpAddress, ClassId> exact_;
  absl::flat_hash_map<Cidr, ClassId> prefixes_;
  std::vector<uint8_t> lengths_v4_;  // prefix lengths in use, longest first
  std::vector<uint8_t> lengths_v6_;
};

}  // namespace sluice::acl
