// The fragmented datagrams of one port that are on their way: who they are, which pieces were seen,
// which of them wait for the first.
//
// Fixed size, nothing allocated, one writer: the worker that polls the port. A port that wants more
// than it may have loses what it has not used for longest; it cannot touch another port's. A
// datagram that must not go on is *doomed*: all its fragments die of one reason, those to come too.
#pragma once

#include <rte_mbuf.h>

#include <array>
#include <cstdint>
#include <span>
#include <type_traits>

#include "dataplane/connection.h"
#include "dataplane/packet.h"
#include "dataplane/tally.h"

namespace sluice::dataplane {

inline constexpr unsigned kMaxDatagrams = 128;  // of one port at a time; below kNoDatagram
inline constexpr unsigned kMaxPieces = 64;      // of one datagram: 65,535 bytes at an MTU of 1,100

// What the receiver puts together by, and where it goes: what is sent elsewhere is another
// datagram. The port it came by is the FragmentPort's.
struct DatagramKey {
  std::array<uint8_t, 16> source{}, destination{};
  uint32_t identification = 0;
  SubjectRef out;  // {0, 0}: flooded
  uint16_t network = 0;
  uint8_t protocol = 0;  // IPv4; IPv6 does not compare it (RFC 8200, 4.5)
  uint8_t family = 0;
  bool operator==(const DatagramKey&) const = default;
};
static_assert(std::has_unique_object_representations_v<DatagramKey>, "hashed as bytes");

// What `parse` read of the first fragment and later ones lack.
struct FirstHeader {
  PacketKind kind = PacketKind::kTracked;
  uint8_t protocol = 0;
  uint8_t tcp_flags = 0;
  uint8_t icmp_type = 0;
  uint16_t src_port = 0;
  uint16_t dst_port = 0;
  uint16_t tcp_data = 0;  // where the payload of the TCP segment begins in the datagram's
  TcpHeader tcp;
};

struct Datagram {
  struct Piece {
    uint16_t offset = 0;
    uint16_t length = 0;
    rte_mbuf* held = nullptr;  // waits for the first fragment; owned
  };

  DatagramKey key;
  DropReason doom = DropReason::kNone;
  bool has_first = false;
  FirstHeader first;
  uint32_t size = 0;  // bytes; 0: the last fragment was not seen yet
  uint32_t seen = 0;  // bytes
  unsigned piece_count = 0;
  unsigned held_count = 0;
  std::array<Piece, kMaxPieces> pieces;  // in order of arrival

  bool complete() const { return size != 0 && seen == size; }
};

class FragmentPort {
 public:
  using Slot = uint8_t;

  // Whose datagrams these are. Another owner's that are still here die.
  void SetOwner(SubjectRef owner, PortTally& tally);
  SubjectRef owner() const { return owner_; }
  bool empty() const { return live_ == 0; }
  unsigned held_segments() const { return held_segments_; }

  Datagram& at(Slot slot) { return datagrams_[slot]; }

  // The datagram with `key`; a new one if there is none, in another's place if need be. What was
  // found since NextBurst stays where it is; a burst is shorter than kMaxDatagrams.
  Slot FindOrOpen(const DatagramKey& key, uint32_t now_ms, PortTally& tally);
  // Null if there is none; changes nothing.
  const Datagram* Find(const DatagramKey& key) const;
  void NextBurst() { ++burst_; }
  // Forgets a datagram that is complete and through.
  void FreeIfDone(Slot slot);

  // Enters what a fragment covers. kNone; kFragmentDuplicate: an exact copy, the datagram lives; or
  // what the datagram is doomed to.
  static DropReason Record(Datagram& datagram, const Fragment& fragment);

  // Takes over the buffer of the fragment that was recorded last. At most `budget` segments wait at
  // a time: datagrams without a first fragment make room. False: no room, and the fragment counts
  // as not seen.
  bool Hold(Slot slot, rte_mbuf* mbuf, unsigned budget, PortTally& tally);
  // Gives held buffers back, oldest first, as if their fragments had not been seen. Returns how
  // many.
  unsigned TakeHeld(Slot slot, std::span<rte_mbuf*> out);

  // Frees datagrams that are older than `timeout_ms`, and what they hold.
  void Expire(uint32_t now_ms, uint32_t timeout_ms, PortTally& tally);
  void Clear(PortTally& tally);

 private:
  static uint32_t TagOf(const DatagramKey& key);
  void Free(Slot slot);
  void Evict(Slot slot, DropReason reason, PortTally& tally);
  bool EvictOldest(bool waiting_only, PortTally& tally);
  bool IsWaiting(unsigned slot) const;

  SubjectRef owner_;
  unsigned live_ = 0;
  unsigned held_segments_ = 0;
  uint32_t burst_ = 0;
  std::array<uint32_t, kMaxDatagrams> tags_{};     // hash of the key; 0: free
  std::array<uint32_t, kMaxDatagrams> used_in_{};  // the last burst that had one of its fragments
  std::array<uint32_t, kMaxDatagrams> opened_ms_{};
  std::array<Datagram, kMaxDatagrams> datagrams_;
};

}  // namespace sluice::dataplane
