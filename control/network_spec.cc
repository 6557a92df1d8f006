#include "control/network_spec.h"

#include <fmt/core.h>

#include <algorithm>

namespace sluice::control {
namespace {

constexpr size_t kMaxName = 32;
constexpr uint32_t kMinMtu = 68, kMaxMtu = 65535;  // what IPv4 asks for at least (RFC 791)

bool IsNameChar(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
}

}  // namespace

absl::Status Validate(const NetworkSpec& spec) {
  auto bad = [&spec](const char* field, const std::string& reason) {
    return absl::InvalidArgumentError(fmt::format("network {}: {}: {}", spec.name, field, reason));
  };
  if (spec.name.empty() || spec.name.size() > kMaxName) {
    return bad("name", fmt::format("must have 1 to {} characters", kMaxName));
  }
  if (!std::ranges::all_of(spec.name, IsNameChar)) {
    return bad("name", "may hold only a-z, 0-9, '-' and '.'");
  }
  if (spec.vlan > kMaxVlan) {
    return bad("vlan", fmt::format("{} is not between 0 and {}", spec.vlan, kMaxVlan));
  }
  if (spec.mtu != 0 && (spec.mtu < kMinMtu || spec.mtu > kMaxMtu)) {
    return bad("mtu", fmt::format("{} is not between {} and {}", spec.mtu, kMinMtu, kMaxMtu));
  }
  for (const dataplane::MacAddress& mac : spec.routers) {
    if (mac.IsZero() || mac.IsMulticast()) {
      return bad("routers", fmt::format("{} is not the address of one router", mac.ToString()));
    }
  }
  return absl::OkStatus();
}

}  // namespace sluice::control
