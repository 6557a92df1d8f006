#include "perf/pktgen/traffic_counters.h"

namespace sluice::pktgen {

const char* FrameKindName(FrameKind kind) {
  static constexpr const char* kNames[] = {
#define SLUICE_X(constant, name) name,
      SLUICE_FRAME_KINDS(SLUICE_X)
#undef SLUICE_X
  };
  return kNames[static_cast<size_t>(kind)];
}

void TrafficCounters::CountReceived(const ParsedFrame& frame, const MacAddress& own_mac) {
  ++received[static_cast<size_t>(frame.kind)];
  malformed += frame.malformed ? 1 : 0;
  bad_checksum += frame.bad_checksum ? 1 : 0;
  misdirected += !frame.dst_mac.IsMulticast() && frame.dst_mac != own_mac ? 1 : 0;
  if (frame.kind == FrameKind::kTcpSyn) ++tcp_syn_from[frame.src];
  if (frame.kind == FrameKind::kUdp) ++udp_from[frame.src];
}

}  // namespace sluice::pktgen
