// Fourth stage: which connection does a packet belong to?
//
// Looks all packets of the burst up together. A packet of a connection whose verdict is of this
// snapshot moves that connection on and is done; one without a connection, or with a stale verdict,
// is left to judge. Only a SYN may open a TCP connection (or an ACK, with Tracking::tcp_pick_up),
// only a request an ICMP echo. An ICMP error finds the connection that it is about, or dies.
#pragma once

#include "dataplane/connection_table.h"
#include "dataplane/packet.h"

namespace sluice::dataplane {

// `worker` is the caller's index, for the table.
void Track(Burst& burst, ConnectionTable& table, unsigned worker);

// Accounts one packet of an allowed connection: state, time, count. kNone, or why it must die.
DropReason Advance(const Packet& packet, Connection& connection, uint32_t now_ms,
                   const Tracking& tracking);

// Older only: another worker may be one snapshot ahead of this one.
inline bool IsStale(const Connection& connection, const Snapshot& snapshot) {
  const uint32_t judged = connection.verdict_epoch.load(std::memory_order_relaxed);
  return static_cast<int32_t>(judged - snapshot.verdict_epoch) < 0;
}

// True if judge has to say something about this packet.
inline bool NeedsVerdict(const Packet& packet, const Snapshot& snapshot) {
  if (!packet.alive() || packet.flood) return false;
  if (packet.kind == PacketKind::kUntracked) return true;
  if (packet.kind != PacketKind::kTracked) return false;
  return packet.connection == nullptr || IsStale(*packet.connection, snapshot);
}

}  // namespace sluice::dataplane
