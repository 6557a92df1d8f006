// Mirrors: their peers get copies of what they are to see, and nobody else feels it.
#include <gtest/gtest.h>

#include "dataplane/capture.h"
#include "tests/support/testbed.h"

namespace sluice::test {
namespace {

using dataplane::DropReason;
using dataplane::kTcpSyn;
using dataplane::PortMirrors;

// Pods, of which 'm' (and 'n') are mirrors; who is mirrored to 'm' is for Mirror to say.
class MirrorBed : public Testbed {
 public:
  explicit MirrorBed(TestbedConfig config = {.pods = "abcm"}) : Testbed(config) {}

  // From the next turn on. Bit 0 is 'm', bit 1 'n'.
  void Mirror(const std::map<char, PortMirrors>& mirrored) {
    MakeMirror('m', 0);
    if (Has('n')) MakeMirror('n', 1);
    for (const auto& [pod, mirrors] : mirrored) next().ports[id(pod)].mirrors = mirrors;
    Publish();
  }
  std::vector<Bytes> Seen(char mirror = 'm') { return Received(mirror); }
  // What comes out of `to` after one frame.
  size_t Pass(char from, char to, const Bytes& frame) {
    Send(from, frame);
    Turn();
    return Received(to).size();
  }
};

Bytes Udp(char from, char to) { return Testbed::From(from, to).Udp(5, 53, "what?").bytes(); }
Bytes Multicast(char from) {
  return Frame()
      .Ether(Testbed::Mac(from), {{1, 0, 0x5e, 0, 0, 5}})
      .Ip(Testbed::V4(from), "224.0.0.5")
      .Udp(5, 5)
      .bytes();
}

TEST(Mirror, SeesWhatEntersByAPortAndIsSentOn) {
  MirrorBed bed;
  bed.Mirror({{'a', {.in = 1}}});
  EXPECT_EQ(bed.Pass('a', 'b', Udp('a', 'b')), 1u);
  EXPECT_EQ(bed.Seen(), std::vector<Bytes>{Udp('a', 'b')});
  EXPECT_EQ(bed.Pass('b', 'a', Udp('b', 'a')), 1u);
  EXPECT_TRUE(bed.Seen().empty()) << "the other direction";
}

TEST(Mirror, SeesWhatLeavesByAPort) {
  MirrorBed bed;
  bed.Mirror({{'b', {.out = 1}}});
  EXPECT_EQ(bed.Pass('a', 'b', Udp('a', 'b')), 1u);
  EXPECT_EQ(bed.Seen(), std::vector<Bytes>{Udp('a', 'b')});
  EXPECT_EQ(bed.Pass('a', 'c', Udp('a', 'c')), 1u);
  EXPECT_TRUE(bed.Seen().empty());
}

TEST(Mirror, APacketBetweenTwoMirroredPortsIsSeenOnce) {
  MirrorBed bed;
  bed.Mirror({{'a', {.in = 1, .out = 1}}, {'b', {.in = 1, .out = 1}}});
  EXPECT_EQ(bed.Pass('a', 'b', Udp('a', 'b')), 1u);
  EXPECT_EQ(bed.Seen().size(), 1u);
}

TEST(Mirror, EachMirrorHasItsOwnPorts) {
  MirrorBed bed({.pods = "abcmn"});
  bed.Mirror({{'a', {.in = 3}}, {'c', {.in = 2}}});
  bed.Pass('a', 'b', Udp('a', 'b'));
  bed.Pass('c', 'b', Udp('c', 'b'));
  EXPECT_EQ(bed.Seen('m').size(), 1u);
  EXPECT_EQ(bed.Seen('n').size(), 2u);
}

TEST(Mirror, WhatDiesIsSeenOnlyIfAskedFor) {
  MirrorBed bed;
  bed.Apply({Isolate("deny", "b", {"Ingress"})});
  bed.Mirror({{'a', {.in = 1, .out = 1}}, {'b', {.in = 1, .out = 1}}});
  EXPECT_EQ(bed.Pass('a', 'b', Udp('a', 'b')), 0u);
  EXPECT_TRUE(bed.Seen().empty());

  bed.Apply({Isolate("deny", "b", {"Ingress"})});
  bed.Mirror({{'a', {.dead = 1}}});
  EXPECT_EQ(bed.Pass('a', 'b', Udp('a', 'b')), 0u);
  EXPECT_EQ(bed.Seen(), std::vector<Bytes>{Udp('a', 'b')});
  EXPECT_EQ(bed.Pass('a', 'c', Udp('a', 'c')), 1u);
  EXPECT_TRUE(bed.Seen().empty()) << "it lives";
}

TEST(Mirror, ARejectedPacketIsSeenAsItCame) {
  MirrorBed bed;
  bed.Apply({Isolate("shut", "b", {"Ingress"})});
  bed.Reject("shut");
  bed.Mirror({{'a', {.dead = 1}}});
  const Bytes syn = Testbed::From('a', 'b').Tcp(1000, 80, kTcpSyn).bytes();
  EXPECT_EQ(bed.Pass('a', 'a', syn), 1u) << "the answer";
  EXPECT_EQ(bed.Seen(), std::vector<Bytes>{syn});
}

TEST(Mirror, AMulticastIsSeenOnceIfAMirroredPortGotIt) {
  MirrorBed bed;
  bed.Apply({Isolate("deny", "c", {"Ingress"})});
  bed.Mirror({{'b', {.out = 1}}, {'c', {.out = 1}}});
  EXPECT_EQ(bed.Pass('a', 'b', Multicast('a')), 1u);
  EXPECT_EQ(bed.Seen(), std::vector<Bytes>{Multicast('a')});
  bed.Received('c');

  bed.Apply({Isolate("deny", "c", {"Ingress"})});
  bed.Mirror({{'c', {.out = 1}}});
  EXPECT_EQ(bed.Pass('a', 'b', Multicast('a')), 1u);
  EXPECT_TRUE(bed.Seen().empty()) << "c did not get it";
}

TEST(Mirror, WhatItsPeerSendsDies) {
  MirrorBed bed;
  bed.Mirror({{'b', {.in = 1, .out = 1, .dead = 1}}});
  for (const Bytes& frame : {Udp('m', 'b'), Udp('b', 'a'), Multicast('m')}) {
    EXPECT_EQ(bed.Pass('m', 'b', frame), 0u);
  }
  EXPECT_EQ(bed.Drops('m', DropReason::kMirrorInput), 3u);
  EXPECT_EQ(bed.Drops('m'), 3u);
  EXPECT_TRUE(bed.Received('a').empty());
  EXPECT_TRUE(bed.Seen().empty());
  EXPECT_EQ(bed.connections(), 0u);
}

TEST(Mirror, NothingIsSentToItAsToAPort) {
  MirrorBed bed;
  bed.Mirror({});
  EXPECT_EQ(bed.Pass('a', 'm', Udp('a', 'm')), 0u);
  EXPECT_EQ(bed.Drops('a', DropReason::kNoRoute), 1u);
  EXPECT_EQ(bed.Pass('a', 'm', Multicast('a')), 0u);
}

TEST(Mirror, AFullOneLosesCopiesAndNoPacket) {
  MirrorBed bed;
  bed.Mirror({{'a', {.in = 1}}});
  size_t delivered = 0;
  for (unsigned i = 0; i < 1100; ++i) delivered += bed.Pass('a', 'b', Udp('a', 'b'));
  EXPECT_EQ(delivered, 1100u);
  EXPECT_EQ(bed.Drops('a'), 0u);
  const uint64_t lost = bed.Drops('m', DropReason::kMirrorFull);
  EXPECT_GT(lost, 0u);
  EXPECT_EQ(bed.Seen().size() + lost, 1100u);
  EXPECT_EQ(bed.Drops('m'), lost);
}

TEST(Mirror, ACaptureHasPacketsAndNotTheirCopies) {
  MirrorBed bed;
  dataplane::Capture capture({.ring_bytes = 1 << 20}, 1);
  bed.ShowTo(&capture);
  bed.Mirror({{'a', {.in = 1}}});
  for (unsigned i = 0; i < 1100; ++i) bed.Pass('a', 'b', Udp('a', 'b'));
  bed.ShowTo(nullptr);
  EXPECT_GT(bed.Drops('m', DropReason::kMirrorFull), 0u);
  unsigned packets = 0;
  capture.Drain([&](uint64_t, const dataplane::CapturedPacket& packet, std::span<const uint8_t>) {
    EXPECT_EQ(packet.drop, DropReason::kNone);
    ++packets;
  });
  EXPECT_EQ(packets, 1100u);
}

TEST(Mirror, WhatDoesNotFitItsMtuIsCountedAtIt) {
  MirrorBed bed;
  bed.SetMtu('m', 100);
  bed.Mirror({{'a', {.in = 1}}});
  const Bytes large = Testbed::From('a', 'b').Udp(5, 53, std::string(500, 'x')).bytes();
  EXPECT_EQ(bed.Pass('a', 'b', large), 1u);
  EXPECT_TRUE(bed.Seen().empty());
  EXPECT_EQ(bed.Drops('m', DropReason::kTooBig), 1u);
}

}  // namespace
}  // namespace sluice::test
