// FrameCutter against rte_gso, its naive twin where that serves: TCP over IPv4.
#include "dataplane/segment.h"

#include <gtest/gtest.h>
#include <rte_ethdev.h>
#include <rte_gso.h>

#include <random>

#include "dataplane/offload.h"
#include "dataplane/packet_pool.h"
#include "tests/support/frame.h"
#include "tests/support/seed.h"
#include "tests/support/testbed.h"

namespace sluice::test {
namespace {

// A frame in buffers of random lengths, its headers in the first.
rte_mbuf* Chain(const Bytes& frame, rte_mempool* pool, std::mt19937& random) {
  rte_mbuf* head = nullptr;
  for (size_t at = 0; at < frame.size();) {
    rte_mbuf* mbuf = rte_pktmbuf_alloc(pool);
    const size_t length = head == nullptr ? 80 + random() % 1900 : 1 + random() % 2000;
    const auto here = static_cast<uint16_t>(std::min(frame.size() - at, length));
    std::copy_n(&frame[at], here, reinterpret_cast<uint8_t*>(rte_pktmbuf_append(mbuf, here)));
    at += here;
    if (head == nullptr) {
      head = mbuf;
    } else {
      rte_pktmbuf_chain(head, mbuf);
    }
  }
  return head;
}

// rte_gso leaves checksums to the caller.
Bytes WithChecksums(Bytes frame) {
  auto* ip = reinterpret_cast<rte_ipv4_hdr*>(&frame[14]);
  auto* tcp = reinterpret_cast<rte_tcp_hdr*>(&frame[34]);
  ip->hdr_checksum = 0;
  ip->hdr_checksum = rte_ipv4_cksum(ip);
  tcp->cksum = 0;
  tcp->cksum = rte_ipv4_udptcp_cksum(ip, tcp);
  return frame;
}

TEST(FrameCutter, CutsAsRteGsoDoes) {
  std::mt19937 random(Seed());
  const auto pool = dataplane::PacketPool::Create("cutter", 2047);
  ASSERT_TRUE(pool.ok());
  for (int round = 0; round < 300; ++round) {
    std::string payload(2 + random() % 40000, '\0');
    for (char& byte : payload) byte = static_cast<char>(random());
    const auto flags = static_cast<uint8_t>(dataplane::kTcpAck | (random() % 16 & ~0x06u));
    const Bytes frame = Testbed::From('a', 'b')
                            .Tcp(1, 2, flags, payload)
                            .Set16(18, static_cast<uint16_t>(random()))  // identification
                            .Set16(38, static_cast<uint16_t>(random()))  // sequence number
                            .bytes();
    const auto segment = static_cast<uint16_t>(
        std::max<size_t>(1 + payload.size() / 256, 1 + random() % (payload.size() - 1)));
    rte_mbuf* mbuf = Chain(frame, pool->get(), random);
    mbuf->l2_len = 14;
    mbuf->l3_len = 20;
    mbuf->l4_len = 20;
    mbuf->tso_segsz = segment;
    mbuf->ol_flags |= RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_TCP_CKSUM | RTE_MBUF_F_TX_TCP_SEG;

    const rte_gso_ctx context{.direct_pool = pool->get(),
                              .indirect_pool = pool->get(),
                              .flag = 0,
                              .gso_types = RTE_ETH_TX_OFFLOAD_TCP_TSO,
                              .gso_size = static_cast<uint16_t>(54 + segment)};
    dataplane::FrameCutter cutter(*mbuf, pool->get());
    rte_mbuf* theirs[512];
    const int count = rte_gso_segment(mbuf, &context, theirs, 512);
    mbuf->ol_flags |= RTE_MBUF_F_TX_TCP_SEG;  // rte_gso took it away
    ASSERT_GT(count, 1) << payload.size() << " by " << segment;
    for (int i = 0; i < count; ++i) {
      ASSERT_FALSE(cutter.done());
      rte_mbuf* ours = cutter.Next();
      ASSERT_NE(ours, nullptr);
      ASSERT_EQ(Contents(*ours), WithChecksums(Contents(*theirs[i]))) << "piece " << i;
      rte_pktmbuf_free(ours);
      rte_pktmbuf_free(theirs[i]);
    }
    EXPECT_TRUE(cutter.done());
    rte_pktmbuf_free(mbuf);
    ASSERT_EQ(rte_mempool_in_use_count(pool->get()), 0u);
  }
}

}  // namespace
}  // namespace sluice::test
