// TCP connections by the million, without a stack: each step of one follows from the packet that
// arrived, so nothing is kept per connection.
//
//   open:      SYN ->, <- SYN ACK, ACK ->
//   exchange:  SYN ->, <- SYN ACK, ACK with data ->, <- FIN ACK, FIN ACK ->, <- ACK
//
// All connections count their bytes from the same numbers. Nothing is sent again: a connection that
// loses a packet is lost.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "perf/pktgen/operation.h"
#include "perf/pktgen/traffic_frame.h"
#include "perf/pktgen/traffic_ports.h"
#include "perf/pktgen/traffic_request.h"

namespace sluice::pktgen {

class TrafficTcp {
 public:
  // What is opened: the flows that send over and over, each once; or exchanges of new flows, one
  // after the other from `first`, until the time is over or there were `packets` of them.
  // `request.window` connections at a time. `ports` outlives it.
  TrafficTcp(const TrafficRequest& request, bool open_only, TrafficPorts& ports, uint32_t first);

  void Run(const std::atomic<bool>& stop);
  Json Answer() const;
  uint32_t next_new() const { return next_; }

 private:
  static constexpr uint16_t kBurst = VirtioPort::kBurst;
  enum Step : uint8_t { kSyn, kSynAck, kAck, kData, kPeerFin, kFin, kLastAck, kSteps };

  bool MayStart(uint64_t tsc) const;
  void Start(uint64_t tsc);
  bool Poll(VirtioPort& port, bool at_peer, uint64_t tsc);
  // The step that answers one that arrived; kSteps if that was the last one.
  Step After(Step step) const;
  Step StepOf(const uint8_t* data, uint32_t size, bool at_peer, uint32_t& flow) const;
  void Put(VirtioPort& port, Step step, uint32_t flow, uint64_t tsc);
  void Flush(VirtioPort& port);
  void Forgive(uint64_t tsc);

  struct Queue {
    std::array<rte_mbuf*, kBurst> packets{};
    uint16_t count = 0;
  };
  Queue& QueueOf(const VirtioPort& port) { return &port == &ports_.from() ? to_peer_ : from_peer_; }

  const TrafficRequest request_;
  const bool open_only_;
  TrafficPorts& ports_;
  const std::array<TrafficFrame, kSteps> frames_;
  Queue to_peer_, from_peer_;
  uint32_t next_;  // flow to start
  uint64_t started_ = 0, completed_ = 0, completed_at_stop_ = 0, unexpected_ = 0, refused_ = 0;
  uint64_t packets_ = 0, forgiven_ = 0;
  uint64_t start_tsc_ = 0, stop_tsc_ = 0, end_tsc_ = 0, last_arrival_tsc_ = 0, spare_cycles_ = 0;
};

}  // namespace sluice::pktgen
