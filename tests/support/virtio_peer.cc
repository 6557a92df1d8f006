#include "tests/support/virtio_peer.h"

#include <fmt/core.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <rte_bus_vdev.h>
#include <rte_ethdev.h>

#include <cstdlib>
#include <random>

#include "tests/support/wire.h"

namespace sluice::test {
namespace {

constexpr uint16_t kDescriptors = 256;

void Must(int error, const char* what) {
  if (error == 0) return;
  ADD_FAILURE() << "virtio-user: " << what << ": " << error;
  std::abort();
}

// What DPDK's virtio driver wants to know of a packet that the device is to finish.
void AskFor(rte_mbuf& mbuf, const Bytes& frame, const Undone& undone) {
  const Wire wire(frame);
  const bool tcp = wire.protocol() == IPPROTO_TCP;
  mbuf.l2_len = sizeof(rte_ether_hdr);
  mbuf.l3_len = wire.l4() - sizeof(rte_ether_hdr);
  mbuf.l4_len = tcp ? (wire.tcp().data_off >> 4) * 4u : sizeof(rte_udp_hdr);
  mbuf.ol_flags |= wire.v4() ? RTE_MBUF_F_TX_IPV4 : RTE_MBUF_F_TX_IPV6;
  mbuf.ol_flags |= tcp ? RTE_MBUF_F_TX_TCP_CKSUM : RTE_MBUF_F_TX_UDP_CKSUM;
  if (undone.segment == 0) return;
  mbuf.ol_flags |= RTE_MBUF_F_TX_TCP_SEG;
  mbuf.tso_segsz = undone.segment;
}

}  // namespace

VirtioPeer::VirtioPeer(const VirtioPeerConfig& config, rte_mempool* pool)
    : config_(config), pool_(pool) {
  static unsigned next = 0;
  name_ = fmt::format("net_virtio_user{}", next++);
  const std::string arguments =
      fmt::format(
          "path={},mac=02:00:00:00:00:ff,queues={},queue_size={},packed_vq={},mrg_rxbuf={}{}",
          config.socket, config.queues, kDescriptors, config.packed ? 1 : 0,
          config.mergeable ? 1 : 0, config.server ? ",server=1" : "") +
      (config.queues > 1 ? ",cq=1" : "");
  Must(rte_vdev_init(name_.c_str(), arguments.c_str()), "open");
  Must(rte_eth_dev_get_port_by_name(name_.c_str(), &device_), "name");
  rte_eth_conf conf{};
  conf.rxmode.mtu = config.mtu;
  conf.txmode.offloads = RTE_ETH_TX_OFFLOAD_MULTI_SEGS;
  if (config.mergeable) conf.rxmode.offloads = RTE_ETH_RX_OFFLOAD_SCATTER;
  if (config.offloads) {
    conf.txmode.offloads |=
        RTE_ETH_TX_OFFLOAD_TCP_CKSUM | RTE_ETH_TX_OFFLOAD_UDP_CKSUM | RTE_ETH_TX_OFFLOAD_TCP_TSO;
    conf.rxmode.offloads |=
        RTE_ETH_RX_OFFLOAD_TCP_CKSUM | RTE_ETH_RX_OFFLOAD_UDP_CKSUM | RTE_ETH_RX_OFFLOAD_TCP_LRO;
  }
  const auto queues = static_cast<uint16_t>(config.queues);
  Must(rte_eth_dev_configure(device_, queues, queues, &conf), "configure");
  for (uint16_t queue = 0; queue < queues; ++queue) {
    Must(rte_eth_rx_queue_setup(device_, queue, kDescriptors, SOCKET_ID_ANY, nullptr, pool_), "rx");
    Must(rte_eth_tx_queue_setup(device_, queue, kDescriptors, SOCKET_ID_ANY, nullptr), "tx");
  }
  Must(rte_eth_dev_start(device_), "start");
}

VirtioPeer::~VirtioPeer() {
  rte_eth_dev_stop(device_);
  rte_vdev_uninit(name_.c_str());
}

bool VirtioPeer::LinkUp() const {
  rte_eth_link link{};
  return rte_eth_link_get_nowait(device_, &link) == 0 && link.link_status == RTE_ETH_LINK_UP;
}

bool VirtioPeer::Send(const Bytes& frame, const Undone& undone, uint16_t queue) {
  rte_mbuf* mbuf = MakeChain(pool_, frame);
  if (mbuf == nullptr) return false;
  if (undone.checksum || undone.segment != 0) AskFor(*mbuf, frame, undone);
  if (rte_eth_tx_prepare(device_, queue, &mbuf, 1) == 1 &&
      rte_eth_tx_burst(device_, queue, &mbuf, 1) == 1) {
    return true;
  }
  rte_pktmbuf_free(mbuf);
  return false;
}

bool VirtioPeer::SendHostile(const Bytes& frame, uint32_t seed) {
  std::mt19937 random(seed);
  rte_mbuf* mbuf = MakeChain(pool_, frame);
  if (mbuf == nullptr) return false;
  const bool plausible = random() % 2 == 0;
  mbuf->l2_len = plausible ? 14 : random() % 128;
  mbuf->l3_len = plausible ? 20 : random() % 512;
  mbuf->l4_len = plausible ? 20 : random() % 256;
  mbuf->tso_segsz = static_cast<uint16_t>(random() % 2 == 0 ? random() % 16 : random());
  constexpr uint64_t kChecksums[] = {0, RTE_MBUF_F_TX_TCP_CKSUM, RTE_MBUF_F_TX_UDP_CKSUM};
  mbuf->ol_flags |= kChecksums[random() % 3];
  mbuf->ol_flags |= random() % 2 == 0 ? RTE_MBUF_F_TX_IPV4 : RTE_MBUF_F_TX_IPV6;
  if (random() % 2 == 0) mbuf->ol_flags |= RTE_MBUF_F_TX_TCP_SEG;
  if (rte_eth_tx_burst(device_, 0, &mbuf, 1) == 1) return true;
  rte_pktmbuf_free(mbuf);
  return false;
}

std::vector<Received> VirtioPeer::Receive() {
  std::vector<Received> all;
  for (uint16_t queue = 0; queue < config_.queues; ++queue) {
    std::vector<Received> some = Receive(queue);
    all.insert(all.end(), some.begin(), some.end());
  }
  return all;
}

std::vector<Received> VirtioPeer::Receive(uint16_t queue) {
  std::vector<Received> all;
  rte_mbuf* mbufs[32];
  while (const uint16_t count = rte_eth_rx_burst(device_, queue, mbufs, 32)) {
    for (uint16_t i = 0; i < count; ++i) {
      Received received{Contents(*mbufs[i]), {}};
      received.undone.checksum =
          (mbufs[i]->ol_flags & RTE_MBUF_F_RX_L4_CKSUM_MASK) == RTE_MBUF_F_RX_L4_CKSUM_NONE;
      if ((mbufs[i]->ol_flags & RTE_MBUF_F_RX_LRO) != 0) {
        received.undone.segment = mbufs[i]->tso_segsz;
      }
      all.push_back(std::move(received));
      rte_pktmbuf_free(mbufs[i]);
    }
  }
  return all;
}

}  // namespace sluice::test
