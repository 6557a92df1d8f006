// Fourth stage: which connection does a packet belong to?
//
// Looks all packets of the burst up together. A packet of a connection whose verdict is of this
// snapshot moves that connection on and is done; one without a connection, or with a stale verdict,
// is left to judge. Only a SYN may open a TCP connection (or an ACK, with Tracking::tcp_pick_up),
// only a request an ICMP echo, only an INIT or HEARTBEAT an SCTP
// association. An ICMP error finds the connection that it is about, or dies.
#pragma once

#include "dataplane/connection_table.h"
#include "dataplane/flow_key.h"
#include "dataplane/packet.h"

namespace sluice::dataplane {

// Of `packet`, as sent by the subject `from` to the subject `to`; true as WriteKey's.
inline bool MakeKey(const Packet& packet, NetworkId network, SubjectRef from, SubjectRef to,
                    ConnectionKey& key) {
  return WriteKey(EndWords::Of(packet.src, packet.src_port, from),
                  EndWords::Of(packet.dst, packet.dst_port, to),
                  {network, packet.protocol, packet.src.family}, key);
}

inline SubjectRef SubjectOf(const PortView& port, PortId id) {
  if (port.subject == SubjectState::kNone) return {};
  return {id, port.generation};
}

// `worker` is the caller's index, for the table.
void Track(Burst& burst, ConnectionTable& table, unsigned worker);

// Accounts one packet of an allowed connection: state, time, count. kNone, or why it must die. A
// dry run only says so.
DropReason Advance(const Packet& packet, Connection& connection, uint32_t now_ms,
                   const Tracking& tracking, bool dry_run = false);

}  // namespace sluice::dataplane
