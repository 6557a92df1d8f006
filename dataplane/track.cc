#include "dataplane/track.h"

#include <netinet/in.h>
#include <rte_branch_prediction.h>

#include "dataplane/icmp.h"
#include "dataplane/inspect/begin.h"
#include "dataplane/needs_verdict.h"
#include "dataplane/related.h"
#include "dataplane/sctp_state.h"
#include "dataplane/tcp_state.h"
#include "dataplane/tcp_window.h"

namespace sluice::dataplane {
namespace {

// Of a reply to the packet that an ICMP error quotes: who gets the error sent that, to where the
// error comes from.
bool MakeQuotedKey(Packet& packet, NetworkId network, SubjectRef from, SubjectRef to) {
  Quote quote;
  packet.drop = ReadQuote(packet, quote);
  packet.tcp.seq = quote.number;
  return WriteKey(EndWords::Of(quote.destination, quote.destination_port, from),
                  EndWords::Of(quote.source, quote.source_port, to),
                  {network, quote.protocol, packet.src.family}, packet.key);
}

// Fills key and from_b; kills an ICMP error that quotes nothing of use.
void SetKey(const Burst& burst, Packet& packet) {
  const SubjectRef from = SubjectOf(*burst.in, burst.in_port);
  const SubjectRef to = SubjectOf(burst.snapshot->ports[packet.out_port], packet.out_port);
  packet.from_b = likely(packet.kind == PacketKind::kTracked)
                      ? MakeKey(packet, burst.network_id, from, to, packet.key)
                      : MakeQuotedKey(packet, burst.network_id, from, to);
}

bool HasConnection(const Packet& packet) {
  return packet.kind == PacketKind::kTracked || packet.kind == PacketKind::kIcmpError;
}

bool IsIcmp(const Packet& packet) {
  return packet.protocol == IPPROTO_ICMP || packet.protocol == IPPROTO_ICMPV6;
}

bool IsInitiators(const Packet& packet, const Connection& connection) {
  return packet.from_b == connection.initiator_is_b;
}

// Whether a packet without a connection may ask for one.
DropReason MayOpen(const Packet& packet, const Tracking& tracking) {
  switch (packet.protocol) {
    case IPPROTO_TCP: {
      const TcpSegment segment = ClassifyTcpFlags(packet.tcp_flags);
      const bool opens =
          segment == TcpSegment::kSyn || (segment == TcpSegment::kAck && tracking.tcp_pick_up);
      return opens ? DropReason::kNone : DropReason::kTcpNotSyn;
    }
    case IPPROTO_SCTP:
      return MayOpenSctp(packet);
    case IPPROTO_ICMP:
    case IPPROTO_ICMPV6:
      return IsEchoRequest(packet) ? DropReason::kNone : DropReason::kIcmpNoRequest;
    default:
      return DropReason::kNone;
  }
}

// A SYN or INIT on a connection that is over opens a new one under the same key, judged anew. In
// time-wait an old SYN of the initiator may be a stray of the old connection: that one moves
// nothing.
bool StartsOver(const Packet& packet) {
  if (packet.protocol == IPPROTO_SCTP) {
    return StateOf(*packet.connection) == ConnectionState::kSctpClosed && IsSctpInit(packet);
  }
  if (packet.protocol != IPPROTO_TCP) return false;
  if (ClassifyTcpFlags(packet.tcp_flags) != TcpSegment::kSyn) return false;
  const Connection& connection = *packet.connection;
  const ConnectionState state = StateOf(connection);
  if (state == ConnectionState::kReset) return true;
  if (state != ConnectionState::kTimeWait) return false;
  return !IsInitiators(packet, connection) ||
         IsNewerSyn(LoadSide(connection.Sent(packet.from_b)), packet.tcp);
}

// An error is as good as a packet of its connection: none passes while that has to be judged.
DropReason Relate(const Burst& burst, const Packet& packet) {
  const bool related = packet.connection != nullptr && !HasStaleVerdict(burst, packet) &&
                       NumberFits(*packet.connection, !packet.from_b, packet.tcp.seq);
  return related ? DropReason::kNone : DropReason::kIcmpUnrelated;
}

void TrackOne(Burst& burst, ConnectionTable& table, unsigned worker, Packet& packet) {
  if (unlikely(packet.kind == PacketKind::kIcmpError)) {
    packet.drop = Relate(burst, packet);
    return;
  }
  if (packet.connection != nullptr && StartsOver(packet)) {
    if (burst.trace == nullptr) table.Remove(worker, packet.connection);
    packet.connection = nullptr;
  }
  if (packet.connection == nullptr) {
    packet.drop = MayOpen(packet, table.tracking());
    burst.has_open = true;
  } else if (HasStaleVerdict(burst, packet)) {
    burst.has_open = true;
  } else if (unlikely(packet.connection->inspection.load(std::memory_order_relaxed) !=
                      Inspection::kNone)) {
    MarkForInspection(burst, packet);
  } else {
    packet.drop =
        Advance(packet, *packet.connection, burst.now_ms, table.tracking(), burst.trace != nullptr);
  }
}

bool IsInspected(const Connection& connection) {
  return connection.inspection.load(std::memory_order_relaxed) != Inspection::kNone ||
         connection.WasJudged();
}

DropReason AdvanceTcp(const Packet& packet, Connection& connection, const Tracking& tracking,
                      bool dry_run) {
  Half& own = connection.Sent(packet.from_b);
  if (unlikely((packet.tcp_flags & kTcpSyn) != 0 && IsInspected(connection) &&
               LoadSide(connection.Sent(!packet.from_b)).Has(TcpSide::kPendingSyn))) {
    return DropReason::kTcpState;  // what was judged is not what would follow
  }
  const TcpStep step = NextTcp(LoadSide(own), LoadSide(connection.Sent(!packet.from_b)), packet,
                               IsInitiators(packet, connection), tracking);
  if (likely(step.drop == DropReason::kNone && !dry_run)) StoreSide(step.own, own);
  return step.drop;
}

DropReason AdvanceSctp(const Packet& packet, Connection& connection, bool dry_run) {
  Half& own = connection.Sent(packet.from_b);
  const SctpStep step = NextSctp(LoadSctpSide(own), LoadSctpSide(connection.Sent(!packet.from_b)),
                                 packet, IsInitiators(packet, connection));
  if (likely(step.drop == DropReason::kNone && !dry_run)) StoreSctpSide(step.own, own);
  return step.drop;
}

// Protocols whose halves only know whether they have sent.
DropReason AdvanceSimple(const Packet& packet, Connection& connection, bool dry_run) {
  if (IsIcmp(packet) && IsEchoRequest(packet) != IsInitiators(packet, connection)) {
    return DropReason::kIcmpNoRequest;  // identifier 0 makes both directions' keys equal
  }
  if (dry_run) return DropReason::kNone;
  connection.Sent(packet.from_b).state.store(HalfState::kOpen, std::memory_order_relaxed);
  return DropReason::kNone;
}

DropReason AdvanceState(const Packet& packet, Connection& connection, const Tracking& tracking,
                        bool dry_run) {
  switch (packet.protocol) {
    case IPPROTO_TCP:
      return AdvanceTcp(packet, connection, tracking, dry_run);
    case IPPROTO_SCTP:
      return AdvanceSctp(packet, connection, dry_run);
    default:
      return AdvanceSimple(packet, connection, dry_run);
  }
}

}  // namespace

DropReason Advance(const Packet& packet, Connection& connection, uint32_t now_ms,
                   const Tracking& tracking, bool dry_run) {
  const DropReason drop = AdvanceState(packet, connection, tracking, dry_run);
  if (unlikely(drop != DropReason::kNone || dry_run)) return drop;
  Half& own = connection.Sent(packet.from_b);
  own.last_seen_ms.store(now_ms, std::memory_order_relaxed);
  own.packets.store(own.packets.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  own.bytes.store(own.bytes.load(std::memory_order_relaxed) + packet.mbuf->pkt_len,
                  std::memory_order_relaxed);
  return DropReason::kNone;
}

void Track(Burst& burst, ConnectionTable& table, unsigned worker) {
  std::array<Packet*, kBurstSize> wanted;
  unsigned count = 0;
  for (Packet& packet : burst.all()) {
    if (!packet.alive() || packet.flood) continue;
    if (!HasConnection(packet)) {
      burst.has_open = true;
      continue;
    }
    if (packet.protocol == IPPROTO_TCP &&
        ClassifyTcpFlags(packet.tcp_flags) == TcpSegment::kInvalid) {
      packet.drop = DropReason::kTcpMalformed;
      continue;
    }
    SetKey(burst, packet);
    if (packet.alive()) wanted[count++] = &packet;
  }
  table.LookupBurst({wanted.data(), count});
  for (unsigned i = 0; i < count; ++i) TrackOne(burst, table, worker, *wanted[i]);
}

}  // namespace sluice::dataplane
