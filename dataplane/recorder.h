// One worker's part of a capture: copies the packets that are asked for, with what became of them.
//
//   stages ... flood -> Keep -> transmit -> Settle -> sink      (each burst)
//                                 flush -> Lost -> Publish      (each turn)
//
// What is to leave by a port is copied before it does (Keep), since its buffer is the port's then;
// what dies or is flooded still has its buffer behind the last stage (Settle), where the fate of
// all is known. Only a full queue may undo it, when the worker flushes (Lost): so a reader sees
// nothing before the turn is over (Publish).
//
// Never holds a packet up: what finds no room in the ring is counted. Without a capture a worker
// pays one branch a burst. Not copied: answers that the switch makes itself, what is given up while
// it waits (fragment_timeout, inspect_timeout), and the pieces of a large frame that is cut: it is
// one packet here, as it came, and dies with any of them.
#pragma once

#include <array>

#include "dataplane/capture_filter.h"
#include "dataplane/capture_ring.h"
#include "dataplane/packet.h"
#include "dataplane/tally.h"

namespace sluice::dataplane {

class Recorder {
 public:
  explicit Recorder(const CaptureConfig& config)
      : filter_(config.filter), snaplen_(config.snaplen), ring_(config.ring_bytes) {}

  // The worker's, in the order of the picture above. `packet` is one of the burst's.
  void Keep(const Burst& burst);
  // Before it becomes the answer to itself (reject.h).
  void KeepRejected(const Burst& burst, const Packet& packet);
  // A flooded packet was handed to a port.
  void Reached(const Burst& burst, const Packet& packet, PortId port);
  void Settle(const Burst& burst);
  // It did not leave after all.
  void Lost(const PacketWay& way, rte_mbuf* mbuf, DropReason reason);
  void Publish() { ring_.Publish(); }

  // The reader's.
  CaptureRing& ring() { return ring_; }
  // Packets that were asked for and found no room, by the port that they would have been shown at.
  // Any thread.
  uint64_t LostAt(PortId port) const { return lost_[port].Read(); }

 private:
  // Of one packet of the burst, between Keep and Settle.
  struct Note {
    bool tried = false;  // copied, if there was room
    CapturedPacket* record = nullptr;
    bool reached = false;  // flooded: it was handed to the filter's port
    uint16_t copies = 0;
  };
  Note& NoteOf(const Burst& burst, const Packet& packet) {
    return notes_[static_cast<size_t>(&packet - burst.packets.data())];
  }
  PacketWay WayOf(const Burst& burst, const Packet& packet, const Note& note) const;
  // Copies the packet if it is of the port and flow that are asked for.
  void Try(const Burst& burst, const Packet& packet, Note& note);
  CapturedPacket* Copy(const PacketWay& way, const rte_mbuf& mbuf);
  void CopyLost(const PacketWay& way, rte_mbuf* mbuf, DropReason reason);
  void Finish(const Burst& burst, const Packet& packet, const Note& note);

  const CaptureFilter filter_;
  const uint32_t snaplen_;
  uint64_t ticks_ = 0;   // of the burst
  uint32_t number_ = 0;  // of the last record
  std::array<Note, kBurstSize> notes_{};
  std::array<Counter, kMaxPorts> lost_;
  CaptureRing ring_;
};

}  // namespace sluice::dataplane
