// One interface of one container on one network, and the names that follow from it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sluice::cni {

struct AttachmentId {
  std::string network;    // the configuration's name
  std::string container;  // CNI_CONTAINERID
  std::string ifname;     // CNI_IFNAME
  bool operator==(const AttachmentId&) const = default;
};

// "NETWORK/CONTAINER/IFNAME", as the port bears it; none of the three has a '/'.
std::string ToText(const AttachmentId& id);
std::optional<AttachmentId> ParseAttachment(std::string_view text);

// Names follow from it.
uint64_t HashOf(const AttachmentId& id);

// "cni-" and 16 hexadecimal digits: of the port, and of the record.
std::string PortNameOf(const AttachmentId& id);

// Locally administered; the same for the same attachment.
std::string MacOf(const AttachmentId& id);

}  // namespace sluice::cni
