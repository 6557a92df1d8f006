// Texts that values are held against, by number: exact ones, and those with a wildcard at one end.
//
// A look-up costs one probe for the exact text, and one for each length that some wildcard has and
// the value can have: as many as policies use, whatever a pod sends.
#pragma once

#include <absl/container/flat_hash_map.h>
#include <absl/container/inlined_vector.h>

#include <cstdint>
#include <set>
#include <string>
#include <string_view>

namespace sluice::acl {

// Which end of a value is free.
enum class Wildcard : uint8_t { kFront, kBack };

class NameIndex {
 public:
  // Of a pattern; 0 is the one of "", which every value fits.
  using Id = uint32_t;
  using Ids = absl::InlinedVector<Id, 16>;

  explicit NameIndex(Wildcard wildcard) : wildcard_(wildcard) {}

  // "*.example.org" (kFront) or "/a/*" (kBack), and texts without a star. Answers the same number
  // for the same pattern.
  Id Add(std::string_view pattern);
  // Those that `value` fits, 0 among them.
  Ids Find(std::string_view value) const;

 private:
  const Wildcard wildcard_;
  Id last_ = 0;
  absl::flat_hash_map<std::string, Id> exact_;
  absl::flat_hash_map<std::string, Id> parts_;  // what is fixed of those with a wildcard
  std::set<size_t> lengths_;                    // of parts_
};

}  // namespace sluice::acl
