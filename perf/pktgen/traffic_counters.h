// What one pod received and sent, by kind of frame: a test's proof of what arrived.
#pragma once

#include <array>
#include <map>

#include "perf/pktgen/frame.h"

namespace sluice::pktgen {

inline constexpr size_t kFrameKindCount = static_cast<size_t>(FrameKind::kOther) + 1;

const char* FrameKindName(FrameKind kind);

using KindCounts = std::array<uint64_t, kFrameKindCount>;

struct TrafficCounters {
  // Every frame that arrived, for whomever it was and however damaged, counts under one kind.
  KindCounts received{};
  KindCounts sent{};
  // Of the received ones:
  uint64_t malformed = 0;
  uint64_t bad_checksum = 0;
  uint64_t misdirected = 0;  // to another unicast MAC
  std::map<IpAddress, uint64_t> tcp_syn_from, udp_from;

  void CountReceived(const ParsedFrame& frame, const MacAddress& own_mac);
  void CountSent(FrameKind kind) { ++sent[static_cast<size_t>(kind)]; }
};

}  // namespace sluice::pktgen
