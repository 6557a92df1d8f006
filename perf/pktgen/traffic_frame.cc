#include "perf/pktgen/traffic_frame.h"

#include <rte_byteorder.h>
#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_tcp.h>
#include <rte_udp.h>

namespace sluice::pktgen {
namespace {

uint16_t HeaderSize(const TrafficFlows& flows) {
  const bool ipv4 = flows.source.family == Family::kIpv4;
  const bool udp = flows.protocol == TrafficProtocol::kUdp;
  return static_cast<uint16_t>(sizeof(rte_ether_hdr) +
                               (ipv4 ? sizeof(rte_ipv4_hdr) : sizeof(rte_ipv6_hdr)) +
                               (udp ? sizeof(rte_udp_hdr) : sizeof(rte_tcp_hdr)));
}

template <typename T>
T Get(const uint8_t* data) {
  T value;
  std::memcpy(&value, data, sizeof(T));
  return value;
}

template <typename T>
void Put(uint8_t* data, T value) {
  std::memcpy(data, &value, sizeof(T));
}

// Sums are over words as they lie in memory: byte order does not matter to one's complement.
uint64_t Words(uint32_t in_memory) { return uint64_t{in_memory & 0xffff} + (in_memory >> 16); }

uint64_t SumOf(const uint8_t* data, size_t size) {
  uint64_t sum = 0;
  for (size_t i = 0; i + 1 < size; i += 2) sum += Get<uint16_t>(data + i);
  if (size % 2 == 1) sum += data[size - 1];
  return sum;
}

uint16_t Checksum(uint64_t sum) {
  sum = (sum & 0xffffffff) + (sum >> 32);
  sum = (sum & 0xffff) + (sum >> 16);
  sum = (sum & 0xffff) + (sum >> 16);
  sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<uint16_t>(~sum);
}

// The last four bytes of an address.
size_t TailOf(const IpAddress& address) { return address.family == Family::kIpv4 ? 0 : 12; }

uint32_t HostTail(const IpAddress& address) {
  return rte_be_to_cpu_32(Get<uint32_t>(address.bytes.data() + TailOf(address)));
}

}  // namespace

uint16_t TrafficFrame::LeastSize(const TrafficFlows& flows, bool stamped) {
  const auto least =
      static_cast<uint16_t>(HeaderSize(flows) + kFlowSize + (stamped ? kStampSize : 0));
  return std::max(least, kLeast);
}

TrafficFrame::TrafficFrame(const TrafficFlows& flows, const Kind& kind)
    : flows_(flows), kind_(kind) {
  const IpAddress& source = kind.reversed ? flows.destination : flows.source;
  const IpAddress& destination = kind.reversed ? flows.source : flows.destination;
  const bool udp = flows.protocol == TrafficProtocol::kUdp;
  payload_ = HeaderSize(flows);
  payload_size_ = kind.payload ? static_cast<uint16_t>(kind.size - payload_) : 0;
  const Path path{.src_mac = kind.reversed ? flows.peer_mac : flows.mac,
                  .dst_mac = kind.reversed ? flows.mac : flows.peer_mac,
                  .src = source,
                  .dst = destination};
  l4_ = static_cast<uint16_t>(payload_ - (udp ? sizeof(rte_udp_hdr) : sizeof(rte_tcp_hdr)));
  Frame l4(static_cast<size_t>(payload_) - l4_ + payload_size_);
  if (udp) {
    Put(l4.data(), rte_udp_hdr{.dgram_len = rte_cpu_to_be_16(static_cast<uint16_t>(l4.size()))});
  } else {
    Put(l4.data(), rte_tcp_hdr{.sent_seq = rte_cpu_to_be_32(kind.seq),
                               .recv_ack = rte_cpu_to_be_32(kind.ack),
                               .data_off = 5 << 4,
                               .tcp_flags = kind.tcp_flags,
                               .rx_win = 0xffff});
  }
  const Frame frame = BuildIpFrame(path, udp ? IPPROTO_UDP : IPPROTO_TCP, l4);
  std::memcpy(bytes_.data(), frame.data(), std::min<size_t>(payload_, frame.size()));

  checksum_ = static_cast<uint16_t>(
      l4_ + (udp ? offsetof(rte_udp_hdr, dgram_cksum) : offsetof(rte_tcp_hdr, cksum)));
  destination_at_ = static_cast<uint16_t>(l4_ - sizeof(uint32_t));
  source_at_ = static_cast<uint16_t>(destination_at_ - (ipv4() ? 4 : 16));
  first_source_ = HostTail(source);
  first_destination_ = HostTail(destination);
  if (payload_ + kFlowSize + kStampSize > 64) copy_ = kCopyMost;
  PrepareChecksums();
}

// The tails of addresses, ports and checksums are zero in the template, and are added for each
// flow.
void TrafficFrame::PrepareChecksums() {
  Put<uint32_t>(bytes_.data() + source_at_, 0);
  Put<uint32_t>(bytes_.data() + destination_at_, 0);
  Put<uint32_t>(bytes_.data() + l4_, 0);
  Put<uint16_t>(bytes_.data() + checksum_, 0);
  const uint8_t* ip = bytes_.data() + sizeof(rte_ether_hdr);
  const size_t address_bytes = ipv4() ? 8 : 32;
  const uint8_t protocol = flows_.protocol == TrafficProtocol::kUdp ? IPPROTO_UDP : IPPROTO_TCP;
  const auto l4_size = static_cast<uint16_t>(payload_ - l4_ + payload_size_);
  l4_sum_ = SumOf(bytes_.data() + l4_ - address_bytes, address_bytes) + rte_cpu_to_be_16(protocol) +
            rte_cpu_to_be_16(l4_size) + SumOf(bytes_.data() + l4_, payload_ - l4_);
  if (!ipv4()) return;
  Put<uint16_t>(bytes_.data() + sizeof(rte_ether_hdr) + offsetof(rte_ipv4_hdr, hdr_checksum), 0);
  ip_sum_ = SumOf(ip, sizeof(rte_ipv4_hdr));
}

void TrafficFrame::Write(uint8_t* data, uint32_t flow, uint64_t tsc) const {
  TrafficFlows::Offsets offsets = flows_.OffsetsOf(flow);
  auto source_port = static_cast<uint16_t>(flows_.first_source_port + offsets.source_port);
  auto port = static_cast<uint16_t>(flows_.first_port + offsets.port);
  if (kind_.reversed) {
    std::swap(offsets.source, offsets.destination);
    std::swap(source_port, port);
  }
  if (copy_ == 64) {
    std::memcpy(data, bytes_.data(), 64);
  } else {
    std::memcpy(data, bytes_.data(), kCopyMost);
  }
  const uint32_t source = rte_cpu_to_be_32(first_source_ + offsets.source);
  const uint32_t destination = rte_cpu_to_be_32(first_destination_ + offsets.destination);
  const uint32_t ports = rte_cpu_to_be_32(uint32_t{source_port} << 16 | port);
  Put(data + source_at_, source);
  Put(data + destination_at_, destination);
  Put(data + l4_, ports);
  const uint64_t addresses = Words(source) + Words(destination);
  if (ipv4()) {
    Put(data + sizeof(rte_ether_hdr) + offsetof(rte_ipv4_hdr, hdr_checksum),
        Checksum(ip_sum_ + addresses));
  }
  uint64_t sum = l4_sum_ + addresses + Words(ports);
  if (carries_flow()) {
    Put(data + payload_, flow);
    sum += Words(flow);
  }
  if (kind_.stamped) {
    // A word and its complement add nothing: every pair of them is zero in one's complement.
    Put(data + payload_ + kFlowSize, tsc);
    Put(data + payload_ + kFlowSize + sizeof(tsc), ~tsc);
  }
  const uint16_t checksum = Checksum(sum);
  Put(data + checksum_, checksum == 0 ? uint16_t{0xffff} : checksum);
}

std::optional<uint32_t> TrafficFrame::Read(const uint8_t* data, uint32_t size) const {
  // MACs, type, and what of the IP header says family, header size and protocol.
  const size_t protocol_at = sizeof(rte_ether_hdr) + (ipv4() ? offsetof(rte_ipv4_hdr, next_proto_id)
                                                             : offsetof(rte_ipv6_hdr, proto));
  if (size != kind_.size || Get<uint64_t>(data) != Get<uint64_t>(bytes_.data()) ||
      Get<uint64_t>(data + 7) != Get<uint64_t>(bytes_.data() + 7) ||
      data[protocol_at] != bytes_[protocol_at]) {
    return std::nullopt;
  }
  const uint32_t ports = rte_be_to_cpu_32(Get<uint32_t>(data + l4_));
  auto source_port = static_cast<uint16_t>(ports >> 16);
  auto port = static_cast<uint16_t>(ports);
  TrafficFlows::Offsets offsets;
  offsets.source = rte_be_to_cpu_32(Get<uint32_t>(data + source_at_)) - first_source_;
  offsets.destination =
      rte_be_to_cpu_32(Get<uint32_t>(data + destination_at_)) - first_destination_;
  if (kind_.reversed) {
    std::swap(offsets.source, offsets.destination);
    std::swap(source_port, port);
  }
  offsets.source_port = static_cast<uint16_t>(source_port - flows_.first_source_port);
  offsets.port = static_cast<uint16_t>(port - flows_.first_port);
  const uint64_t flow = flows_.FlowOf(offsets);
  if (flow >= flows_.count()) return std::nullopt;
  if (carries_flow() && Get<uint32_t>(data + payload_) != flow) return std::nullopt;
  return static_cast<uint32_t>(flow);
}

}  // namespace sluice::pktgen
