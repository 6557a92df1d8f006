// A prepared frame of one size, direction and TCP step: written into a buffer by one copy and the
// few words that differ from flow to flow, its checksums corrected by just those.
//
// The payload begins with the flow's number and a stamp, as far as they fit; what follows is zeros,
// which are the buffer's own business (TrafficPorts).
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "perf/pktgen/traffic_flows.h"

namespace sluice::pktgen {

class TrafficFrame {
 public:
  static constexpr uint16_t kLeast = 60;      // bytes, without FCS
  static constexpr uint16_t kMost = 9'018;    // an IP packet of 9,000 bytes, with a VLAN tag's room
  static constexpr uint16_t kStampSize = 16;  // as BlastLatency's
  static constexpr uint16_t kFlowSize = 4;

  struct Kind {
    bool reversed = false;   // from the peer
    uint16_t size = kLeast;  // without FCS; padded up to it if the IP packet is shorter
    bool payload = true;     // all that is left of the size; or none
    bool stamped = false;
    uint8_t tcp_flags = 0;      // of TCP
    uint32_t seq = 0, ack = 0;  // of TCP
  };

  // `flows` outlives this. `kind.size` is at least LeastSize.
  TrafficFrame(const TrafficFlows& flows, const Kind& kind);

  // The smallest frame with a flow's number, and a stamp if it is to carry one.
  static uint16_t LeastSize(const TrafficFlows& flows, bool stamped);

  uint16_t size() const { return kind_.size; }
  uint16_t payload_size() const { return payload_size_; }

  // `data` has room for kCopyMost bytes. `flow` is below flows.count().
  void Write(uint8_t* data, uint32_t flow, uint64_t tsc) const;
  static constexpr size_t kCopyMost = 128;

  // The flow of a frame of this kind; nothing for any other: MACs, family, protocol, addresses,
  // ports and the flow's number in the payload have to agree.
  std::optional<uint32_t> Read(const uint8_t* data, uint32_t size) const;
  // Of a frame that Read took; a stamped one.
  Bytes Stamp(const uint8_t* data) const { return {data + payload_ + kFlowSize, kStampSize}; }
  // The TCP flags of a frame that has a TCP header where this one has it.
  uint8_t TcpFlags(const uint8_t* data) const { return data[l4_ + 13]; }

 private:
  bool ipv4() const { return flows_.source.family == Family::kIpv4; }
  bool carries_flow() const { return payload_size_ >= kFlowSize; }
  void WriteAddresses(uint8_t* data, const TrafficFlows::Offsets& offsets, uint64_t& sum) const;
  void PrepareChecksums();

  const TrafficFlows& flows_;
  const Kind kind_;
  uint16_t l4_ = 0, checksum_ = 0, payload_ = 0;  // offsets
  uint16_t source_at_ = 0, destination_at_ = 0;  // the last four bytes of each address, on the wire
  uint16_t payload_size_ = 0;
  uint32_t first_source_ = 0, first_destination_ = 0;  // those bytes in host order
  size_t copy_ = 64;
  // One's complement sums, not folded, with zeros for ports and what the payload holds; and, where
  // addresses differ, for those bytes.
  uint64_t ip_sum_ = 0, l4_sum_ = 0;
  alignas(64) std::array<uint8_t, kCopyMost> bytes_{};
};

}  // namespace sluice::pktgen
