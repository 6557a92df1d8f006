#include "dataplane/denial_events.h"

namespace sluice::dataplane {
namespace {

constexpr unsigned kSweepPiece = 8;

}  // namespace

void DenialEvents::Add(uint64_t flow, const ConnectionEvent& event, uint32_t now_ms,
                       EventRing& ring) {
  Flow& slot = flows_[flow % kFlows];
  if (slot.hash != flow || flow == 0) {
    if (slot.untold > 0) Tell(slot, now_ms, ring);
    slot.hash = flow;
    slot.event = event;
    slot.untold = 1;
    Tell(slot, now_ms, ring);
    return;
  }
  slot.event.epoch = event.epoch;
  ++slot.untold;
  if (now_ms - slot.told_ms >= kWindowMs) Tell(slot, now_ms, ring);
}

void DenialEvents::Sweep(uint32_t now_ms, EventRing& ring) {
  if (now_ms == swept_ms_) return;  // the table is more than a core's nearest cache holds
  swept_ms_ = now_ms;
  for (unsigned i = 0; i < kSweepPiece; ++i) {
    Flow& slot = flows_[cursor_++ % kFlows];
    if (slot.untold > 0 && now_ms - slot.told_ms >= kWindowMs) Tell(slot, now_ms, ring);
  }
}

void DenialEvents::Tell(Flow& flow, uint32_t now_ms, EventRing& ring) {
  if (now_ms - second_ms_ >= 1000) {
    second_ms_ = now_ms;
    told_ = 0;
  }
  if (told_ < kEventsPerSecond) {
    ++told_;
    flow.event.packets = flow.untold;
    ring.Push(flow.event);
  } else {
    ring.CountLost(1);
  }
  flow.told_ms = now_ms;
  flow.untold = 0;
}

}  // namespace sluice::dataplane
