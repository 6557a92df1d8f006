// One pod: its stack on its port, and the blasts that end at it.
#pragma once

#include <memory>
#include <vector>

#include "perf/pktgen/blast_latency.h"
#include "perf/pktgen/host_stack.h"
#include "perf/pktgen/virtio_port.h"

namespace sluice::pktgen {

// Takes the frames of one blast off a pod before its stack sees them, and counts them.
struct BlastSink {
  Frame sample;          // every frame of the blast is like this, but for source port and checksum
  size_t l4_offset = 0;  // where its UDP header is
  uint64_t received = 0;
  BlastLatency* latency = nullptr;  // wants to see what arrives; null: nobody does

  bool Matches(Bytes frame) const;
  void Take(Bytes frame);  // one that matches
};

class Pod {
 public:
  Pod(const HostConfig& config, std::unique_ptr<VirtioPort> port, uint64_t seed);

  // Receives a burst, runs the timers, sends what came of it.
  void Poll(uint64_t now_ns);

  HostStack& stack() { return stack_; }
  VirtioPort& port() { return *port_; }

  void AddSink(BlastSink* sink) { sinks_.push_back(sink); }
  void RemoveSink(const BlastSink* sink) { std::erase(sinks_, sink); }

 private:
  void Receive(const rte_mbuf& packet, uint64_t now_ns);

  std::unique_ptr<VirtioPort> port_;
  HostStack stack_;
  std::vector<BlastSink*> sinks_;
  Frame joined_;  // a packet of several segments, in one piece
};

}  // namespace sluice::pktgen
