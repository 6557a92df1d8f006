// Taps with the kernel at their other end: a packet socket on the interface sends and receives what
// a pod's kernel would.
#include "dataplane/tap_port.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstring>
#include <numeric>
#include <string>
#include <thread>
#include <vector>

#include "dataplane/offload.h"
#include "dataplane/packet_pool.h"
#include "dataplane/port_device.h"
#include "dataplane/transmit.h"
#include "tests/support/frame.h"
#include "tests/support/testbed.h"

namespace sluice::dataplane {
namespace {

using std::chrono::steady_clock;
using test::Bytes;

constexpr auto kPatience = std::chrono::seconds(10);
const MacAddress kSender{{0x02, 0, 0, 0, 0, 2}};
constexpr uint16_t kTestEtherType = 0x88b5;  // IEEE 802, for local experiments

// What the kernel says of an interface.
ifreq Ask(const std::string& interface, unsigned long question, short flags = 0) {
  ifreq request{};
  interface.copy(request.ifr_name, sizeof(request.ifr_name) - 1);
  request.ifr_flags = flags;
  const int fd = socket(AF_INET, SOCK_DGRAM, 0);
  EXPECT_EQ(ioctl(fd, question, &request), 0) << interface;
  close(fd);
  return request;
}

// The kernel's end: frames of `ether_type`, each behind its VirtioHeader.
class KernelEnd {
 public:
  KernelEnd(const std::string& interface, uint16_t ether_type)
      : fd_(socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK, htons(ether_type))) {
    sockaddr_ll address{};
    address.sll_family = AF_PACKET;
    address.sll_protocol = htons(ether_type);
    address.sll_ifindex = static_cast<int>(if_nametoindex(interface.c_str()));
    EXPECT_EQ(bind(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
    const int on = 1;
    EXPECT_EQ(setsockopt(fd_, SOL_PACKET, PACKET_VNET_HDR, &on, sizeof(on)), 0);
  }
  ~KernelEnd() { close(fd_); }

  bool Send(const VirtioHeader& header, const Bytes& frame) const {
    Bytes both(sizeof(header) + frame.size());
    std::memcpy(both.data(), &header, sizeof(header));
    std::copy(frame.begin(), frame.end(), both.begin() + sizeof(header));
    return send(fd_, both.data(), both.size(), 0) == static_cast<ssize_t>(both.size());
  }
  struct Received {
    VirtioHeader header;
    Bytes frame;
  };
  // Within `kPatience`; an empty frame: none came.
  Received Receive() const {
    pollfd ready{fd_, POLLIN, 0};
    if (::poll(&ready, 1, std::chrono::milliseconds(kPatience).count()) != 1) return {};
    Bytes both(70'000);
    const ssize_t length = recv(fd_, both.data(), both.size(), 0);
    if (length < static_cast<ssize_t>(sizeof(VirtioHeader))) return {};
    Received received;
    std::memcpy(&received.header, both.data(), sizeof(VirtioHeader));
    received.frame.assign(both.begin() + sizeof(VirtioHeader), both.begin() + length);
    return received;
  }

 private:
  const int fd_;
};

Bytes Frame(size_t payload, uint16_t ether_type = kTestEtherType) {
  Bytes frame = {0x02,
                 0,
                 0,
                 0,
                 0,
                 1,
                 0x02,
                 0,
                 0,
                 0,
                 0,
                 2,
                 static_cast<uint8_t>(ether_type >> 8),
                 static_cast<uint8_t>(ether_type & 0xff)};
  frame.resize(frame.size() + payload);
  std::iota(frame.begin() + RTE_ETHER_HDR_LEN, frame.end(), uint8_t{0});
  return frame;
}

class TapPortTest : public testing::Test {
 protected:
  void SetUp() override {
    if (geteuid() != 0) GTEST_SKIP() << "not root: no network interfaces";
    static int next = 0;
    auto pool = PacketPool::Create("tap_port" + std::to_string(next++), 1023);
    ASSERT_TRUE(pool.ok());
    pool_ = *std::move(pool);
    interface_.name = "sl-t" + std::to_string(getpid());
    interface_.mtu = 9000;
  }
  void Open(TapWatch* watch = nullptr) {
    auto port =
        TapPort::Open({.interface = interface_, .pool = pool_.get(), .tx = &tx_, .watch = watch});
    ASSERT_TRUE(port.ok()) << port.status();
    port_ = *std::move(port);
  }

  // The next frame of `ether_type`; the kernel's own (neighbour discovery) pass by. Null: none came
  // within `kPatience`.
  rte_mbuf* Receive(uint16_t ether_type = kTestEtherType) {
    const auto until = steady_clock::now() + kPatience;
    while (steady_clock::now() < until) {
      rte_mbuf* mbuf = nullptr;
      if (port_->Receive(&mbuf, 1) == 0) continue;
      const Bytes frame = test::Contents(*mbuf);
      const bool ours = std::equal(kSender.bytes.begin(), kSender.bytes.end(), &frame[6]);
      if (ours && frame[12] == ether_type >> 8 && frame[13] == (ether_type & 0xff)) return mbuf;
      rte_pktmbuf_free(mbuf);
    }
    return nullptr;
  }
  // Often enough for the port to rest.
  void LookInVain() {
    const auto until = steady_clock::now() + kPatience;
    for (int empty = 0; empty < 200 && steady_clock::now() < until; ++empty) {
      rte_mbuf* mbuf = nullptr;
      if (port_->Receive(&mbuf, 1) == 0) continue;
      rte_pktmbuf_free(mbuf);
      empty = 0;
    }
  }

  PacketPool pool_;
  TapInterface interface_;
  TxPort tx_;
  std::unique_ptr<TapPort> port_;
};

TEST_F(TapPortTest, TheInterfaceIsAsAskedForAndGoesWithItsPort) {
  interface_.mac = *MacAddress::Parse("02:00:00:00:00:07");
  for (const uint16_t mtu : {uint16_t{9000}, uint16_t{1400}}) {
    interface_.mtu = mtu;
    Open();
    EXPECT_EQ(Ask(interface_.name, SIOCGIFMTU).ifr_mtu, mtu);
    const ifreq mac = Ask(interface_.name, SIOCGIFHWADDR);
    EXPECT_EQ(MacAddress::FromBytes(reinterpret_cast<const uint8_t*>(mac.ifr_hwaddr.sa_data)),
              interface_.mac);
    EXPECT_TRUE(port_->LinkUp());
    port_.reset();
    EXPECT_EQ(if_nametoindex(interface_.name.c_str()), 0u);
  }
}

TEST_F(TapPortTest, FramesOfEverySizePassBothWays) {
  Open();
  const KernelEnd kernel(interface_.name, kTestEtherType);
  for (const size_t payload : {46, 1500, 2035, 2036, 2037, 4096, 9000}) {
    const Bytes frame = Frame(payload);
    ASSERT_TRUE(kernel.Send({}, frame)) << payload;
    rte_mbuf* mbuf = Receive();
    ASSERT_NE(mbuf, nullptr) << payload;
    EXPECT_EQ(test::Contents(*mbuf), frame) << payload;
    EXPECT_EQ(mbuf->nb_segs, (frame.size() + kDataRoom - 1) / kDataRoom) << payload;
    ASSERT_EQ(port_->Send(&mbuf, 1), 1) << payload;
    EXPECT_EQ(kernel.Receive().frame, frame) << payload;
  }
}

// A frame that the kernel wants cut reaches the switch whole, and the other way round.
TEST_F(TapPortTest, WhatIsLeftUndoneIsCarriedBothWays) {
  Open();
  EXPECT_EQ(tx_.takes, kOffloadChecksum | kOffloadTcp4 | kOffloadTcp6);
  struct Case {
    const char *from, *to;
    uint16_t ether_type;
    VirtioHeader header;
    uint64_t family;
  };
  const Case cases[] = {
      {"10.0.0.1", "10.0.0.2", ETHERTYPE_IP, {1, 1, 54, 1448, 34, 16}, RTE_MBUF_F_TX_IPV4},
      {"fd00::1", "fd00::2", ETHERTYPE_IPV6, {1, 4, 74, 1428, 54, 16}, RTE_MBUF_F_TX_IPV6},
  };
  for (const Case& c : cases) {
    const KernelEnd kernel(interface_.name, c.ether_type);
    const Bytes frame =
        test::Frame()
            .Ether(*MacAddress::Parse("02:00:00:00:00:02"), *MacAddress::Parse("02:00:00:00:00:01"))
            .Ip(c.from, c.to)
            .Tcp(1, 2, test::TcpFlags("A"), std::string(40'000, 'x'))
            .bytes();
    ASSERT_TRUE(kernel.Send(c.header, frame)) << c.from;
    rte_mbuf* mbuf = Receive(c.ether_type);
    ASSERT_NE(mbuf, nullptr) << c.from;
    EXPECT_EQ(test::Contents(*mbuf), frame) << c.from;
    EXPECT_EQ(mbuf->ol_flags & RTE_MBUF_F_RX_L4_CKSUM_MASK, RTE_MBUF_F_RX_L4_CKSUM_NONE);
    EXPECT_NE(mbuf->ol_flags & RTE_MBUF_F_RX_LRO, 0u);
    EXPECT_EQ(mbuf->tso_segsz, c.header.segment);

    mbuf->ol_flags = RTE_MBUF_F_TX_TCP_CKSUM | RTE_MBUF_F_TX_TCP_SEG | c.family;  // CheckOffloads
    mbuf->l2_len = RTE_ETHER_HDR_LEN;
    mbuf->l3_len = c.header.sum_start - RTE_ETHER_HDR_LEN;
    mbuf->l4_len = 20;
    ASSERT_EQ(port_->Send(&mbuf, 1), 1) << c.from;
    const auto received = kernel.Receive();
    EXPECT_EQ(received.frame, frame) << c.from;
    EXPECT_EQ(std::memcmp(&received.header, &c.header, sizeof(c.header)), 0) << c.from;
  }
}

TEST_F(TapPortTest, APortHoldsNoBufferAndIsWokenFromItsRest) {
  auto watch = TapWatch::Start();
  ASSERT_TRUE(watch.ok()) << watch.status();
  Open(watch->get());
  const KernelEnd kernel(interface_.name, kTestEtherType);
  for (int round = 0; round < 100; ++round) {
    LookInVain();
    ASSERT_EQ(pool_.in_use(), 0u) << round;
    ASSERT_TRUE(kernel.Send({}, Frame(46)));
    rte_mbuf* mbuf = Receive();
    ASSERT_NE(mbuf, nullptr) << round;
    rte_pktmbuf_free(mbuf);
  }
  port_.reset();  // before its watch
}

TEST_F(TapPortTest, WithoutBuffersFramesWait) {
  Open();
  const KernelEnd kernel(interface_.name, kTestEtherType);
  LookInVain();
  std::vector<rte_mbuf*> all(1023);
  ASSERT_EQ(rte_pktmbuf_alloc_bulk(pool_.get(), all.data(), all.size()), 0);
  ASSERT_TRUE(kernel.Send({}, Frame(46)));
  rte_mbuf* mbuf = nullptr;
  EXPECT_EQ(port_->Receive(&mbuf, 1), 0);
  rte_pktmbuf_free_bulk(all.data(), all.size());
  mbuf = Receive();
  ASSERT_NE(mbuf, nullptr);
  rte_pktmbuf_free(mbuf);
}

// Whoever could add a queue could change the length of the header before our frames.
TEST_F(TapPortTest, NobodyAddsAQueue) {
  Open();
  for (const int more : {0, IFF_MULTI_QUEUE}) {
    const int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
    ASSERT_GE(fd, 0);
    ifreq request{};
    interface_.name.copy(request.ifr_name, sizeof(request.ifr_name) - 1);
    request.ifr_flags = static_cast<short>(IFF_TAP | IFF_NO_PI | IFF_VNET_HDR | more);
    EXPECT_NE(ioctl(fd, TUNSETIFF, &request), 0);
    close(fd);
  }
}

// As DPDK's net_tap made it, for an earlier version.
TEST_F(TapPortTest, AnInterfaceWithSeveralQueuesThatStayedIsTaken) {
  const int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
  ASSERT_GE(fd, 0);
  ifreq request{};
  interface_.name.copy(request.ifr_name, sizeof(request.ifr_name) - 1);
  request.ifr_flags = static_cast<short>(IFF_TAP | IFF_NO_PI | IFF_MULTI_QUEUE);
  ASSERT_EQ(ioctl(fd, TUNSETIFF, &request), 0);
  ASSERT_EQ(ioctl(fd, TUNSETPERSIST, 1), 0);
  close(fd);
  Open();
  const KernelEnd kernel(interface_.name, kTestEtherType);
  ASSERT_TRUE(kernel.Send({}, Frame(46)));
  rte_mbuf* mbuf = Receive();
  ASSERT_NE(mbuf, nullptr);
  EXPECT_EQ(test::Contents(*mbuf), Frame(46));
  rte_pktmbuf_free(mbuf);
  port_.reset();
  ASSERT_EQ(std::system(("ip link delete " + interface_.name).c_str()), 0);
}

TEST_F(TapPortTest, AnInterfaceThatIsGoneBeforeItIsWatchedIsToldOnce) {
  auto watch = TapWatch::Start();
  ASSERT_TRUE(watch.ok()) << watch.status();
  const auto fd = OpenTap(interface_);
  ASSERT_TRUE(fd.ok()) << fd.status();
  ASSERT_EQ(std::system(("ip link delete " + interface_.name).c_str()), 0);
  std::atomic<bool> readable{false};
  const auto id = (*watch)->Watch(*fd, &readable);
  ASSERT_TRUE(id.ok()) << id.status();
  const auto wait = [&readable] {
    const auto until = steady_clock::now() + kPatience;
    while (!readable && steady_clock::now() < until) std::this_thread::yield();
    return readable.exchange(false);
  };
  EXPECT_TRUE(wait());
  timespec before{}, after{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &before);
  usleep(100'000);  // a thread that spins would need as much
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &after);
  EXPECT_LT((after.tv_sec - before.tv_sec) * 1'000'000'000 + after.tv_nsec - before.tv_nsec,
            50'000'000);
  (*watch)->Forget(*id, *fd);
  close(*fd);
}

TEST_F(TapPortTest, AnInterfaceThatIsDownOrGoneHasNoLink) {
  auto watch = TapWatch::Start();
  ASSERT_TRUE(watch.ok()) << watch.status();
  Open(watch->get());
  Ask(interface_.name, SIOCSIFFLAGS, 0);
  EXPECT_FALSE(port_->LinkUp());
  rte_mbuf* mbuf = test::MakeChain(pool_.get(), Frame(46));
  EXPECT_EQ(port_->Send(&mbuf, 1), 0);
  Ask(interface_.name, SIOCSIFFLAGS, IFF_UP);
  EXPECT_TRUE(port_->LinkUp());
  EXPECT_EQ(port_->Send(&mbuf, 1), 1);

  ASSERT_EQ(std::system(("ip link delete " + interface_.name).c_str()), 0);
  EXPECT_FALSE(port_->LinkUp());
  EXPECT_EQ(port_->Receive(&mbuf, 1), 0);
  mbuf = test::MakeChain(pool_.get(), Frame(46));
  EXPECT_EQ(port_->Send(&mbuf, 1), 0);
  rte_pktmbuf_free(mbuf);
  LookInVain();
  EXPECT_EQ(pool_.in_use(), 0u);
  port_.reset();  // before its watch
}

// The kernel refuses a frame that is no frame; the next is none the worse.
TEST_F(TapPortTest, ARefusedFrameStandsAlone) {
  Open();
  const KernelEnd kernel(interface_.name, kTestEtherType);
  rte_mbuf* mbufs[] = {test::MakeChain(pool_.get(), Frame(46)),
                       test::MakeChain(pool_.get(), Bytes(4)),
                       test::MakeChain(pool_.get(), Frame(47))};
  EXPECT_EQ(port_->Send(mbufs, 3), 1);
  Snapshot snapshot;
  snapshot.ports.resize(2);
  snapshot.ports[1].io = PortIo(port_.get());
  const auto tx_ports = std::make_unique<TxPorts>();
  const auto tally = std::make_unique<Tally>();
  Transmitter transmitter(0, tx_ports.get(), tally.get());
  for (rte_mbuf* mbuf : {mbufs[1], mbufs[2]}) transmitter.Enqueue(snapshot, 0, 1, mbuf);
  transmitter.Flush(snapshot);
  EXPECT_EQ(tally->ports[0].drops[static_cast<size_t>(DropReason::kTxFull)].Read(), 1u);
  EXPECT_EQ(kernel.Receive().frame, Frame(46));
  EXPECT_EQ(kernel.Receive().frame, Frame(47));
}

// DPDK's limit of ethdevs is not one of taps.
TEST_F(TapPortTest, TapsAreMoreThanEthdevs) {
  auto watch = TapWatch::Start();
  ASSERT_TRUE(watch.ok()) << watch.status();
  std::vector<PortDevice> devices;
  PortSpec spec;
  spec.kind = PortKind::kTap;
  for (unsigned i = 0; i < 2 * RTE_MAX_ETHPORTS; ++i) {
    spec.path = interface_.name + "-" + std::to_string(i);
    spec.name = spec.path;
    auto device = PortDevice::Open(spec, {.pool = pool_.get(), .taps = watch->get()});
    ASSERT_TRUE(device.ok()) << device.status();
    devices.push_back(*std::move(device));
  }
  EXPECT_EQ(rte_eth_dev_count_total(), 0);
  devices.clear();
}

}  // namespace
}  // namespace sluice::dataplane
