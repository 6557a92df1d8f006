#include "dataplane/track.h"

#include <netinet/in.h>
#include <rte_branch_prediction.h>

#include "dataplane/icmp.h"
#include "dataplane/needs_verdict.h"
#include "dataplane/tcp_state.h"
#include "dataplane/tcp_window.h"

namespace sluice::dataplane {
namespace {

SubjectRef SubjectOf(const PortView& port, PortId id) {
  if (port.subject == SubjectState::kNone) return {};
  return {id, port.generation};
}

// Fills key and from_b: the lesser end, as bytes, is a.
void MakeKey(const Burst& burst, Packet& packet) {
  ConnectionEnd source, destination;
  std::memcpy(source.address, packet.src.bytes.data(), sizeof(source.address));
  std::memcpy(destination.address, packet.dst.bytes.data(), sizeof(destination.address));
  source.port = packet.src_port;
  destination.port = packet.dst_port;
  source.subject = SubjectOf(*burst.in, burst.in_port);
  destination.subject = SubjectOf(burst.snapshot->ports[packet.out_port], packet.out_port);
  packet.from_b = std::memcmp(&source, &destination, sizeof(source)) > 0;
  packet.key.a = packet.from_b ? destination : source;
  packet.key.b = packet.from_b ? source : destination;
  packet.key.network = burst.in->network;
  packet.key.protocol = packet.protocol;
  packet.key.family = static_cast<uint8_t>(packet.src.family);
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
    case IPPROTO_ICMP:
    case IPPROTO_ICMPV6:
      return IsEchoRequest(packet) ? DropReason::kNone : DropReason::kIcmpNoRequest;
    default:
      return DropReason::kNone;
  }
}

// A SYN on a connection that is over opens a new one under the same key, judged anew. In time-wait
// an old SYN of the initiator may be a stray of the old connection: that one moves nothing.
bool StartsOver(const Packet& packet) {
  if (packet.protocol != IPPROTO_TCP) return false;
  if (ClassifyTcpFlags(packet.tcp_flags) != TcpSegment::kSyn) return false;
  const Connection& connection = *packet.connection;
  const ConnectionState state = StateOf(connection);
  if (state == ConnectionState::kReset) return true;
  if (state != ConnectionState::kTimeWait) return false;
  return !IsInitiators(packet, connection) ||
         IsNewerSyn(LoadSide(connection.Sent(packet.from_b)), packet.tcp);
}

void TrackOne(const Burst& burst, ConnectionTable& table, unsigned worker, Packet& packet) {
  if (packet.connection != nullptr && StartsOver(packet)) {
    table.Remove(worker, packet.connection);
    packet.connection = nullptr;
  }
  if (packet.connection == nullptr) {
    packet.drop = MayOpen(packet, table.tracking());
  } else if (!NeedsVerdict(burst, packet)) {
    packet.drop = Advance(packet, *packet.connection, burst.now_ms, table.tracking());
  }
}

DropReason AdvanceTcp(const Packet& packet, Connection& connection, const Tracking& tracking) {
  Half& own = connection.Sent(packet.from_b);
  const TcpStep step = NextTcp(LoadSide(own), LoadSide(connection.Sent(!packet.from_b)), packet,
                               IsInitiators(packet, connection), tracking);
  if (likely(step.drop == DropReason::kNone)) StoreSide(step.own, own);
  return step.drop;
}

// Protocols whose halves only know whether they have sent.
DropReason AdvanceSimple(const Packet& packet, Connection& connection) {
  if (IsIcmp(packet) && IsEchoRequest(packet) != IsInitiators(packet, connection)) {
    return DropReason::kIcmpNoRequest;  // identifier 0 makes both directions' keys equal
  }
  connection.Sent(packet.from_b).state.store(HalfState::kOpen, std::memory_order_relaxed);
  return DropReason::kNone;
}

}  // namespace

DropReason Advance(const Packet& packet, Connection& connection, uint32_t now_ms,
                   const Tracking& tracking) {
  const DropReason drop = packet.protocol == IPPROTO_TCP ? AdvanceTcp(packet, connection, tracking)
                                                         : AdvanceSimple(packet, connection);
  if (unlikely(drop != DropReason::kNone)) return drop;
  Half& own = connection.Sent(packet.from_b);
  own.last_seen_ms.store(now_ms, std::memory_order_relaxed);
  own.packets.store(own.packets.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  return DropReason::kNone;
}

void Track(Burst& burst, ConnectionTable& table, unsigned worker) {
  std::array<Packet*, kBurstSize> wanted;
  unsigned count = 0;
  for (Packet& packet : burst.all()) {
    if (!packet.alive() || packet.flood || packet.kind != PacketKind::kTracked) continue;
    if (packet.protocol == IPPROTO_TCP &&
        ClassifyTcpFlags(packet.tcp_flags) == TcpSegment::kInvalid) {
      packet.drop = DropReason::kTcpMalformed;
      continue;
    }
    MakeKey(burst, packet);
    packet.hash = table.Hash(packet.key);
    wanted[count++] = &packet;
  }
  table.LookupBurst({wanted.data(), count});
  for (unsigned i = 0; i < count; ++i) TrackOne(burst, table, worker, *wanted[i]);
}

}  // namespace sluice::dataplane
