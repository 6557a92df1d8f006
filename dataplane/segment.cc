#include "dataplane/segment.h"

#include <netinet/in.h>
#include <rte_hash_crc.h>
#include <rte_ip.h>
#include <rte_sctp.h>
#include <rte_tcp.h>
#include <rte_udp.h>

#include <algorithm>
#include <cstring>

#include "dataplane/offload.h"

namespace sluice::dataplane {
namespace {

constexpr uint8_t kTcpPsh = 0x08, kTcpCwr = 0x80;

bool IsIpv4(const rte_mbuf& mbuf) { return (mbuf.ol_flags & RTE_MBUF_F_TX_IPV4) != 0; }

template <typename T>
T* At(const rte_mbuf& mbuf, uint32_t offset) {
  return rte_pktmbuf_mtod_offset(&mbuf, T*, offset);
}

// Bytes behind the IP header and its extensions, as the header says: a frame may be padded.
uint32_t IpPayload(const rte_mbuf& mbuf) {
  if (IsIpv4(mbuf)) {
    return rte_be_to_cpu_16(At<rte_ipv4_hdr>(mbuf, mbuf.l2_len)->total_length) - mbuf.l3_len;
  }
  const auto* ip = At<rte_ipv6_hdr>(mbuf, mbuf.l2_len);
  return rte_be_to_cpu_16(ip->payload_len) + uint32_t{sizeof(*ip)} - mbuf.l3_len;
}

// Of RFC 793 and RFC 8200, 8.1; not folded.
uint32_t PseudoHeaderSum(const rte_mbuf& mbuf, uint8_t protocol, uint32_t length) {
  const uint32_t addresses = IsIpv4(mbuf)
                                 ? rte_raw_cksum(&At<rte_ipv4_hdr>(mbuf, mbuf.l2_len)->src_addr, 8)
                                 : rte_raw_cksum(At<rte_ipv6_hdr>(mbuf, mbuf.l2_len)->src_addr, 32);
  return addresses + rte_cpu_to_be_16(protocol) + rte_cpu_to_be_16(static_cast<uint16_t>(length));
}

// The internet checksum of `length` bytes from `offset` on and the pseudo header.
uint16_t TransportChecksum(const rte_mbuf& mbuf, uint8_t protocol, uint32_t offset,
                           uint32_t length) {
  uint16_t data = 0;
  rte_raw_cksum_mbuf(&mbuf, offset, length, &data);  // cannot fail: Parse bounded the lengths
  uint32_t sum = data + PseudoHeaderSum(mbuf, protocol, length);
  sum = (sum & 0xffff) + (sum >> 16);
  sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<uint16_t>(~sum);
}

// rte_hash_crc reads eight bytes at a time, wherever they are: it gets them from an aligned byte
// on.
uint32_t Crc32c(const uint8_t* data, uint32_t length, uint32_t crc) {
  while (length != 0 && reinterpret_cast<uintptr_t>(data) % sizeof(uint64_t) != 0) {
    crc = rte_hash_crc_1byte(*data++, crc);
    --length;
  }
  return length == 0 ? crc : rte_hash_crc(data, length, crc);
}

// RFC 9260, appendix A: CRC32c, least significant byte first.
uint32_t SctpChecksum(const rte_mbuf& mbuf, uint32_t offset, uint32_t length) {
  uint32_t crc = ~0u;
  for (const rte_mbuf* segment = &mbuf; segment != nullptr && length != 0;
       segment = segment->next) {
    if (offset >= segment->data_len) {
      offset -= segment->data_len;
      continue;
    }
    const uint32_t here = std::min<uint32_t>(length, segment->data_len - offset);
    crc = Crc32c(At<uint8_t>(*segment, offset), here, crc);
    length -= here;
    offset = 0;
  }
  return rte_cpu_to_le_32(~crc);
}

void AppendCopy(rte_mbuf& piece, rte_mbuf& tail, const rte_mbuf& frame, uint32_t offset,
                uint32_t length) {
  char* to = At<char>(tail, tail.data_len);
  const void* from = rte_pktmbuf_read(&frame, offset, length, to);
  if (from != to) std::memcpy(to, from, length);  // contiguous in the frame: not copied yet
  tail.data_len = static_cast<uint16_t>(tail.data_len + length);
  piece.pkt_len += length;
}

}  // namespace

void CompleteChecksum(rte_mbuf& mbuf) {
  const uint32_t start = mbuf.l2_len + mbuf.l3_len;
  const uint32_t length = IpPayload(mbuf);
  switch (mbuf.ol_flags & RTE_MBUF_F_TX_L4_MASK) {
    case RTE_MBUF_F_TX_TCP_CKSUM: {
      auto* tcp = At<rte_tcp_hdr>(mbuf, start);
      tcp->cksum = 0;
      tcp->cksum = TransportChecksum(mbuf, IPPROTO_TCP, start, length);
      break;
    }
    case RTE_MBUF_F_TX_UDP_CKSUM: {
      auto* udp = At<rte_udp_hdr>(mbuf, start);
      udp->dgram_cksum = 0;
      const uint16_t sum = TransportChecksum(mbuf, IPPROTO_UDP, start, length);
      udp->dgram_cksum = sum == 0 ? 0xffff : sum;  // 0 says that there is none
      break;
    }
    case RTE_MBUF_F_TX_SCTP_CKSUM: {
      auto* sctp = At<rte_sctp_hdr>(mbuf, start);
      sctp->cksum = 0;
      sctp->cksum = SctpChecksum(mbuf, start, length);
      break;
    }
    default:
      break;
  }
  mbuf.ol_flags &= ~kOffloadState;
}

FrameCutter::FrameCutter(rte_mbuf& frame, rte_mempool* pool)
    : frame_(frame),
      pool_(pool),
      udp_((frame.ol_flags & RTE_MBUF_F_TX_UDP_SEG) != 0),
      headers_(frame.l2_len + frame.l3_len + (udp_ ? 0 : frame.l4_len)),
      payload_(IpPayload(frame) - (udp_ ? 0 : frame.l4_len)) {
  if (!udp_) return;
  const uint64_t flags = frame.ol_flags;
  CompleteChecksum(frame);  // over the datagram, before it falls apart
  frame.ol_flags = flags;
}

rte_mbuf* FrameCutter::Next() {
  const uint32_t payload = std::min<uint32_t>(frame_.tso_segsz, payload_ - cut_);
  rte_mbuf* piece = Copy(payload);
  if (piece == nullptr) return nullptr;
  const bool last = cut_ + payload == payload_;
  FixIp(*piece, payload, last);
  if (!udp_) FixTcp(*piece, last);
  cut_ += payload;
  ++pieces_;
  return piece;
}

// Headers and the next `payload` bytes, in as many buffers as that takes.
rte_mbuf* FrameCutter::Copy(uint32_t payload) {
  rte_mbuf* piece = rte_pktmbuf_alloc(pool_);
  if (piece == nullptr) return nullptr;
  AppendCopy(*piece, *piece, frame_, 0, headers_);
  piece->ol_flags = frame_.ol_flags & kOffloadState;
  piece->tx_offload = frame_.tx_offload;
  piece->hash.fdir.hi = frame_.hash.fdir.hi;  // recorder.cc
  rte_mbuf* tail = piece;
  for (uint32_t copied = 0; copied < payload;) {
    if (rte_pktmbuf_tailroom(tail) == 0) {
      rte_mbuf* more = rte_pktmbuf_alloc(pool_);
      if (more == nullptr) {
        rte_pktmbuf_free(piece);
        return nullptr;
      }
      tail->next = more;
      ++piece->nb_segs;
      tail = more;
    }
    const uint32_t length = std::min<uint32_t>(payload - copied, rte_pktmbuf_tailroom(tail));
    AppendCopy(*piece, *tail, frame_, headers_ + cut_ + copied, length);
    copied += length;
  }
  return piece;
}

void FrameCutter::FixIp(rte_mbuf& piece, uint32_t payload, bool last) const {
  const uint32_t behind_link = headers_ - piece.l2_len + payload;
  if (!IsIpv4(piece)) {
    auto* ip = At<rte_ipv6_hdr>(piece, piece.l2_len);
    ip->payload_len = rte_cpu_to_be_16(static_cast<uint16_t>(behind_link - sizeof(*ip)));
    return;
  }
  auto* ip = At<rte_ipv4_hdr>(piece, piece.l2_len);
  ip->total_length = rte_cpu_to_be_16(static_cast<uint16_t>(behind_link));
  if (udp_) {
    const uint32_t units = cut_ / RTE_IPV4_HDR_OFFSET_UNITS;
    ip->fragment_offset =
        rte_cpu_to_be_16(static_cast<uint16_t>(units | (last ? 0 : RTE_IPV4_HDR_MF_FLAG)));
    piece.ol_flags &= ~kOffloadState;
  } else {
    ip->packet_id =
        rte_cpu_to_be_16(static_cast<uint16_t>(rte_be_to_cpu_16(ip->packet_id) + pieces_));
  }
  ip->hdr_checksum = 0;
  ip->hdr_checksum = static_cast<uint16_t>(~rte_raw_cksum(ip, piece.l3_len));
}

void FrameCutter::FixTcp(rte_mbuf& piece, bool last) const {
  auto* tcp = At<rte_tcp_hdr>(piece, piece.l2_len + piece.l3_len);
  tcp->sent_seq = rte_cpu_to_be_32(rte_be_to_cpu_32(tcp->sent_seq) + cut_);
  if (!last) tcp->tcp_flags &= static_cast<uint8_t>(~(kTcpFin | kTcpPsh));
  if (cut_ != 0) tcp->tcp_flags &= static_cast<uint8_t>(~kTcpCwr);
  CompleteChecksum(piece);
}

}  // namespace sluice::dataplane
