// TCP between pods a and b of a testbed, written down as tcpdump would:
//
//   Conversation talk(bed);
//   talk.Play("a S 100 0; b SA 500 101; a A 101 501 +20; b A 90000 101 !tcp_window");
//
// One packet: sender, flags (S A F R), sequence and acknowledgement number, and optionally +BYTES
// of payload, w=WINDOW (1000 without), s=SCALE of a SYN, !DROP_REASON that it must die of. Numbers
// are relative to each side's base, so that a story can be told again across the wrap at 2^32.
#pragma once

#include <string>

#include "tests/support/testbed.h"

namespace sluice::test {

class Conversation {
 public:
  explicit Conversation(Testbed& bed, uint32_t base_a = 0, uint32_t base_b = 0)
      : bed_(bed), base_a_(base_a), base_b_(base_b) {}

  // Sends the packets and expects each to pass or to die of its reason.
  void Play(const std::string& packets);
  // Sends one packet; what became of it.
  dataplane::DropReason Say(const std::string& packet);

  // The one connection in the table: half state of `side`, its state's name; "none" without one.
  dataplane::HalfState HalfOf(char side) const;
  std::string State() const;

 private:
  Testbed& bed_;
  const uint32_t base_a_, base_b_;
};

}  // namespace sluice::test
