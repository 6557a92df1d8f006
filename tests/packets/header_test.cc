// IPv6 extension headers and IPv4 options: every chain leads to the ports that policy is about, or
// the packet dies; what has no ports is judged by number.
#include <gtest/gtest.h>
#include <netinet/in.h>

#include <string>

#include "tests/support/cut.h"
#include "tests/support/testbed.h"

namespace sluice::test {
namespace {

using dataplane::DropReason;

constexpr size_t kIp = 14;
constexpr uint8_t kEsp = 50, kMobility = 135, kHip = 139, kShim6 = 140, kExperiment = 253;

Frame V6() { return Testbed::From6('a', 'b'); }

acl::NetworkPolicy OnlyUdp53() {
  acl::NetworkPolicy policy = Isolate("dns", "b", {"Ingress"});
  policy.ingress = {Admit("", "UDP", 53)};
  return policy;
}

// A UDP datagram to `port` behind headers that are given as bytes; `next`: the type of the first.
Bytes Behind(uint8_t next, const std::string& headers, uint16_t port) {
  const Bytes udp = V6().Udp(1, port, "data").bytes();
  std::string payload = headers;
  payload.append(udp.begin() + kIp + 40, udp.end());
  return V6().Protocol(next, payload).bytes();
}

std::string Header(uint8_t next, uint8_t length, size_t bytes) {
  std::string header(bytes, '\0');
  header[0] = static_cast<char>(next);
  header[1] = static_cast<char>(length);
  return header;
}

TEST(Extension, ChainsLeadToThePorts) {
  Testbed bed;
  bed.Apply({OnlyUdp53()});
  for (const uint16_t port : {53, 80}) {
    const std::pair<const char*, Bytes> chains[] = {
        {"hop-by-hop", V6().Extension(IPPROTO_HOPOPTS).Udp(1, port).bytes()},
        {"destination options", V6().Extension(IPPROTO_DSTOPTS, 5).Udp(1, port).bytes()},
        {"routing, nothing left", V6().Extension(IPPROTO_ROUTING, 3).Udp(1, port).bytes()},
        {"authentication, in units of 4", Behind(IPPROTO_AH, Header(IPPROTO_UDP, 4, 24), port)},
        {"authentication of 12 bytes", Behind(IPPROTO_AH, Header(IPPROTO_UDP, 1, 12), port)},
        {"atomic fragment", CutOne(V6().Udp(1, port).bytes(), 1, {0, 8, false})},
        {"as RFC 8200 orders them", V6().Extension(IPPROTO_HOPOPTS)
                                        .Extension(IPPROTO_DSTOPTS)
                                        .Extension(IPPROTO_ROUTING)
                                        .Extension(IPPROTO_DSTOPTS)
                                        .Udp(1, port)
                                        .bytes()},
        {"one of 1,024 bytes", Behind(IPPROTO_DSTOPTS, Header(IPPROTO_UDP, 127, 1024), port)},
    };
    for (const auto& [what, frame] : chains) {
      EXPECT_EQ(bed.Deliver('a', frame), port == 53 ? "b" : "") << what << " to " << port;
    }
  }
  EXPECT_EQ(bed.Drops('a'), bed.Drops('a', DropReason::kPolicyIngress));
}

TEST(Extension, ChainsThatLeadNowhereDie) {
  Testbed bed;
  const std::string one = Header(IPPROTO_DSTOPTS, 0, 8);
  std::string nine;
  for (int i = 0; i < 9; ++i) nine += one;
  const std::pair<const char*, Bytes> chains[] = {
      {"hop-by-hop in second place",
       V6().Extension(IPPROTO_DSTOPTS).Extension(IPPROTO_HOPOPTS).Udp(1, 53).bytes()},
      {"hop-by-hop twice",
       V6().Extension(IPPROTO_HOPOPTS).Extension(IPPROTO_HOPOPTS).Udp(1, 53).bytes()},
      {"hop-by-hop behind a fragment header",
       CutOne(V6().Extension(IPPROTO_HOPOPTS).Udp(1, 53).bytes(), 1, {0, 16, false})},
      {"nine", Behind(IPPROTO_DSTOPTS, nine, 53)},
      {"ends beyond the packet", Behind(IPPROTO_DSTOPTS, Header(IPPROTO_UDP, 200, 8), 53)},
      {"ends with the packet", V6().Protocol(IPPROTO_DSTOPTS, one).bytes()},
      {"ends in the padding", V6().Protocol(IPPROTO_DSTOPTS, one).Truncate(kIp + 40 + 60).bytes()},
      {"cut after two bytes", V6().Protocol(IPPROTO_DSTOPTS, "\x11\0").bytes()},
      {"authentication beyond the packet", Behind(IPPROTO_AH, Header(IPPROTO_UDP, 90, 24), 53)},
      {"nothing after the IPv6 header", V6().Protocol(IPPROTO_HOPOPTS, "").bytes()},
      {"jumbogram",
       V6().Protocol(IPPROTO_HOPOPTS, std::string("\x11\0\xc2\4\0\1\0\0", 8) + "12345678")
           .Set16(kIp + 4, 0)
           .bytes()},
      {"fragment header beyond the packet", V6().Protocol(IPPROTO_FRAGMENT, "\x11").bytes()},
  };
  for (const auto& [what, frame] : chains) {
    const DropReason reason = bed.LastDrop('a', frame);
    const bool truncated = reason == DropReason::kTruncated;
    EXPECT_TRUE(truncated || reason == DropReason::kIpv6Extension)
        << what << ": " << DropReasonName(reason);
  }
}

// Policy was asked about the destination address, not about where the packet goes from there.
TEST(Extension, ARouteToElsewhereIsRefused) {
  Testbed bed;
  for (const uint8_t type : {0, 2, 3, 4, 253}) {
    std::string routing = Header(IPPROTO_UDP, 2, 24);
    routing[2] = static_cast<char>(type);
    routing[3] = 1;
    EXPECT_EQ(bed.LastDrop('a', Behind(IPPROTO_ROUTING, routing, 53)), DropReason::kIpSourceRoute)
        << "type " << int{type};
    routing[3] = 0;
    EXPECT_EQ(bed.Deliver('a', Behind(IPPROTO_ROUTING, routing, 53)), "b") << "it has arrived";
  }
}

// Headers that nobody can look behind, or that are none: no rule with a port admits them.
TEST(Extension, WhatEndsTheChainIsJudgedByNumber) {
  for (const uint8_t protocol :
       {uint8_t{IPPROTO_NONE}, kEsp, kMobility, kHip, kShim6, kExperiment, uint8_t{200}}) {
    Testbed bed;
    const Bytes plain = V6().Protocol(protocol, Header(IPPROTO_UDP, 0, 16)).bytes();
    const Bytes behind =
        V6().Extension(IPPROTO_DSTOPTS).Protocol(protocol, Header(IPPROTO_UDP, 0, 16)).bytes();
    EXPECT_EQ(bed.Deliver('a', plain), "b") << int{protocol};
    EXPECT_EQ(bed.Deliver('a', behind), "b") << int{protocol};
    bed.Apply({OnlyUdp53()});
    EXPECT_EQ(bed.LastDrop('a', plain), DropReason::kPolicyIngress) << int{protocol};
    EXPECT_EQ(bed.LastDrop('a', behind), DropReason::kPolicyIngress) << int{protocol};
  }
}

// A UDP packet whose IPv4 header has `options`, padded with zeros.
Bytes WithOptions(std::string options, uint16_t port = 53) {
  options.resize((options.size() + 3) / 4 * 4);
  Bytes frame = Testbed::From('a', 'b').Udp(1, port, "data").bytes();
  frame[kIp] = static_cast<uint8_t>(0x45 + options.size() / 4);
  const size_t total = frame.size() - kIp + options.size();
  frame[kIp + 2] = static_cast<uint8_t>(total >> 8);
  frame[kIp + 3] = static_cast<uint8_t>(total);
  frame.insert(frame.begin() + kIp + 20, options.begin(), options.end());
  return frame;
}

TEST(Options, ThatSayNothingOfTheWayPass) {
  Testbed bed;
  bed.Apply({OnlyUdp53()});
  for (const std::string& options :
       {std::string("\x94\4\0\0", 4), std::string("\1\1\1\0", 4), std::string("\0\x83\7\4", 4),
        std::string("\x44\4\5\0", 4), std::string("\7\7\4\0\0\0\0\0", 8), std::string(40, '\1')}) {
    EXPECT_EQ(bed.Deliver('a', WithOptions(options)), "b");
    EXPECT_EQ(bed.LastDrop('a', WithOptions(options, 80)), DropReason::kPolicyIngress);
  }
}

TEST(Options, SourceRoutesAreRefused) {
  Testbed bed;
  for (const char type : {'\x83', '\x89'}) {
    const std::string route = std::string(1, type) + std::string("\7\4\n\0\0\3", 6);
    EXPECT_EQ(bed.LastDrop('a', WithOptions(route)), DropReason::kIpSourceRoute);
    EXPECT_EQ(bed.LastDrop('a', WithOptions("\1\1" + route)), DropReason::kIpSourceRoute);
    EXPECT_EQ(bed.LastDrop('a', WithOptions(std::string("\x94\4\0\0", 4) + route)),
              DropReason::kIpSourceRoute);
    EXPECT_EQ(bed.LastDrop('a', WithOptions(std::string("\1\1\1") + type)),
              DropReason::kIpSourceRoute)
        << "however short";
  }
}

TEST(Options, ThatDoNotEndWithTheHeaderDie) {
  Testbed bed;
  for (const std::string& options :
       {std::string("\x94\0\0\0", 4), std::string("\x94\1\0\0", 4), std::string("\x94\5\0\0", 4),
        std::string("\1\1\1\x94", 4), std::string("\x44\x28\5\0", 4)}) {
    EXPECT_EQ(bed.LastDrop('a', WithOptions(options)), DropReason::kIpOptions);
  }
}

}  // namespace
}  // namespace sluice::test
