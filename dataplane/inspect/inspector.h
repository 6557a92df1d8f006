// Between judge and reject: what does a connection say?
//
// Only packets of connections that a rule looks into (Connection::inspection). What the initiator
// says first is kept from the receiver until it is known: then the rule that decides lets all of it
// go, in the order in which it came, or it dies with its connection. Nothing that was not judged
// passes:
// - what was let go stays here until the receiver has acknowledged it, and a repeat that says
//   something else dies (stream_head.h);
// - after an HTTP request the next one on the connection is judged like the first; its body, by
//   Content-Length, is passed over;
// - what a rule with patterns alone allows is looked through as it comes, up to kSmallHead octets;
//   so is each datagram of other protocols, by itself;
// - what the other side says before the first head is known dies: TCP sends it again;
// - what cannot be read, or does not fit the bounds (HeadReader::kMaxHead octets,
//   StreamHead::kMaxPieces gaps, kMaxHeldPackets packets), dies with its connection.
//
// A worker's own: the initiator's packets all come to it. When the port moves to another one, what
// was not judged there comes again, since nobody acknowledged it. A burst without such packets pays
// for one branch.
#pragma once

#include <array>
#include <memory>
#include <span>

#include "dataplane/connection_table.h"
#include "dataplane/inspect/content_judge.h"
#include "dataplane/inspect/head_store.h"
#include "dataplane/packet.h"
#include "dataplane/tally.h"

namespace sluice::dataplane {

struct InspectConfig {
  HeadStoreConfig heads;
  uint32_t timeout_ms = 10'000;  // for what is to be judged, from its first octet on
  // Packets that may wait: of one port, and of all of a worker's.
  uint32_t held_of_port = 512;
  uint32_t held_by_all = 4096;
};

class Inspector {
 public:
  Inspector(unsigned worker, const InspectConfig& config, ConnectionTable* connections,
            Tally* tally);

  // The stage. Packets that wait leave the burst.
  void Inspect(Burst& burst);
  // After the last stage: packets of this burst's port and network that waited and may go now, up
  // to kBurstSize. They have to go through all stages, then Release is called again, until nothing
  // is left. Valid until the next call.
  std::span<rte_mbuf*> Release();
  // Once a loop, a bounded piece.
  void Age(uint32_t now_ms);

 private:
  // These answer false if the packet waits.
  bool InspectOne(Burst& burst, Packet& packet);
  void Foretell(Burst& burst, Packet& packet);
  bool InspectStream(Burst& burst, Packet& packet);
  bool JudgeNew(Burst& burst, Packet& packet, std::span<const uint8_t> payload);
  bool JudgeKept(Burst& burst, Packet& packet, HeadSlot& slot);
  bool Pass(const Burst& burst, Packet& packet, HeadSlot& slot, const ContentRuling& ruling);
  bool Hold(const Burst& burst, Packet& packet, HeadSlot& slot);

  void InspectDatagram(Burst& burst, Packet& packet);
  // Kills the packet and its connection. False: the switch only observes, and did not.
  bool Die(Burst& burst, Packet& packet, const ContentRuling& ruling);
  void Tell(const Burst& burst, const Packet& packet, const ContentRuling& ruling,
            bool& alerted) const;
  void MoveOn(const Burst& burst, Packet& packet);

  HeadSlot* SlotOf(Connection& connection);
  HeadSlot* SlotFor(const Burst& burst, const Packet& packet, size_t octets);
  void Tidy(HeadSlot& slot, uint32_t now_ms);
  bool IsDone(const HeadSlot& slot) const;
  void Finish(HeadSlot& slot);
  void Abandon(HeadSlot& slot, DropReason reason);
  void LetGo(HeadSlot& slot, unsigned packets);
  std::span<const uint8_t> PayloadOf(const Packet& packet);

  const unsigned worker_;
  const InspectConfig config_;
  ConnectionTable* const connections_;
  Tally* const tally_;
  ContentJudge judge_;
  HeadStore heads_;
  std::unique_ptr<uint8_t[]> flat_;         // a payload of several segments, in one piece
  std::array<uint16_t, kMaxPorts> held_{};  // by the port that they are charged to
  uint32_t held_by_all_ = 0;
  std::array<HeadSlot*, kBurstSize> ready_;
  unsigned ready_count_ = 0;
  std::array<rte_mbuf*, kBurstSize> released_;
};

}  // namespace sluice::dataplane
