#include "dataplane/mac_address.h"

#include <fmt/core.h>

namespace sluice::dataplane {

absl::StatusOr<MacAddress> MacAddress::Parse(std::string_view text) {
  MacAddress mac;
  auto hex = [](char c) -> int {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
  };
  bool good = text.size() == 17;
  for (size_t i = 0; good && i < 6; ++i) {
    const int high = hex(text[i * 3]);
    const int low = hex(text[i * 3 + 1]);
    good = high >= 0 && low >= 0 && (i == 5 || text[i * 3 + 2] == ':');
    mac.bytes[i] = static_cast<uint8_t>((high << 4) | low);
  }
  if (!good) {
    return absl::InvalidArgumentError(
        fmt::format("\"{}\" is not a MAC address (six hex pairs with colons)", text));
  }
  return mac;
}

std::string MacAddress::ToString() const {
  return fmt::format("{:02x}:{:02x}:{:02x}:{:02x}:{:02x}:{:02x}", bytes[0], bytes[1], bytes[2],
                     bytes[3], bytes[4], bytes[5]);
}

}  // namespace sluice::dataplane
