// Conversations whose legitimacy nobody can doubt: each of their packets has a claim.
//
// A handful of TCP connections (handshake, data in order, close), UDP exchanges and pings between
// random places, one packet of each a batch. While policy allows the conversation each packet must
// pass, whatever else is on the wires; the first packet after policy denies it must not, and ends
// it.
#pragma once

#include <chrono>
#include <cstdint>
#include <random>
#include <vector>

#include "tests/soak/oracle.h"
#include "tests/soak/world.h"

namespace sluice::soak {

class Flows {
 public:
  Flows(const World& world, std::mt19937_64& random) : world_(world), random_(random) {}

  // Adds the next packet of some conversations to `batch`.
  void AddTo(std::vector<Sent>& batch);

  // The next packet of a random live conversation, for others to imitate. Null claim; empty frame
  // if there is none.
  Sent Imitate();
  // A conversation's packet that somebody may have changed will be sent: its own later packets are
  // no longer beyond doubt, so it ends here.
  Sent TakeOne();

  // The tuple and places of a random live conversation, as its initiator sends it.
  struct Line {
    Place from = 0, to = 0;
    Tuple tuple;
  };
  bool AnyLine(Line* line);

 private:
  struct Flow {
    Line line;
    unsigned from_generation = 0, to_generation = 0;
    unsigned step = 0, last_step = 0;
    bool by_reset = false;     // TCP: how it ends
    uint32_t seq[2] = {0, 0};  // next of initiator, responder
    std::chrono::steady_clock::time_point used;
  };

  size_t Below(size_t limit) { return random_() % limit; }
  bool Open();  // false: no two places are open
  bool IsAlive(const Flow& flow) const;
  bool ByResponder(const Flow& flow) const;
  PacketSpec SpecOf(const Flow& flow) const;
  void FillTcp(const Flow& flow, PacketSpec& spec) const;
  void Advance(Flow& flow, const PacketSpec& spec);
  Sent Packet(const Flow& flow) const;

  const World& world_;
  std::mt19937_64& random_;
  std::vector<Flow> flows_;
  uint32_t opened_ = 0;
};

}  // namespace sluice::soak
