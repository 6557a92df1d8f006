// Reads the one TCP option that the tracker needs. Options are bytes that a pod chose.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

#include "dataplane/packet.h"

namespace sluice::dataplane {

// The window scale that a SYN's options offer (RFC 7323), at most 14; kNoTcpScale if none does.
// Ends at the first option that is cut short or too short to be one, as TCP stacks do.
inline uint8_t TcpWindowScale(std::span<const uint8_t> options) {
  constexpr uint8_t kEnd = 0, kPadding = 1, kWindowScale = 3, kWindowScaleLength = 3;
  for (size_t at = 0; at < options.size() && options[at] != kEnd;) {
    if (options[at] == kPadding) {
      ++at;
      continue;
    }
    if (at + 1 >= options.size()) break;
    const size_t length = options[at + 1];
    if (length < 2 || at + length > options.size()) break;
    if (options[at] == kWindowScale && length == kWindowScaleLength) {
      return std::min(options[at + 2], kMaxTcpScale);
    }
    at += length;
  }
  return kNoTcpScale;
}

}  // namespace sluice::dataplane
