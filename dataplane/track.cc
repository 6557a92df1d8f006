#include "dataplane/track.h"

#include <netinet/in.h>
#include <rte_branch_prediction.h>

#include "dataplane/icmp.h"
#include "dataplane/tcp_state.h"

namespace sluice::dataplane {
namespace {

// Fills key and from_b.
void SetKey(const Burst& burst, Packet& packet) {
  const PortView& out = burst.snapshot->ports[packet.out_port];
  const FlowKey flow = MakeKey(packet, burst.network_id, SubjectOf(*burst.in, burst.in_port),
                               SubjectOf(out, packet.out_port));
  packet.key = flow.key;
  packet.from_b = flow.from_b;
}

bool IsIcmp(const Packet& packet) {
  return packet.protocol == IPPROTO_ICMP || packet.protocol == IPPROTO_ICMPV6;
}

// Whether a packet without a connection may ask for one.
DropReason MayOpen(const Packet& packet) {
  switch (packet.protocol) {
    case IPPROTO_TCP:
      return ClassifyTcpFlags(packet.tcp_flags) == TcpSegment::kSyn ? DropReason::kNone
                                                                    : DropReason::kTcpNotSyn;
    case IPPROTO_ICMP:
    case IPPROTO_ICMPV6:
      return IsEchoRequest(packet) ? DropReason::kNone : DropReason::kIcmpNoRequest;
    default:
      return DropReason::kNone;
  }
}

// A SYN on a connection that is over opens a new one under the same key, judged anew.
bool StartsOver(const Packet& packet) {
  if (packet.protocol != IPPROTO_TCP) return false;
  if (ClassifyTcpFlags(packet.tcp_flags) != TcpSegment::kSyn) return false;
  const ConnectionState state = StateOf(*packet.connection);
  return state == ConnectionState::kTimeWait || state == ConnectionState::kReset;
}

void TrackOne(const Burst& burst, ConnectionTable& table, unsigned worker, Packet& packet) {
  if (packet.connection != nullptr && StartsOver(packet)) {
    table.Remove(worker, packet.connection);
    packet.connection = nullptr;
  }
  if (packet.connection == nullptr) {
    packet.drop = MayOpen(packet);
  } else if (!NeedsVerdict(packet, *burst.snapshot)) {
    packet.drop = Advance(packet, *packet.connection, burst.now_ms);
  }
}

}  // namespace

FlowKey MakeKey(const Packet& packet, NetworkId network, SubjectRef from, SubjectRef to) {
  ConnectionEnd source, destination;
  std::memcpy(source.address, packet.src.bytes.data(), sizeof(source.address));
  std::memcpy(destination.address, packet.dst.bytes.data(), sizeof(destination.address));
  source.port = packet.src_port;
  destination.port = packet.dst_port;
  source.subject = from;
  destination.subject = to;
  FlowKey flow;
  flow.from_b = std::memcmp(&source, &destination, sizeof(source)) > 0;
  flow.key.a = flow.from_b ? destination : source;
  flow.key.b = flow.from_b ? source : destination;
  flow.key.network = network;
  flow.key.protocol = packet.protocol;
  flow.key.family = static_cast<uint8_t>(packet.src.family);
  return flow;
}

DropReason Advance(const Packet& packet, Connection& connection, uint32_t now_ms) {
  Half& own = connection.Sent(packet.from_b);
  HalfState next = HalfState::kOpen;
  if (packet.protocol == IPPROTO_TCP) {
    const std::optional<HalfState> moved =
        NextHalfState(own.state.load(std::memory_order_relaxed),
                      connection.Sent(!packet.from_b).state.load(std::memory_order_relaxed),
                      ClassifyTcpFlags(packet.tcp_flags));
    if (unlikely(!moved.has_value())) return DropReason::kTcpState;
    next = *moved;
  } else if (IsIcmp(packet) &&
             IsEchoRequest(packet) != (packet.from_b == connection.initiator_is_b)) {
    return DropReason::kIcmpNoRequest;  // identifier 0 makes both directions' keys equal
  }
  own.state.store(next, std::memory_order_relaxed);
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
    SetKey(burst, packet);
    packet.hash = table.Hash(packet.key);
    wanted[count++] = &packet;
  }
  table.LookupBurst({wanted.data(), count});
  for (unsigned i = 0; i < count; ++i) TrackOne(burst, table, worker, *wanted[i]);
}

}  // namespace sluice::dataplane
