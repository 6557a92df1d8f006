// vhost ports and their peers, end to end: rings of both layouts, chains, queues, offloads, peers
// that come and go.
#include <gtest/gtest.h>
#include <rte_ethdev.h>
#include <rte_vhost.h>

#include <array>
#include <climits>
#include <memory>
#include <random>

#include "tests/support/seed.h"
#include "tests/support/virtio_peer.h"
#include "tests/support/wire.h"

namespace sluice::test {
namespace {

using dataplane::DropReason;
using dataplane::kOffloadChecksum;
using dataplane::kOffloadTcp4;
using dataplane::kOffloadTcp6;
using dataplane::kTcpAck;
using dataplane::kTcpSyn;

std::string Text(size_t size) {
  std::string text(size, '\0');
  for (size_t i = 0; i < size; ++i) text[i] = static_cast<char>(i * 7 + i / 251);
  return text;
}

struct Rings {
  bool packed;
  bool mergeable;
};

// A switch with pods on vhost ports, and the peers' own buffers.
class Vhost : public testing::TestWithParam<Rings> {
 protected:
  void Start(TestbedConfig config) {
    config.vhost = config.vhost.empty() ? config.pods : config.vhost;
    bed_ = std::make_unique<Testbed>(config);
  }
  void SetUp() override {
    static int next = 0;
    auto pool = dataplane::PacketPool::Create("peers" + std::to_string(next++), 8191);
    ASSERT_TRUE(pool.ok()) << pool.status();
    pool_ = *std::move(pool);
  }
  void TearDown() override {
    peers_.clear();
    bed_.reset();
    EXPECT_EQ(rte_mempool_in_use_count(pool_.get()), 0u) << "a peer's buffers";
  }

  VirtioPeer& Connect(char pod, VirtioPeerConfig config) {
    config.socket = bed_->Socket(pod);
    peers_[pod] = std::make_unique<VirtioPeer>(config, pool_.get());
    const unsigned queues = config.queues;
    EXPECT_TRUE(bed_->TurnUntil([&] { return bed_->Tx(pod).queues == queues; }));
    // The first frame through: the switch reads and writes the peer's rings.
    return *peers_[pod];
  }
  VirtioPeerConfig Plain() const {
    return {.packed = GetParam().packed, .mergeable = GetParam().mergeable};
  }
  VirtioPeerConfig Offloading() const {
    VirtioPeerConfig config = Plain();
    config.offloads = true;
    return config;
  }
  void Disconnect(char pod) {
    peers_.erase(pod);
    EXPECT_TRUE(bed_->TurnUntil([&] { return bed_->Tx(pod).takes == 0; }));
  }

  // Turns until `count` frames have arrived at `pod`; fewer if they do not.
  std::vector<Received> Await(char pod, size_t count) {
    std::vector<Received> all;
    bed_->TurnUntil([&] {
      for (Received& one : peers_[pod]->Receive()) all.push_back(std::move(one));
      return all.size() >= count;
    });
    return all;
  }
  // One frame from pod to pod; what arrived.
  std::vector<Received> Pass(char from, char to, const Bytes& frame, const Undone& undone = {},
                             size_t count = 1) {
    // A ring that was just set up may not be read yet.
    EXPECT_TRUE(bed_->TurnUntil([&] { return peers_[from]->Send(frame, undone); }));
    return Await(to, count);
  }
  void Open(char from, char to) {
    const auto tcp = [](char a, char b, uint16_t source, uint16_t destination, uint8_t flags,
                        uint16_t seq, uint16_t ack) {
      return Testbed::From(a, b)
          .Tcp(source, destination, flags)
          .Set16(14 + 20 + 6, seq)
          .Set16(14 + 20 + 10, ack)
          .bytes();
    };
    Pass(from, to, tcp(from, to, 1000, 80, kTcpSyn, 0, 0));
    Pass(to, from, tcp(to, from, 80, 1000, kTcpSyn | kTcpAck, 0, 1));
    Pass(from, to, tcp(from, to, 1000, 80, kTcpAck, 1, 1));
  }
  static Bytes Large(char from, char to, size_t size) {
    return Testbed::From(from, to)
        .Tcp(1000, 80, kTcpAck, Text(size))
        .Set16(14 + 20 + 6, 1)
        .Set16(14 + 20 + 10, 1)
        .bytes();
  }

  std::unique_ptr<Testbed> bed_;
  dataplane::PacketPool pool_;
  std::map<char, std::unique_ptr<VirtioPeer>> peers_;
};

std::string NameOf(const testing::TestParamInfo<Rings>& rings) {
  return std::string(rings.param.packed ? "Packed" : "Split") +
         (rings.param.mergeable ? "Mergeable" : "Plain");
}

INSTANTIATE_TEST_SUITE_P(Rings, Vhost,
                         testing::Values(Rings{false, false}, Rings{false, true},
                                         Rings{true, false}, Rings{true, true}),
                         NameOf);

TEST_P(Vhost, FramesPassUnchanged) {
  Start({.pods = "ab"});
  Connect('a', Plain());
  Connect('b', Plain());
  for (const size_t size : {1, 100, 1472}) {
    const Bytes frame = Testbed::From('a', 'b').Udp(7, 8, Text(size)).bytes();
    const auto got = Pass('a', 'b', frame);
    ASSERT_EQ(got.size(), 1u);
    EXPECT_EQ(got[0].frame, frame);
  }
}

TEST_P(Vhost, JumboFramesPassUnchanged) {
  if (!GetParam().mergeable) return;  // such a peer of DPDK's has buffers of 2 KiB, alone
  Start({.pods = "ab"});
  bed_->SetMtu('b', 9000);
  for (const char pod : {'a', 'b'}) {
    VirtioPeerConfig config = Plain();
    config.mtu = 9000;
    Connect(pod, config);
  }
  for (const size_t size : {2000, 4096, 8972}) {
    const Bytes frame = Testbed::From('a', 'b').Udp(7, 8, Text(size)).bytes();
    const auto got = Pass('a', 'b', frame);
    ASSERT_EQ(got.size(), 1u) << size;
    EXPECT_EQ(got[0].frame, frame);
    EXPECT_TRUE(Wire(got[0].frame).ChecksumsHold());
  }
  peers_['a']->Send(Testbed::From('a', 'b').Udp(7, 8, Text(8973)).bytes());
  EXPECT_TRUE(bed_->TurnUntil([&] { return bed_->Drops('a', DropReason::kTooBig) == 1; }));
}

TEST_P(Vhost, APeersOffloadsAreKnownWhileItIsThere) {
  Start({.pods = "ab"});
  EXPECT_EQ(bed_->Tx('b').takes, 0);
  Connect('b', Offloading());
  EXPECT_TRUE(bed_->TurnUntil([&] { return bed_->Tx('b').takes != 0; }));
  EXPECT_EQ(bed_->Tx('b').takes, kOffloadChecksum | kOffloadTcp4 | kOffloadTcp6);
  Disconnect('b');
  Connect('b', Plain());
  EXPECT_EQ(bed_->Tx('b').takes, 0);
}

TEST_P(Vhost, LargeFramesAreCarriedThroughBetweenPeersThatTakeThem) {
  if (!GetParam().mergeable) return;
  Start({.pods = "ab"});
  Connect('a', Offloading());
  Connect('b', Offloading());
  ASSERT_TRUE(bed_->TurnUntil([&] { return bed_->Tx('b').takes != 0; }));
  Open('a', 'b');
  const Bytes frame = Large('a', 'b', 30000);
  const auto got = Pass('a', 'b', frame, {.segment = 1400});
  ASSERT_EQ(got.size(), 1u);
  EXPECT_EQ(got[0].undone.segment, 1400);
  EXPECT_TRUE(got[0].undone.checksum);
  ASSERT_EQ(got[0].frame.size(), frame.size());
  EXPECT_EQ(Wire(got[0].frame).tcp_payload(), Wire(frame).tcp_payload());
}

TEST_P(Vhost, LargeFramesArriveInPiecesAtPeersThatDoNot) {
  Start({.pods = "abr", .vhost = "ab"});
  Connect('a', Offloading());
  Connect('b', Plain());
  Open('a', 'b');
  const Bytes frame = Large('a', 'b', 30000);
  const auto got = Pass('a', 'b', frame, {.segment = 1400}, 22);
  ASSERT_EQ(got.size(), 22u);
  Bytes joined;
  for (const Received& piece : got) {
    EXPECT_TRUE(Wire(piece.frame).ChecksumsHold());
    const Bytes payload = Wire(piece.frame).tcp_payload();
    joined.insert(joined.end(), payload.begin(), payload.end());
  }
  EXPECT_EQ(joined, Wire(frame).tcp_payload());
}

TEST_P(Vhost, PartialChecksumsAreCompletedForPeersThatDoNotTakeThem) {
  Start({.pods = "ab"});
  Connect('a', Offloading());
  Connect('b', Plain());
  for (const int family : {4, 6}) {
    const Frame start = family == 4 ? Testbed::From('a', 'b') : Testbed::From6('a', 'b');
    const Bytes frame = Frame(start).Udp(7, 8, Text(999)).bytes();
    const auto got = Pass('a', 'b', frame, {.checksum = true});
    ASSERT_EQ(got.size(), 1u);
    EXPECT_EQ(got[0].frame, frame) << "the sender's own checksum, computed again";
  }
}

TEST_P(Vhost, APeerThatCameBackIsServedByWhatItSaysNow) {
  if (!GetParam().mergeable) return;
  Start({.pods = "ab"});
  Connect('a', Offloading());
  Connect('b', Offloading());
  ASSERT_TRUE(bed_->TurnUntil([&] { return bed_->Tx('b').takes != 0; }));
  Open('a', 'b');
  for (int round = 0; round < 3; ++round) {
    Disconnect('b');
    Connect('b', Plain());
    auto got = Pass('a', 'b', Large('a', 'b', 2800), {.segment = 1400}, 2);
    ASSERT_EQ(got.size(), 2u);
    for (const Received& piece : got) EXPECT_TRUE(Wire(piece.frame).ChecksumsHold());
    Disconnect('b');
    Connect('b', Offloading());
    ASSERT_TRUE(bed_->TurnUntil([&] { return bed_->Tx('b').takes != 0; }));
    got = Pass('a', 'b', Large('a', 'b', 2800), {.segment = 1400});
    ASSERT_EQ(got.size(), 1u);
    EXPECT_EQ(got[0].undone.segment, 1400);
  }
}

// One whose buffers are too small for it must not cost those behind it their place.
// A restarted pod may be there before its predecessor is seen to be gone.
TEST_P(Vhost, TheNewestPeerOfASocketIsServed) {
  Start({.pods = "ab"});
  Connect('a', Plain());
  Connect('b', Plain());
  const Bytes frame = Testbed::From('a', 'b').Udp(7, 8).bytes();
  ASSERT_EQ(Pass('a', 'b', frame).size(), 1u);
  VirtioPeerConfig config = Plain();
  config.socket = bed_->Socket('b');
  auto newest = std::make_unique<VirtioPeer>(config, pool_.get());
  const auto arrives_at = [&](VirtioPeer& peer) {
    return bed_->TurnUntil([&] {
      peers_['a']->Send(frame);
      return !peer.Receive().empty();
    });
  };
  EXPECT_TRUE(arrives_at(*newest));
  peers_['b']->Receive();  // what was on its way
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(arrives_at(*newest));
  EXPECT_TRUE(peers_['b']->Receive().empty());
  newest.reset();
  EXPECT_TRUE(arrives_at(*peers_['b'])) << "the older one is still there";
}

TEST_P(Vhost, AFrameThatAPeerHasNoRoomForDoesNotHoldUpTheNext) {
  Start({.pods = "ab"});
  bed_->SetMtu('b', 9000);
  Connect('a', Plain());
  Connect('b', {.packed = GetParam().packed, .mergeable = false});
  Pass('a', 'b', Testbed::From('a', 'b').Udp(7, 8, "first").bytes());
  ASSERT_TRUE(peers_['a']->Send(Testbed::From('a', 'b').Udp(7, 8, Text(8000)).bytes()));
  const auto got = Pass('a', 'b', Testbed::From('a', 'b').Udp(7, 8, "second").bytes());
  ASSERT_EQ(got.size(), 1u);
  EXPECT_LT(got[0].frame.size(), 100u);
  EXPECT_EQ(bed_->Drops('a', DropReason::kTxFull), 1u);
}

TEST_P(Vhost, AllQueuesOfAPeerAreReadAndOnlyThoseItReadsAreWritten) {
  Start({.pods = "ab", .queues = 4});
  VirtioPeerConfig two = Plain();
  two.queues = 2;
  Connect('a', two);
  Connect('b', Plain());
  for (const uint16_t queue : {uint16_t{0}, uint16_t{1}}) {
    const Bytes frame = Testbed::From('a', 'b').Udp(queue, 8, Text(100)).bytes();
    EXPECT_TRUE(bed_->TurnUntil([&] { return peers_['a']->Send(frame, {}, queue); }));
    const auto got = Await('b', 1);
    ASSERT_EQ(got.size(), 1u) << "queue " << queue;
    EXPECT_EQ(got[0].frame, frame);
  }
  EXPECT_EQ(Pass('b', 'a', Testbed::From('b', 'a').Udp(7, 8, Text(100)).bytes()).size(), 1u);
}

// Whether the switch has told the peer at `socket` that it need not wake it for `ring`.
bool IsSilent(const std::string& socket, uint16_t ring, bool packed) {
  for (int peer = 0; peer < RTE_MAX_VHOST_DEVICE; ++peer) {
    std::array<char, PATH_MAX> path{};
    rte_vhost_vring vring{};
    if (rte_vhost_get_ifname(peer, path.data(), path.size()) != 0 || path.data() != socket ||
        rte_vhost_get_vhost_vring(peer, ring, &vring) != 0) {
      continue;
    }
    // virtio 1.2: 2.7.8, the used ring's flags; 2.8.14, behind the offset of the event's structure.
    const auto* words = packed ? reinterpret_cast<const uint16_t*>(vring.device_event) + 1
                               : reinterpret_cast<const uint16_t*>(vring.used);
    return *words == 1;
  }
  ADD_FAILURE() << "nobody is connected to " << socket;
  return false;
}

TEST_P(Vhost, APeerNeedNotWakeAWorkerThatPolls) {
  Start({.pods = "ab", .queues = 2});
  VirtioPeerConfig two = Plain();
  two.queues = 2;
  Connect('a', two);
  Connect('b', Plain());
  for (const uint16_t queue : {uint16_t{0}, uint16_t{1}}) {
    const Bytes frame = Testbed::From('a', 'b').Udp(queue, 8).bytes();
    EXPECT_TRUE(bed_->TurnUntil([&] { return peers_['a']->Send(frame, {}, queue); }));
    ASSERT_EQ(Await('b', 1).size(), 1u) << "queue " << queue;
  }
  for (const uint16_t ring : {uint16_t{0}, uint16_t{1}, uint16_t{2}, uint16_t{3}}) {
    EXPECT_TRUE(IsSilent(bed_->Socket('a'), ring, GetParam().packed)) << "ring " << ring;
  }
}

TEST_P(Vhost, EachWorkerWritesAQueueOfItsOwn) {
  Start({.pods = "abc", .workers = 2, .queues = 2});
  VirtioPeerConfig two = Plain();
  two.queues = 2;
  Connect('a', two);
  Connect('b', Plain());
  Connect('c', Plain());
  // Workers poll alternate ports: b's and c's frames come by different workers.
  for (const char pod : {'b', 'c'}) {
    ASSERT_TRUE(bed_->TurnUntil(
        [&] { return peers_[pod]->Send(Testbed::From(pod, 'a').Udp(7, 8, Text(50)).bytes()); }));
  }
  size_t first = 0, second = 0;
  bed_->TurnUntil([&] {
    first += peers_['a']->Receive(0).size();
    second += peers_['a']->Receive(1).size();
    return first + second == 2;
  });
  EXPECT_EQ(first, 1u);
  EXPECT_EQ(second, 1u);
}

// DPDK's virtio driver writes whatever it is told into the header that the switch reads.
TEST_P(Vhost, WhateverAPeerAsksForNoBufferIsLost) {
  std::mt19937 random(Seed());
  Start({.pods = "ab"});
  Connect('a', Offloading());
  Connect('b', GetParam().mergeable ? Offloading() : Plain());
  Open('a', 'b');
  for (int round = 0; round < 2000; ++round) {
    const size_t size = random() % 3 == 0 ? random() % 30000 : random() % 2500;
    Bytes frame = random() % 2 == 0 ? Large('a', 'b', size)
                                    : Testbed::From('a', 'b').Udp(7, 8, Text(size)).bytes();
    if (random() % 3 == 0) frame[12 + random() % 30] ^= static_cast<uint8_t>(random());
    peers_['a']->SendHostile(frame, random());
    bed_->Turn();
    peers_['b']->Receive();
  }
  // A flipped bit makes a fragment now and then: it waits for its datagram's first, and in vain.
  bed_->Advance(2 * dataplane::FragmentConfig().timeout_ms);
  bed_->TurnUntil([&] { return bed_->BuffersInUse() == 0; });
  EXPECT_EQ(bed_->BuffersInUse(), 0u);
  EXPECT_GT(bed_->Drops('a', DropReason::kOffloadMalformed), 0u);
}

}  // namespace
}  // namespace sluice::test
