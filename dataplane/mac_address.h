// An Ethernet address as a value.
#pragma once

#include <absl/status/statusor.h>

#include <array>
#include <compare>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace sluice::dataplane {

struct MacAddress {
  std::array<uint8_t, 6> bytes{};

  static MacAddress FromBytes(const uint8_t* data) {
    MacAddress mac;
    std::memcpy(mac.bytes.data(), data, 6);
    return mac;
  }
  // "02:00:00:00:00:0a". Errors: InvalidArgument naming the text.
  static absl::StatusOr<MacAddress> Parse(std::string_view text);
  std::string ToString() const;

  // All of it as a number, of no meaning but to be compared.
  uint64_t Word() const {
    uint32_t first;
    uint16_t last;
    std::memcpy(&first, bytes.data(), sizeof(first));
    std::memcpy(&last, bytes.data() + sizeof(first), sizeof(last));
    return first | uint64_t{last} << 32;
  }
  bool IsMulticast() const { return (bytes[0] & 1) != 0; }  // broadcast too
  bool IsZero() const { return *this == MacAddress{}; }

  auto operator<=>(const MacAddress&) const = default;
  bool operator==(const MacAddress& other) const {  // memcmp would be a call for each packet
    return Word() == other.Word();
  }

  template <typename H>
  friend H AbslHashValue(H h, const MacAddress& m) {
    return H::combine(std::move(h), m.bytes);
  }
};

}  // namespace sluice::dataplane
