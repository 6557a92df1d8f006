#include "perf/pktgen/tcp_segment.h"

#include <netinet/tcp.h>
#include <rte_byteorder.h>
#include <rte_tcp.h>

namespace sluice::pktgen {
namespace {

struct MssOption {
  uint8_t kind = TCPOPT_MAXSEG;
  uint8_t length = TCPOLEN_MAXSEG;
  uint16_t mss_be;
};
static_assert(sizeof(MssOption) == 4);

// 0 if there is none.
uint16_t FindMss(Bytes options) {
  while (!options.empty() && options[0] != TCPOPT_EOL) {
    if (options[0] == TCPOPT_NOP) {
      options = options.subspan(1);
      continue;
    }
    if (options.size() < 2 || options[1] < 2 || options[1] > options.size()) return 0;
    if (options[0] == TCPOPT_MAXSEG && options[1] == TCPOLEN_MAXSEG) {
      return rte_be_to_cpu_16(Load<MssOption>(options)->mss_be);
    }
    options = options.subspan(options[1]);
  }
  return 0;
}

}  // namespace

TcpSegment ReadTcpSegment(Bytes l4) {
  const rte_tcp_hdr tcp = *Load<rte_tcp_hdr>(l4);
  const size_t header = (tcp.data_off >> 4) * size_t{4};
  return {.src_port = rte_be_to_cpu_16(tcp.src_port),
          .dst_port = rte_be_to_cpu_16(tcp.dst_port),
          .seq = rte_be_to_cpu_32(tcp.sent_seq),
          .ack = rte_be_to_cpu_32(tcp.recv_ack),
          .flags = tcp.tcp_flags,
          .window = rte_be_to_cpu_16(tcp.rx_win),
          .mss = FindMss(l4.subspan(sizeof(tcp), header - sizeof(tcp))),
          .payload = l4.subspan(header)};
}

Frame WriteTcpSegment(const TcpSegment& segment) {
  const size_t header = sizeof(rte_tcp_hdr) + (segment.mss != 0 ? sizeof(MssOption) : 0);
  rte_tcp_hdr tcp{};
  tcp.src_port = rte_cpu_to_be_16(segment.src_port);
  tcp.dst_port = rte_cpu_to_be_16(segment.dst_port);
  tcp.sent_seq = rte_cpu_to_be_32(segment.seq);
  tcp.recv_ack = rte_cpu_to_be_32(segment.ack);
  tcp.data_off = static_cast<uint8_t>(header / 4 << 4);
  tcp.tcp_flags = segment.flags;
  tcp.rx_win = rte_cpu_to_be_16(segment.window);
  Frame l4;
  l4.reserve(header + segment.payload.size());
  AppendHeader(l4, tcp);
  if (segment.mss != 0) AppendHeader(l4, MssOption{.mss_be = rte_cpu_to_be_16(segment.mss)});
  Append(l4, segment.payload);
  return l4;
}

}  // namespace sluice::pktgen
