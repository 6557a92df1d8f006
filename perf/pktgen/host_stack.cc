#include "perf/pktgen/host_stack.h"

#include <fmt/core.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <rte_byteorder.h>
#include <rte_icmp.h>
#include <rte_udp.h>

#include <algorithm>
#include <random>
#include <utility>

#include "perf/pktgen/arp_nd.h"

namespace sluice::pktgen {
namespace {

// The ephemeral range, as Linux has it.
constexpr uint16_t kFirstLocalPort = 32768;
constexpr uint16_t kLastLocalPort = 60999;

bool IsEcho(uint8_t protocol, uint8_t type, bool reply) {
  if (protocol == IPPROTO_ICMP) {
    return type == (reply ? RTE_IP_ICMP_ECHO_REPLY : RTE_IP_ICMP_ECHO_REQUEST);
  }
  return type == (reply ? ICMP6_ECHO_REPLY : ICMP6_ECHO_REQUEST);
}

}  // namespace

HostStack::HostStack(HostConfig config, Sink sink, uint64_t seed)
    : config_(std::move(config)),
      sink_(std::move(sink)),
      tcp_([this](const IpAddress& src, const IpAddress& dst,
                  const TcpSegment& segment) { SendTcp(src, dst, segment); },
           seed) {
  config_.addresses.push_back(LinkLocalAddress(config_.mac));
  std::mt19937_64 random(seed);
  constexpr unsigned kLocalPorts = kLastLocalPort - kFirstLocalPort + 1;
  next_port_ = static_cast<uint16_t>(kFirstLocalPort + random() % kLocalPorts);
  next_identifier_ = static_cast<uint16_t>(random());
}

void HostStack::Receive(Bytes frame, uint64_t now_ns) {
  now_ns_ = now_ns;
  const ParsedFrame parsed = ParseFrame(frame);
  counters_.CountReceived(parsed, config_.mac);
  if (parsed.malformed || parsed.bad_checksum) return;
  if (!parsed.dst_mac.IsMulticast() && parsed.dst_mac != config_.mac) return;
  if (parsed.kind == FrameKind::kArp || parsed.kind == FrameKind::kNd) {
    return ReceiveNeighbor(parsed);
  }
  if (!IsOwn(parsed.dst)) return;
  if (parsed.kind == FrameKind::kUdp) return ReceiveUdp(parsed);
  if (parsed.kind == FrameKind::kIcmp) return ReceiveEcho(parsed);
  if (parsed.kind != FrameKind::kOther) tcp_.Receive(parsed, now_ns);
}

void HostStack::Tick(uint64_t now_ns) {
  now_ns_ = now_ns;
  for (const IpAddress& address : neighbors_.Wanted(now_ns)) {
    if (neighbors_.ShouldQuery(address, now_ns)) Query(address);
  }
  tcp_.Tick(now_ns);
}

absl::Status HostStack::Listen(Transport transport, uint16_t port) {
  const bool fresh =
      transport == Transport::kTcp ? tcp_.Listen(port) : udp_listeners_.insert(port).second;
  if (fresh) return absl::OkStatus();
  return absl::AlreadyExistsError(
      fmt::format("pod {}: port {} has a listener already", config_.name, port));
}

bool HostStack::IsOwn(const IpAddress& address) const {
  return std::find(config_.addresses.begin(), config_.addresses.end(), address) !=
         config_.addresses.end();
}

absl::StatusOr<IpAddress> HostStack::SourceFor(const IpAddress& to) const {
  for (const IpAddress& own : config_.addresses) {
    if (own.family == to.family && IsLinkLocal(own) == IsLinkLocal(to)) return own;
  }
  return absl::FailedPreconditionError(
      fmt::format("pod {} has no address to reach {} from", config_.name, to.ToString()));
}

std::optional<MacAddress> HostStack::Resolve(const IpAddress& to, uint64_t now_ns) {
  const std::optional<MacAddress> mac = neighbors_.Find(to);
  if (!mac && neighbors_.ShouldQuery(to, now_ns)) Query(to);
  return mac;
}

void HostStack::Query(const IpAddress& target) {
  const absl::StatusOr<IpAddress> source = SourceFor(target);
  if (source.ok()) Send(BuildNeighborQuery(config_.mac, *source, target));
}

void HostStack::ReceiveNeighbor(const ParsedFrame& frame) {
  const std::optional<NeighborMessage> message = ReadNeighborMessage(frame);
  if (!message || message->sender == IpAddress{message->sender.family}) return;  // a probe
  const bool for_us = !message->is_query || IsOwn(message->target);
  if (message->mac && !message->mac->IsMulticast() && for_us && !IsOwn(message->sender)) {
    for (const Frame& ready : neighbors_.Learn(message->sender, *message->mac)) Send(ready);
  }
  if (message->is_query && for_us) {
    Send(BuildNeighborAnswer(config_.mac, message->target, frame.src_mac, message->sender));
  }
}

absl::StatusOr<TcpConnection*> HostStack::Connect(const IpAddress& to, uint16_t port,
                                                  uint64_t now_ns) {
  now_ns_ = now_ns;
  const absl::StatusOr<IpAddress> source = SourceFor(to);
  if (!source.ok()) return source.status();
  return tcp_.Connect(*source, NextLocalPort(), to, port, now_ns);
}

void HostStack::Release(const TcpConnection* connection) { tcp_.Release(connection); }

void HostStack::SendTcp(const IpAddress& src, const IpAddress& dst, const TcpSegment& segment) {
  SendIp(BuildIpFrame(PathTo(src, dst), IPPROTO_TCP, WriteTcpSegment(segment)), dst);
}

absl::StatusOr<UdpFlow*> HostStack::OpenUdp(const IpAddress& to, uint16_t port) {
  const absl::StatusOr<IpAddress> source = SourceFor(to);
  if (!source.ok()) return source.status();
  auto flow = std::make_unique<UdpFlow>();
  flow->remote = to;
  flow->remote_port = port;
  flow->local_port = NextLocalPort();
  UdpFlow* borrowed = flow.get();
  udp_flows_[borrowed->local_port] = std::move(flow);
  return borrowed;
}

void HostStack::SendUdp(UdpFlow& flow, Bytes payload, uint64_t now_ns) {
  now_ns_ = now_ns;
  const absl::StatusOr<IpAddress> source = SourceFor(flow.remote);
  ++flow.sent;
  SendIp(BuildUdpFrame(PathTo(*source, flow.remote), flow.local_port, flow.remote_port, payload),
         flow.remote);
}

void HostStack::Close(const UdpFlow* flow) { udp_flows_.erase(flow->local_port); }

void HostStack::ReceiveUdp(const ParsedFrame& frame) {
  const auto udp = *Load<rte_udp_hdr>(frame.payload);
  const uint16_t src_port = rte_be_to_cpu_16(udp.src_port);
  const uint16_t dst_port = rte_be_to_cpu_16(udp.dst_port);
  const Bytes data = frame.payload.subspan(sizeof(udp));
  const auto it = udp_flows_.find(dst_port);
  if (it != udp_flows_.end()) {
    UdpFlow& flow = *it->second;
    if (flow.remote != frame.src || flow.remote_port != src_port) return;
    ++flow.received;
    flow.last.assign(data.begin(), data.end());
  } else if (udp_listeners_.contains(dst_port)) {
    SendIp(BuildUdpFrame(PathTo(frame.dst, frame.src), dst_port, src_port, data), frame.src);
  }
}

absl::StatusOr<EchoFlow*> HostStack::OpenEcho(const IpAddress& to) {
  const absl::StatusOr<IpAddress> source = SourceFor(to);
  if (!source.ok()) return source.status();
  while (echo_flows_.contains(next_identifier_)) ++next_identifier_;
  auto flow = std::make_unique<EchoFlow>();
  flow->remote = to;
  flow->identifier = next_identifier_++;
  EchoFlow* borrowed = flow.get();
  echo_flows_[borrowed->identifier] = std::move(flow);
  return borrowed;
}

void HostStack::SendEcho(EchoFlow& flow, uint64_t now_ns) {
  now_ns_ = now_ns;
  static constexpr uint8_t kPayload[32] = {'s', 'l', 'u', 'i', 'c', 'e'};
  const absl::StatusOr<IpAddress> source = SourceFor(flow.remote);
  const uint16_t sequence = flow.next_sequence++;
  ++flow.sent;
  flow.unanswered.insert(sequence);
  SendIp(BuildEchoFrame(PathTo(*source, flow.remote), false, flow.identifier, sequence, kPayload),
         flow.remote);
}

void HostStack::Close(const EchoFlow* flow) { echo_flows_.erase(flow->identifier); }

void HostStack::ReceiveEcho(const ParsedFrame& frame) {
  const auto icmp = *Load<rte_icmp_hdr>(frame.payload);
  const uint16_t identifier = rte_be_to_cpu_16(icmp.icmp_ident);
  const uint16_t sequence = rte_be_to_cpu_16(icmp.icmp_seq_nb);
  if (IsEcho(frame.protocol, icmp.icmp_type, false)) {
    SendIp(BuildEchoFrame(PathTo(frame.dst, frame.src), true, identifier, sequence,
                          frame.payload.subspan(sizeof(icmp))),
           frame.src);
    return;
  }
  const auto it = echo_flows_.find(identifier);
  if (it == echo_flows_.end() || !IsEcho(frame.protocol, icmp.icmp_type, true)) return;
  EchoFlow& flow = *it->second;
  if (flow.remote == frame.src) flow.received += flow.unanswered.erase(sequence);
}

Path HostStack::PathTo(const IpAddress& src, const IpAddress& dst) const {
  return {config_.mac, neighbors_.Find(dst).value_or(MacAddress{}), src, dst};
}

void HostStack::SendIp(Frame frame, const IpAddress& dst) {
  if (neighbors_.Find(dst)) return Send(frame);
  neighbors_.Wait(dst, std::move(frame), now_ns_);
  if (neighbors_.ShouldQuery(dst, now_ns_)) Query(dst);
}

void HostStack::Send(Bytes frame) {
  counters_.CountSent(ParseFrame(frame).kind);
  sink_(frame);
}

uint16_t HostStack::NextLocalPort() {
  do {
    next_port_ =
        next_port_ == kLastLocalPort ? kFirstLocalPort : static_cast<uint16_t>(next_port_ + 1);
  } while (udp_flows_.contains(next_port_) || tcp_.UsesPort(next_port_));
  return next_port_;
}

}  // namespace sluice::pktgen
