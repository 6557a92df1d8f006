// One run of packets from one port to another, one way or with replies: sends, receives, and holds
// every packet that arrives against what its flow should look like.
//
// Everything is done by the calling thread, in one loop that does not wait. `spare` is the share of
// the loop's time in which there was nothing to do: the window was full or the ring was, and
// nothing had arrived.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <optional>
#include <vector>

#include "perf/pktgen/blast_latency.h"
#include "perf/pktgen/operation.h"
#include "perf/pktgen/traffic_frame.h"
#include "perf/pktgen/traffic_order.h"
#include "perf/pktgen/traffic_ports.h"
#include "perf/pktgen/traffic_request.h"

namespace sluice::pktgen {

struct TrafficTally {
  uint64_t sent = 0, received = 0;  // without denied ones
  uint64_t replies_sent = 0, replies_received = 0;
  uint64_t denied_sent = 0, denied_received = 0;
  uint64_t unexpected = 0;  // arrived, and is no packet of a flow of this run
};

class TrafficRun {
 public:
  // `next_new`: which new flow is the first. The others outlive it.
  TrafficRun(const TrafficRequest& request, TrafficPorts& ports, uint32_t next_new);
  ~TrafficRun();
  TrafficRun(const TrafficRun&) = delete;
  TrafficRun& operator=(const TrafficRun&) = delete;

  // Blocks until all is sent and what was sent has arrived, or is lost; or `stop`.
  void Run(const std::atomic<bool>& stop);
  Json Answer() const;
  double loss() const;
  double sent_pps() const;
  uint32_t next_new() const { return order_.next_new(); }

 private:
  static constexpr uint16_t kBurst = VirtioPort::kBurst;

  // Packets that wait for room in a port's ring.
  struct Pending {
    std::array<rte_mbuf*, kBurst> packets{};
    uint16_t first = 0, end = 0;
    uint16_t count() const { return end - first; }
  };

  bool Over(uint64_t tsc) const;
  uint16_t Send(uint64_t tsc);
  uint64_t Due(uint64_t tsc) const;
  void Fill(uint16_t count, uint64_t tsc);
  bool IsDenied();
  uint16_t Receive(uint64_t tsc);
  uint16_t ReceiveReplies();
  void Take(std::span<rte_mbuf* const> packets, uint64_t tsc);
  void Reply(std::span<const uint32_t> flows, uint64_t tsc);
  bool IsDeniedPacket(const rte_mbuf& packet) const;
  uint16_t Flush(VirtioPort& port, Pending& pending);
  void Forgive(uint64_t tsc);
  void Drain(const std::atomic<bool>& stop);
  void CutBy(rte_mbuf& packet) const;
  uint64_t arrived() const { return request_.reply ? tally_.replies_received : tally_.received; }

  const TrafficRequest request_;
  TrafficPorts& ports_;
  TrafficOrder order_;
  TrafficFlows denied_flows_;
  std::vector<TrafficFrame> frames_, replies_;  // one a size
  std::optional<TrafficFrame> denied_;
  size_t next_size_ = 0;
  uint32_t next_denied_ = 0, next_of_32_ = 0;
  std::vector<int32_t> balance_;  // of flows that send over and over: sent less received
  std::optional<BlastLatency> latency_;
  Pending sending_, replying_;
  TrafficTally tally_, at_stop_;
  uint64_t forgiven_ = 0;  // lost packets that the window does not wait for any more
  uint64_t start_tsc_ = 0, stop_tsc_ = 0, end_tsc_ = 0, last_arrival_tsc_ = 0;
  uint64_t spare_cycles_ = 0, held_up_cycles_ = 0, turns_ = 0, idle_turns_ = 0;
};

}  // namespace sluice::pktgen
