#include "perf/pktgen/pod.h"

#include <rte_udp.h>

#include <utility>

namespace sluice::pktgen {

// Ethernet and IP headers, then destination port and length: source port and checksum vary.
bool BlastSink::Matches(Bytes frame) const {
  return frame.size() == sample.size() &&
         std::memcmp(frame.data(), sample.data(), l4_offset) == 0 &&
         std::memcmp(frame.data() + l4_offset + 2, sample.data() + l4_offset + 2, 4) == 0;
}

void BlastSink::Take(Bytes frame) {
  ++received;
  if (latency != nullptr) latency->Take(frame.subspan(l4_offset + sizeof(rte_udp_hdr)));
}

Pod::Pod(const HostConfig& config, std::unique_ptr<VirtioPort> port, uint64_t seed)
    : port_(std::move(port)),
      stack_(
          config, [this](Bytes frame) { port_->Send(frame); }, seed) {}

void Pod::Poll(uint64_t now_ns) {
  std::array<rte_mbuf*, VirtioPort::kBurst> packets;
  const uint16_t count = port_->Receive(packets);
  for (uint16_t i = 0; i < count; ++i) Receive(*packets[i], now_ns);
  rte_pktmbuf_free_bulk(packets.data(), count);
  stack_.Tick(now_ns);
  port_->Flush();
}

void Pod::Receive(const rte_mbuf& packet, uint64_t now_ns) {
  Bytes frame(rte_pktmbuf_mtod(&packet, const uint8_t*), packet.data_len);
  if (packet.nb_segs > 1) {
    joined_.resize(packet.pkt_len);
    const void* data = rte_pktmbuf_read(&packet, 0, packet.pkt_len, joined_.data());
    frame = {static_cast<const uint8_t*>(data), packet.pkt_len};
  }
  for (BlastSink* sink : sinks_) {
    if (sink->Matches(frame)) {
      sink->Take(frame);
      return;
    }
  }
  stack_.Receive(frame, now_ns);
}

}  // namespace sluice::pktgen
