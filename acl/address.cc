#include "acl/address.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <charconv>

namespace sluice::acl {
namespace {

constexpr size_t kMaxTextShown = 64;

absl::Status Refuse(std::string_view text, const std::string& reason) {
  return absl::InvalidArgumentError(
      fmt::format("{:?} {}", std::string(text.substr(0, kMaxTextShown)), reason));
}

// Zeroes every bit after the first `prefix_len`.
void MaskHostBits(IpAddress& address, unsigned prefix_len) {
  for (unsigned byte = 0; byte < address.bytes.size(); ++byte) {
    const unsigned first_bit = byte * 8;
    if (first_bit >= prefix_len) {
      address.bytes[byte] = 0;
    } else if (prefix_len - first_bit < 8) {
      address.bytes[byte] &= static_cast<uint8_t>(0xff << (8 - (prefix_len - first_bit)));
    }
  }
}

// Decimal digits only, no sign, no leading zero.
bool ParsePrefixLength(std::string_view text, unsigned* length) {
  if (text.empty() || text.size() > 3 || (text.size() > 1 && text[0] == '0')) return false;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *length);
  return error == std::errc() && end == text.data() + text.size();
}

}  // namespace

absl::StatusOr<IpAddress> IpAddress::Parse(std::string_view text) {
  // inet_pton stops at a NUL; what follows one must not be swallowed.
  if (text.size() < INET6_ADDRSTRLEN && text.find('\0') == std::string_view::npos) {
    const std::string terminated(text);
    uint8_t bytes[16];
    if (inet_pton(AF_INET, terminated.c_str(), bytes) == 1) {
      return FromBytes(Family::kIpv4, bytes);
    }
    if (inet_pton(AF_INET6, terminated.c_str(), bytes) == 1) {
      return FromBytes(Family::kIpv6, bytes);
    }
  }
  return Refuse(text, "is not an IP address");
}

std::string IpAddress::ToString() const {
  char text[INET6_ADDRSTRLEN];
  inet_ntop(family == Family::kIpv4 ? AF_INET : AF_INET6, bytes.data(), text, sizeof(text));
  return text;
}

absl::StatusOr<Cidr> Cidr::Parse(std::string_view text) {
  const size_t slash = text.find('/');
  if (slash == std::string_view::npos) return Refuse(text, "is not a CIDR: no prefix length");
  absl::StatusOr<IpAddress> address = IpAddress::Parse(text.substr(0, slash));
  if (!address.ok()) return Refuse(text, "is not a CIDR: no IP address before the slash");
  unsigned length = 0;
  if (!ParsePrefixLength(text.substr(slash + 1), &length) || length > address->bits()) {
    return Refuse(text, fmt::format("is not a CIDR: the prefix length is not a number from 0 to {}",
                                    address->bits()));
  }
  return Around(*address, static_cast<uint8_t>(length));
}

Cidr Cidr::Around(const IpAddress& address, uint8_t prefix_len) {
  Cidr cidr{address, prefix_len};
  MaskHostBits(cidr.base, prefix_len);
  return cidr;
}

bool Cidr::Contains(const IpAddress& address) const {
  return address.family == base.family && Around(address, prefix_len).base == base;
}

bool Cidr::Contains(const Cidr& other) const {
  return other.prefix_len >= prefix_len && Contains(other.base);
}

std::string Cidr::ToString() const { return fmt::format("{}/{}", base.ToString(), prefix_len); }

}  // namespace sluice::acl
