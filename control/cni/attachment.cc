#include "control/cni/attachment.h"

#include <fmt/format.h>

namespace sluice::cni {

std::string ToText(const AttachmentId& id) {
  return fmt::format("{}/{}/{}", id.network, id.container, id.ifname);
}

std::optional<AttachmentId> ParseAttachment(std::string_view text) {
  const size_t first = text.find('/');
  const size_t last = text.rfind('/');
  if (first == std::string_view::npos || first == last) return std::nullopt;
  return AttachmentId{std::string(text.substr(0, first)),
                      std::string(text.substr(first + 1, last - first - 1)),
                      std::string(text.substr(last + 1))};
}

// FNV-1a, 64 bits.
uint64_t HashOf(const AttachmentId& id) {
  uint64_t hash = 0xcbf29ce484222325;
  for (const char c : ToText(id)) hash = (hash ^ static_cast<uint8_t>(c)) * 0x100000001b3;
  return hash;
}

std::string PortNameOf(const AttachmentId& id) { return fmt::format("cni-{:016x}", HashOf(id)); }

std::string MacOf(const AttachmentId& id) {
  const uint64_t hash = HashOf(id);
  const auto byte = [&](unsigned i) { return (hash >> (8 * i)) & 0xff; };
  return fmt::format("02:{:02x}:{:02x}:{:02x}:{:02x}:{:02x}", byte(4), byte(3), byte(2), byte(1),
                     byte(0));
}

}  // namespace sluice::cni
