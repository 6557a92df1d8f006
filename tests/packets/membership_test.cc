// Neighbour discovery, MLD and IGMP under default deny: they pass, held against spoofing, and are
// no way around policy; what only routers say does not come from pods.
#include <gtest/gtest.h>
#include <netinet/in.h>

#include <string>

#include "tests/support/cut.h"
#include "tests/support/testbed.h"

namespace sluice::test {
namespace {

using dataplane::DropReason;
using dataplane::MacAddress;

const MacAddress kGroup{{0x01, 0x00, 0x5e, 0, 0, 22}};
const MacAddress kGroup6{{0x33, 0x33, 0, 0, 0, 0x16}};
constexpr const char* kLinkLocalOfA = "fe80::ff:fe00:1";

void DenyAll(Testbed& bed) {
  bed.Apply({Isolate("a", "a", {"Ingress", "Egress"}), Isolate("b", "b", {"Ingress", "Egress"})});
}
Frame ToGroup6(const char* source) {
  return Frame().Ether(Testbed::Mac('a'), kGroup6).Ip(source, "ff02::16").HopLimit(1);
}
Frame ToGroup(const char* source) {
  return Frame().Ether(Testbed::Mac('a'), kGroup).Ip(source, "224.0.0.22").HopLimit(1);
}
std::string Igmp(uint8_t type, size_t size = 8) {
  std::string message(size, '\0');
  message[0] = static_cast<char>(type);
  return message;
}

struct Message {
  const char* what;
  uint8_t type;
  size_t body;  // after type, code, checksum
};
constexpr Message kMld[] = {
    {"query", 130, 20}, {"query, version 2", 130, 24}, {"report", 131, 20},
    {"done", 132, 20},  {"report, version 2", 143, 4}, {"report of two groups", 143, 44},
};

TEST(Membership, MldPassesUnderDefaultDeny) {
  Testbed bed;
  DenyAll(bed);
  for (const Message& message : kMld) {
    const std::string body(message.body, '\0');
    for (const char* source : {kLinkLocalOfA, "::"}) {
      EXPECT_EQ(bed.Deliver('a', ToGroup6(source).Icmp(message.type, 0, body).bytes()), "b")
          << message.what << " from " << source;
      EXPECT_EQ(bed.Deliver('a', ToGroup6(source)
                                     .Extension(IPPROTO_HOPOPTS)  // router alert
                                     .Icmp(message.type, 0, body)
                                     .bytes()),
                "b")
          << message.what << " from " << source;
    }
  }
  EXPECT_EQ(bed.connections(), 0u);
}

TEST(Membership, MldSpeaksOnlyForItself) {
  Testbed bed;
  DenyAll(bed);
  for (const Message& message : kMld) {
    const std::string body(message.body, '\0');
    for (const char* source : {"fe80::ff:fe00:2", "fd00::2"}) {
      EXPECT_EQ(bed.LastDrop('a', ToGroup6(source).Icmp(message.type, 0, body).bytes()),
                DropReason::kGuardNd)
          << message.what << " from " << source;
    }
    EXPECT_EQ(bed.LastDrop('a', Testbed::From6('a', 'b').Icmp(message.type, 0, body).bytes()),
              DropReason::kPolicyEgress)
        << message.what << " to one pod";
    if (message.body < 20 && message.type != 143) continue;
    EXPECT_EQ(bed.LastDrop('a', ToGroup6(kLinkLocalOfA).Icmp(message.type, 0, "\0\0\0").bytes()),
              DropReason::kIcmpMalformed)
        << message.what << " cut";
  }
}

TEST(Membership, IgmpPassesUnderDefaultDeny) {
  Testbed bed;
  DenyAll(bed);
  for (const uint8_t type : {0x11, 0x12, 0x16, 0x17, 0x22}) {
    EXPECT_EQ(bed.Deliver('a', ToGroup("10.0.0.1").Protocol(IPPROTO_IGMP, Igmp(type)).bytes()), "b")
        << int{type};
  }
  EXPECT_EQ(bed.connections(), 0u);
}

TEST(Membership, IgmpIsNoWayAroundPolicy) {
  Testbed bed;
  DenyAll(bed);
  const Bytes report = ToGroup("10.0.0.1").Protocol(IPPROTO_IGMP, Igmp(0x16, 64)).bytes();
  EXPECT_EQ(bed.LastDrop('a', ToGroup("10.0.0.2").Protocol(IPPROTO_IGMP, Igmp(0x16)).bytes()),
            DropReason::kGuardNd)
      << "another's address";
  EXPECT_EQ(bed.LastDrop('a', Testbed::From('a', 'b').Protocol(IPPROTO_IGMP, Igmp(0x16)).bytes()),
            DropReason::kPolicyEgress)
      << "to one pod";
  EXPECT_EQ(bed.LastDrop('a', ToGroup("10.0.0.1").Protocol(IPPROTO_IGMP, Igmp(0x99)).bytes()),
            DropReason::kPolicyEgress)
      << "of no known type";
  EXPECT_EQ(bed.LastDrop('a', ToGroup("10.0.0.1").Protocol(IPPROTO_IGMP, "\x16").bytes()),
            DropReason::kPolicyEgress)
      << "cut short";
  EXPECT_EQ(bed.LastDrop('a', Cut(report, 1, 32)[0]), DropReason::kPolicyEgress) << "in fragments";
}

TEST(Membership, RoutersDoNotLiveInPods) {
  for (const bool guard : {true, false}) {
    Testbed bed;
    if (!guard) bed.SetGuard('a', false);
    const std::string advertisement(12, '\0');
    const std::string redirect(36, '\0');
    for (const char* source : {kLinkLocalOfA, "fd00::1"}) {
      EXPECT_EQ(
          bed.LastDrop('a', ToGroup6(source).HopLimit(255).Icmp(134, 0, advertisement).bytes()),
          DropReason::kGuardRa);
      EXPECT_EQ(bed.LastDrop('a', ToGroup6(source)
                                      .HopLimit(255)
                                      .Extension(IPPROTO_DSTOPTS)
                                      .Icmp(134, 0, advertisement)
                                      .bytes()),
                DropReason::kGuardRa)
          << "behind an extension header";
      EXPECT_EQ(bed.LastDrop('a', ToGroup6(source).HopLimit(255).Icmp(137, 0, redirect).bytes()),
                DropReason::kGuardRa);
    }
    const Bytes whole =
        ToGroup6(kLinkLocalOfA).HopLimit(255).Icmp(134, 0, std::string(60, '\0')).bytes();
    for (const Slice& slice : {Slice{0, 32, true}, Slice{0, 64, false}}) {
      EXPECT_EQ(bed.LastDrop('a', CutOne(whole, 1, slice)), DropReason::kFragmentIcmp)
          << "fragments and atomic fragments (RFC 6980)";
    }
  }
}

}  // namespace
}  // namespace sluice::test
