// Keeps a flood of denied packets from drowning what else is to be told.
//
// Packets of one flow that are denied for one reason become one event a second, with their number;
// and a worker tells at most kEventsPerSecond denials in all, the rest is counted as lost. A small
// direct-mapped table: a flow that loses its place is told, and starts over.
#pragma once

#include <array>
#include <cstdint>

#include "dataplane/event_ring.h"

namespace sluice::dataplane {

class DenialEvents {
 public:
  static constexpr unsigned kFlows = 256;
  static constexpr uint32_t kWindowMs = 1000;
  static constexpr uint32_t kEventsPerSecond = 1000;

  // `flow` is a hash of who and why. The first packet of a flow is told at once.
  void Add(uint64_t flow, const ConnectionEvent& event, uint32_t now_ms, EventRing& ring);
  // Tells what has gathered for a window. A piece of the table a millisecond: call it once a loop.
  void Sweep(uint32_t now_ms, EventRing& ring);

 private:
  struct Flow {
    uint64_t hash = 0;
    uint32_t told_ms = 0;
    uint64_t untold = 0;  // packets since
    ConnectionEvent event;
  };
  void Tell(Flow& flow, uint32_t now_ms, EventRing& ring);

  std::array<Flow, kFlows> flows_;
  unsigned cursor_ = 0;
  uint32_t swept_ms_ = 0;
  uint32_t second_ms_ = 0;  // start of the second that told_ counts
  uint32_t told_ = 0;
};

}  // namespace sluice::dataplane
