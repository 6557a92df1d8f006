// Between forward and track: fragments (RFC 791, RFC 8200) share the verdict of their first.
//
// Nothing is put together. A later fragment gets the transport header that its datagram's first one
// had, and is tracked and judged by it like any packet; one that comes before the first is held,
// and goes its whole way once the first is through. A first fragment that died takes the rest with
// it, under its reason.
//
// Why not librte_ip_frag: it gives out whole packets, which would have to be cut again for the
// receiver's MTU; 8 fragments at most as Debian builds it (64 kB take 45); it does not look for
// overlaps; and its one table for all ports lets one pod push out the others'.
//
// Decided here:
// - Overlap (RFC 5722, IPv4 alike), two ends, or data behind the end: the datagram is doomed. What
//   went before is gone; the receiver never completes it. An exact copy dies alone.
// - A datagram that is complete is forgotten: its identification may be used again. One that never
//   is goes after the time-out, and then fragments without a first one die.
// - Sent to two ports, it is two datagrams: none has the other's first fragment.
// - A group's is judged for each receiver by the first one's ports.
// - When the port moves to another worker, what is on its way waits for its time-out.
//
// Bounds, for each port: 128 datagrams of 64 fragments, and `held_segments` waiting buffers, but no
// more than are left of `held_by_all`, and 8 in any case: however many ports flood, another one
// finds room. A port's store (150 KB) is made when its first fragment comes, which is the one time
// that a worker allocates; it stays for the next port of that slot. A burst without fragments pays
// for one branch in each of Join, Release and Age.
#pragma once

#include <array>
#include <memory>
#include <span>

#include "dataplane/fragment_port.h"
#include "dataplane/packet.h"
#include "dataplane/tally.h"

namespace sluice::dataplane {

struct FragmentConfig {
  uint32_t timeout_ms = 30'000;  // since the datagram's first fragment to arrive
  // Buffers that may wait, as mbuf segments.
  uint32_t held_segments = 128;  // of one port
  uint32_t held_by_all = 4096;   // of all of a worker's ports, beside what each may in any case
};

class Fragments {
 public:
  Fragments(const FragmentConfig& config, Tally* tally);
  ~Fragments();  // frees what waits
  Fragments(const Fragments&) = delete;
  Fragments& operator=(const Fragments&) = delete;

  // The stage: gives later fragments their ports, or takes them out of the burst to wait. A dry run
  // is told what would be.
  void Join(Burst& burst);

  // After the last stage: notes what became of first fragments, and returns up to kBurstSize
  // buffers that waited for them. They have to go through all stages, then Release is called again,
  // until nothing is left. Valid until the next call.
  std::span<rte_mbuf*> Release(const Burst& burst);

  // Once a loop: forgets what is too old, a port at a time, and at once what came by ports that are
  // no longer in the snapshot.
  void Age(const Snapshot& snapshot, uint32_t now_ms);

 private:
  void Foretell(Burst& burst) const;
  // True if the packet goes on, dead or alive; false if it waits.
  bool JoinOne(Burst& burst, FragmentPort& port, Packet& packet);
  void Settle(const Packet& packet, FragmentPort& port);
  void MarkReady(FragmentPort& port, FragmentPort::Slot slot);
  PortTally& TallyOf(const FragmentPort& port) { return tally_->ports[port.owner().port]; }

  FragmentPort& PortOf(const Burst& burst);
  unsigned Budget() const;

  const FragmentConfig config_;
  Tally* const tally_;
  std::array<std::unique_ptr<FragmentPort>, kMaxPorts> ports_;  // by PortId; null: none came by it

  // Ports that may have datagrams here, and which of them is the next to be looked through.
  std::array<PortId, kMaxPorts> active_;
  std::array<bool, kMaxPorts> is_active_{};
  unsigned active_count_ = 0;
  unsigned next_active_ = 0;
  uint32_t aged_ms_ = 0;

  // Datagrams of this burst's port whose held buffers may go on, each once.
  std::array<FragmentPort::Slot, kMaxDatagrams> ready_;
  unsigned ready_count_ = 0;
  std::array<rte_mbuf*, kBurstSize> released_;
};

}  // namespace sluice::dataplane
