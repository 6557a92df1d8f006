#include "dataplane/capture_filter.h"

namespace sluice::dataplane {
namespace {

using End = CaptureFlow::End;

bool Is(const End& wanted, const acl::IpAddress& address, uint16_t port) {
  return wanted.address == address && (wanted.port == 0 || wanted.port == port);
}

bool AreEnds(const CaptureFlow& flow, const End& a, const End& b) {
  return (Is(flow.one, a.address, a.port) && Is(flow.other, b.address, b.port)) ||
         (Is(flow.one, b.address, b.port) && Is(flow.other, a.address, a.port));
}

End EndOf(const ConnectionKey& key, const ConnectionEnd& end) {
  return {acl::IpAddress::FromBytes(static_cast<acl::Family>(key.family), end.address), end.port};
}

}  // namespace

bool Enters(const CaptureFilter& filter, const PacketWay& way) {
  if (filter.port == kNoPort) return true;
  return filter.direction != CaptureDirection::kOut && way.in_port == filter.port &&
         way.in_generation == filter.generation;
}

bool Leaves(const CaptureFilter& filter, const PacketWay& way) {
  return filter.port != kNoPort && filter.direction != CaptureDirection::kIn &&
         way.out_port == filter.port && way.out_generation == filter.generation;
}

bool IsOfFlow(const CaptureFilter& filter, const Packet& packet) {
  if (!filter.flow.has_value()) return true;
  const CaptureFlow& flow = *filter.flow;
  if (packet.kind == PacketKind::kIcmpError && packet.connection != nullptr) {
    const ConnectionKey& key = packet.connection->key;
    return key.protocol == flow.protocol && AreEnds(flow, EndOf(key, key.a), EndOf(key, key.b));
  }
  return packet.is_ip() && packet.protocol == flow.protocol &&
         AreEnds(flow, {packet.src, packet.src_port}, {packet.dst, packet.dst_port});
}

}  // namespace sluice::dataplane
