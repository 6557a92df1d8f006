// Reads numbers and ranges from bytes of others, in network order; past the end it reads nothing
// and remembers that.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace sluice::dataplane {

class ByteReader {
 public:
  explicit ByteReader(std::span<const uint8_t> bytes) : left_(bytes) {}

  bool ok() const { return ok_; }
  bool empty() const { return left_.empty(); }

  uint8_t U8() { return static_cast<uint8_t>(Number(1)); }
  uint16_t U16() { return static_cast<uint16_t>(Number(2)); }

  // Empty if there are not so many.
  std::span<const uint8_t> Take(size_t count) {
    if (count > left_.size()) {
      ok_ = false;
      left_ = {};
      return {};
    }
    const auto taken = left_.first(count);
    left_ = left_.subspan(count);
    return taken;
  }
  std::span<const uint8_t> TakeWithU8() { return Take(U8()); }
  std::span<const uint8_t> TakeWithU16() { return Take(U16()); }

 private:
  uint32_t Number(unsigned bytes) {
    uint32_t number = 0;
    for (const uint8_t byte : Take(bytes)) number = number << 8 | byte;
    return number;
  }

  std::span<const uint8_t> left_;
  bool ok_ = true;
};

}  // namespace sluice::dataplane
