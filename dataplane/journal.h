// What one worker tells people: which rule refused how many packets, or would have; and, while
// somebody watches, what happens to connections.
//
// Owned by the worker and written by it alone. Counts are read by any thread, events by one.
#pragma once

#include <atomic>

#include "dataplane/denial_events.h"
#include "dataplane/denial_tally.h"
#include "dataplane/event_ring.h"
#include "dataplane/packet.h"

namespace sluice::dataplane {

// Who watches, as bits of one word that workers look at once a burst.
enum Attention : uint32_t { kWatchEvents = 1, kWatchStages = 2 };

// The rules that decided on a connection; kNoRule: none did.
struct DecidingRules {
  acl::RuleId egress = acl::kNoRule;
  acl::RuleId ingress = acl::kNoRule;
};

class Journal {
 public:
  // `attention` outlives the journal; null: nobody ever watches.
  explicit Journal(const std::atomic<uint32_t>* attention = nullptr) : attention_(attention) {}

  uint32_t Attention() const {
    return attention_ == nullptr ? 0 : attention_->load(std::memory_order_relaxed);
  }

  // Whether somebody watches connections; if not, nothing need be told.
  bool TellsEvents() const { return (Attention() & kWatchEvents) != 0; }

  // A packet of `burst` was refused for `reason`, by `rule` if it was policy's, or nearly so.
  void Refused(const Burst& burst, const Packet& packet, DropReason reason, acl::RuleId rule,
               Outcome outcome);
  // The packet's connection was entered into the table.
  void Opened(const Burst& burst, const Packet& packet, const DecidingRules& rules);
  // What it says was judged by these rules, and it passed; or has a pattern that one wants told.
  void Judged(const Burst& burst, const Packet& packet, EventKind kind, const DecidingRules& rules);
  // It was taken out of it.
  void Closed(const Connection& connection);
  // Once a turn of the worker.
  void Sweep(uint32_t now_ms) {
    if (TellsEvents()) denial_events_.Sweep(now_ms, events_);
  }

  const DenialTally& denials() const { return denials_; }
  EventRing& events() { return events_; }
  const EventRing& events() const { return events_; }

 private:
  const std::atomic<uint32_t>* const attention_;
  DenialTally denials_;
  DenialEvents denial_events_;
  EventRing events_;
};

// What becomes of a packet that policy refuses for `reason`: the reason it dies of, or kNone if the
// switch only observes. Counts it, but in a dry run. `reject`: the sender is to be told.
DropReason Refuse(const Burst& burst, const Packet& packet, DropReason reason, acl::RuleId rule,
                  bool reject = false);

}  // namespace sluice::dataplane
