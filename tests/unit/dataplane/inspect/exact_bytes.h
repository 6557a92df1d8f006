// Text in a heap block of exactly its size, for AddressSanitizer.
#pragma once

#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string_view>

namespace sluice::test {

class ExactBytes {
 public:
  explicit ExactBytes(std::string_view text) : data_(new uint8_t[text.size()]), size_(text.size()) {
    if (!text.empty()) std::memcpy(data_.get(), text.data(), text.size());
  }
  std::span<const uint8_t> get() const { return {data_.get(), size_}; }

 private:
  std::unique_ptr<uint8_t[]> data_;
  size_t size_;
};

}  // namespace sluice::test
