// A hash of texts, one after the other, that is the same in every process.
#pragma once

#include <fmt/format.h>
#include <xxhash.h>

#include <cstdint>
#include <iterator>
#include <string>
#include <string_view>

namespace sluice::acl {

class TextHash {
 public:
  // "ab" is not "a", "b".
  void Add(std::string_view text) {
    fmt::format_to(std::back_inserter(texts_), "{}:{}", text.size(), text);
  }
  uint64_t Short() const { return XXH3_64bits(texts_.data(), texts_.size()); }
  // 32 hexadecimal digits.
  std::string Long() const {
    const XXH128_hash_t hash = XXH3_128bits(texts_.data(), texts_.size());
    return fmt::format("{:016x}{:016x}", hash.high64, hash.low64);
  }

 private:
  std::string texts_;
};

}  // namespace sluice::acl
