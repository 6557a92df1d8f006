// Counters with one writer: a worker adds, anyone reads.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "dataplane/drop_reason.h"
#include "dataplane/snapshot.h"

namespace sluice::dataplane {

// Add is a plain load and store: only the owning thread may call it.
class Counter {
 public:
  void Add(uint64_t n) {
    value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  }
  uint64_t Read() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> value_{0};
};

struct PortTally {
  Counter rx_packets, rx_bytes, tx_packets, tx_bytes;
  Counter answered;                             // rejected packets that an answer was sent for
  std::array<Counter, kDropReasonCount> drops;  // of packets that entered by this port
};

struct QueueTally {
  Counter rx_packets, tx_packets;
};

// Everything one worker counts.
struct Tally {
  std::array<PortTally, kMaxPorts> ports;
  std::array<std::array<QueueTally, kMaxQueues>, kMaxPorts> queues;  // by port and queue
  Counter loops, busy_loops, packets, classified;
  Counter cycles, busy_cycles;
  Counter sleeps;  // an idle worker's
};

}  // namespace sluice::dataplane
