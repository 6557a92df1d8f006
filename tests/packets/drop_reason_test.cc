// One fixture for each way a packet dies: {what, frame, reason}. A reason without a fixture fails.
#include <gtest/gtest.h>
#include <netinet/in.h>

#include <functional>
#include <set>

#include "tests/support/cut.h"
#include "tests/support/testbed.h"

namespace sluice::test {
namespace {

using dataplane::DropReason;
using dataplane::kTcpAck;
using dataplane::kTcpFin;
using dataplane::kTcpSyn;
using dataplane::MacAddress;

constexpr size_t kIp = 14;  // offset of the IP header
constexpr size_t kIp4End = kIp + 20;
constexpr size_t kIp6End = kIp + 40;

Frame AtoB() { return Testbed::From('a', 'b'); }
Frame AtoB6() { return Testbed::From6('a', 'b'); }
Frame Spoofed(const char* source) {
  return Frame().Ether(Testbed::Mac('a'), Testbed::Mac('b')).Ip(source, "10.0.0.2");
}
const MacAddress kBroadcast{{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};
const MacAddress kGroup{{0x33, 0x33, 0, 0, 0, 1}};
Frame Group6(const char* source) {
  return Frame().Ether(Testbed::Mac('a'), kGroup).Ip(source, "ff02::1");
}
// Body of an NS or NA after type, code and checksum: flags and target.
std::string Neighbour(const char* target) {
  const auto address = *acl::IpAddress::Parse(target);
  return std::string(4, '\0') + std::string(address.bytes.begin(), address.bytes.end());
}
std::string LinkLayerOption(const MacAddress& mac) {
  return std::string("\2\1", 2) + std::string(mac.bytes.begin(), mac.bytes.end());
}
Frame ManyExtensions(unsigned count) {
  Frame frame = AtoB6();
  for (unsigned i = 0; i < count; ++i) frame.Extension(IPPROTO_DSTOPTS);
  return frame;
}

struct Fixture {
  const char* what;
  Bytes frame;
  DropReason reason;
};

std::vector<Fixture> Malformed() {
  return {
      {"too short for Ethernet", AtoB().Udp(1, 2).Truncate(13).bytes(), DropReason::kTruncated},
      {"IPv4 header cut", AtoB().Udp(1, 2).Truncate(kIp + 19).bytes(), DropReason::kTruncated},
      {"IPv6 header cut", AtoB6().Udp(1, 2).Truncate(kIp + 39).bytes(), DropReason::kTruncated},
      {"ARP cut",
       Frame()
           .Ether(Testbed::Mac('a'), kBroadcast)
           .Arp(1, Testbed::Mac('a'), "10.0.0.1", "10.0.0.2")
           .Truncate(41)
           .bytes(),
       DropReason::kTruncated},
      {"VLAN tag",
       Frame()
           .Ether(Testbed::Mac('a'), Testbed::Mac('b'))
           .Vlan(5)
           .Ip("10.0.0.1", "10.0.0.2")
           .Udp(1, 2)
           .bytes(),
       DropReason::kVlanNotAllowed},
      {"QinQ tag", AtoB().Udp(1, 2).Set16(12, 0x88a8).bytes(), DropReason::kVlanNotAllowed},
      {"LLDP", AtoB().Udp(1, 2).Set16(12, 0x88cc).bytes(), DropReason::kEtherType},
      {"802.3 length", AtoB().Udp(1, 2).Set16(12, 46).bytes(), DropReason::kEtherType},
      {"multicast source MAC",
       Frame().Ether(kGroup, Testbed::Mac('b')).Ip("10.0.0.1", "10.0.0.2").Udp(1, 2).bytes(),
       DropReason::kEtherSource},
      {"zero source MAC",
       Frame().Ether({}, Testbed::Mac('b')).Ip("10.0.0.1", "10.0.0.2").Udp(1, 2).bytes(),
       DropReason::kEtherSource},
      {"ARP for Token Ring",
       Frame()
           .Ether(Testbed::Mac('a'), kBroadcast)
           .Arp(1, Testbed::Mac('a'), "10.0.0.1", "10.0.0.2")
           .Set16(14, 6)
           .bytes(),
       DropReason::kArpMalformed},
      {"RARP operation",
       Frame()
           .Ether(Testbed::Mac('a'), kBroadcast)
           .Arp(3, Testbed::Mac('a'), "10.0.0.1", "10.0.0.2")
           .bytes(),
       DropReason::kArpMalformed},
      {"RARP about another",
       Frame()
           .Ether(Testbed::Mac('a'), kBroadcast)
           .Rarp(Testbed::Mac('a'))
           .Set16(36, 0x0bad)
           .bytes(),
       DropReason::kArpMalformed},
      {"RARP with an address",
       Frame()
           .Ether(Testbed::Mac('a'), kBroadcast)
           .Rarp(Testbed::Mac('a'))
           .Set16(28, 0x0a00)
           .bytes(),
       DropReason::kArpMalformed},
      {"RARP reply",
       Frame().Ether(Testbed::Mac('a'), kBroadcast).Rarp(Testbed::Mac('a')).Set16(20, 4).bytes(),
       DropReason::kArpMalformed},
      {"RARP for another's MAC",
       Frame().Ether(Testbed::Mac('a'), kBroadcast).Rarp(Testbed::Mac('b')).bytes(),
       DropReason::kGuardArp},
      {"version 5 in an IPv4 frame", AtoB().Udp(1, 2).Set8(kIp, 0x55).bytes(),
       DropReason::kIpVersion},
      {"version 4 in an IPv6 frame", AtoB6().Udp(1, 2).Set8(kIp, 0x45).bytes(),
       DropReason::kIpVersion},
      {"IHL 4", AtoB().Udp(1, 2).Set8(kIp, 0x44).bytes(), DropReason::kIpHeaderLength},
      {"IHL beyond the frame", AtoB().Udp(1, 2).Set8(kIp, 0x4f).bytes(),
       DropReason::kIpHeaderLength},
      {"IPv4 total length beyond the frame", AtoB().Udp(1, 2).Set16(kIp + 2, 29).bytes(),
       DropReason::kIpTotalLength},
      {"IPv4 total length below the header", AtoB().Udp(1, 2).Set16(kIp + 2, 19).bytes(),
       DropReason::kIpTotalLength},
      {"IPv6 payload beyond the frame", AtoB6().Udp(1, 2).Set16(kIp + 4, 9).bytes(),
       DropReason::kIpTotalLength},
      {"multicast source", Spoofed("224.0.0.1").Udp(1, 2).bytes(), DropReason::kIpSource},
      {"broadcast source", Spoofed("255.255.255.255").Udp(1, 2).bytes(), DropReason::kIpSource},
      {"loopback source", Spoofed("127.0.0.1").Udp(1, 2).bytes(), DropReason::kIpSource},
      {"IPv6 loopback source",
       Frame().Ether(Testbed::Mac('a'), Testbed::Mac('b')).Ip("::1", "fd00::2").Udp(1, 2).bytes(),
       DropReason::kIpSource},
      {"nine extension headers", ManyExtensions(9).Udp(1, 2).bytes(), DropReason::kIpv6Extension},
      {"hop-by-hop that is not first",
       AtoB6().Extension(IPPROTO_DSTOPTS).Extension(IPPROTO_HOPOPTS).Udp(1, 2).bytes(),
       DropReason::kIpv6Extension},
      {"extension beyond the payload",
       AtoB6().Extension(IPPROTO_DSTOPTS).Udp(1, 2).Set8(kIp6End + 1, 200).bytes(),
       DropReason::kIpv6Extension},
      {"extension chain that points at itself until the end of the packet",
       AtoB6()
           .Extension(IPPROTO_DSTOPTS)
           .Extension(IPPROTO_DSTOPTS)
           .Protocol(IPPROTO_DSTOPTS, "")
           .bytes(),
       DropReason::kIpv6Extension},
      {"IPv4 option of length 1",
       AtoB().Udp(1, 2, "data").Set8(kIp, 0x46).Set16(kIp4End, 0x9401).bytes(),
       DropReason::kIpOptions},
      {"IPv4 loose source route",
       AtoB().Udp(1, 2, "data").Set8(kIp, 0x46).Set16(kIp4End, 0x8304).bytes(),
       DropReason::kIpSourceRoute},
      {"IPv6 routing header with a segment left",
       AtoB6().Extension(IPPROTO_ROUTING).Udp(1, 2).Set8(kIp6End + 3, 1).bytes(),
       DropReason::kIpSourceRoute},
      {"first fragment of 9 bytes", CutOne(AtoB().Udp(1, 2, "payload").bytes(), 1, {0, 9, true}),
       DropReason::kFragmentMalformed},
      {"first fragment that ends inside the TCP header",
       CutOne(AtoB6().Tcp(1, 2, kTcpSyn, "data").bytes(), 1, {0, 16, true}),
       DropReason::kFragmentTiny},
      {"fragmented neighbour discovery",
       CutOne(Group6("fd00::1").Neighbour(135, "fd00::2").bytes(), 1, {0, 24, false}),
       DropReason::kFragmentIcmp},
      {"TCP header cut by the IP length", AtoB().Tcp(1, 2, kTcpSyn).Set16(kIp + 2, 20 + 19).bytes(),
       DropReason::kTcpMalformed},
      {"TCP data offset 4", AtoB().Tcp(1, 2, kTcpSyn).Set8(kIp4End + 12, 0x40).bytes(),
       DropReason::kTcpMalformed},
      {"TCP data offset beyond the packet",
       AtoB().Tcp(1, 2, kTcpSyn).Set8(kIp4End + 12, 0x60).bytes(), DropReason::kTcpMalformed},
      {"TCP SYN+FIN", AtoB().Tcp(1, 2, kTcpSyn | kTcpFin).bytes(), DropReason::kTcpMalformed},
      {"TCP without flags", AtoB().Tcp(1, 2, 0).bytes(), DropReason::kTcpMalformed},
      {"UDP header cut by the IP length", AtoB().Udp(1, 2).Set16(kIp + 2, 27).bytes(),
       DropReason::kUdpMalformed},
      {"UDP length 7", AtoB().Udp(1, 2).Set16(kIp4End + 4, 7).bytes(), DropReason::kUdpMalformed},
      {"UDP length beyond the packet", AtoB().Udp(1, 2).Set16(kIp4End + 4, 9).bytes(),
       DropReason::kUdpMalformed},
      {"SCTP cut", AtoB().Protocol(IPPROTO_SCTP, "12345678901").bytes(),
       DropReason::kSctpMalformed},
      {"ICMP cut", AtoB().Protocol(IPPROTO_ICMP, "1234567").bytes(), DropReason::kIcmpMalformed},
      {"ICMPv6 in IPv4", AtoB().Protocol(IPPROTO_ICMPV6, "12345678").bytes(),
       DropReason::kIcmpMalformed},
      {"ICMP in IPv6", AtoB6().Protocol(IPPROTO_ICMP, "12345678").bytes(),
       DropReason::kIcmpMalformed},
      {"neighbour solicitation without target",
       Group6("fd00::1").HopLimit(255).Icmp(135, 0, std::string(19, '\0')).bytes(),
       DropReason::kIcmpMalformed},
  };
}

std::vector<Fixture> Guarded() {
  const MacAddress liar{{2, 0, 0, 0, 0, 0x77}};
  return {
      {"another's MAC",
       Frame().Ether(liar, Testbed::Mac('b')).Ip("10.0.0.1", "10.0.0.2").Udp(1, 2).bytes(),
       DropReason::kGuardMac},
      {"another's IPv4 address", Spoofed("10.0.0.9").Udp(1, 2).bytes(), DropReason::kGuardAddress},
      {"another's IPv6 address",
       Frame()
           .Ether(Testbed::Mac('a'), Testbed::Mac('b'))
           .Ip("fd00::9", "fd00::2")
           .Udp(1, 2)
           .bytes(),
       DropReason::kGuardAddress},
      {"no source address (DHCP)", Spoofed("0.0.0.0").Udp(68, 67).bytes(),
       DropReason::kGuardAddress},
      {"ARP for another's address",
       Frame()
           .Ether(Testbed::Mac('a'), kBroadcast)
           .Arp(2, Testbed::Mac('a'), "10.0.0.2", "10.0.0.2")
           .bytes(),
       DropReason::kGuardArp},
      {"ARP whose sender is not the frame's",
       Frame().Ether(Testbed::Mac('a'), kBroadcast).Arp(2, liar, "10.0.0.1", "10.0.0.2").bytes(),
       DropReason::kGuardArp},
      {"advertises another's address", Group6("fd00::1").Neighbour(136, "fd00::2").bytes(),
       DropReason::kGuardNd},
      {"solicits from another's address", Group6("fd00::2").Neighbour(135, "fd00::3").bytes(),
       DropReason::kGuardNd},
      {"neighbour discovery that crossed a router",
       Group6("fd00::1").Neighbour(135, "fd00::2").Set8(kIp + 7, 254).bytes(),
       DropReason::kGuardNd},
      {"another's link-local address", Group6("fe80::1").Neighbour(135, "fd00::2").bytes(),
       DropReason::kGuardNd},
      {"duplicate address detection for another's address",
       Group6("::").Neighbour(135, "fd00::2").bytes(), DropReason::kGuardNd},
      {"ARP probe for another's address",
       Frame()
           .Ether(Testbed::Mac('a'), kBroadcast)
           .Arp(1, Testbed::Mac('a'), "0.0.0.0", "10.0.0.2")
           .bytes(),
       DropReason::kGuardArp},
      {"advertises its address at another's MAC",
       Group6("fd00::1")
           .HopLimit(255)
           .Icmp(136, 0, Neighbour("fd00::1") + LinkLayerOption(Testbed::Mac('b')))
           .bytes(),
       DropReason::kGuardNd},
      {"neighbour option of length 0",
       Group6("fd00::1")
           .HopLimit(255)
           .Icmp(136, 0, Neighbour("fd00::1") + std::string("\1\0\0\0\0\0\0\0", 8))
           .bytes(),
       DropReason::kGuardNd},
      {"router advertisement",
       Group6("fe80::ff:fe00:1").HopLimit(255).Icmp(134, 0, std::string(12, '\0')).bytes(),
       DropReason::kGuardRa},
      {"redirect",
       Group6("fe80::ff:fe00:1").HopLimit(255).Icmp(137, 0, std::string(36, '\0')).bytes(),
       DropReason::kGuardRa},
  };
}

std::vector<Fixture> Switched() {
  const MacAddress nobody{{2, 0, 0, 0, 0, 0x55}};
  return {
      {"unknown destination without uplink",
       Frame().Ether(Testbed::Mac('a'), nobody).Ip("10.0.0.1", "10.0.0.2").Udp(1, 2).bytes(),
       DropReason::kNoRoute},
      {"to one pod's MAC with another address",
       Frame()
           .Ether(Testbed::Mac('a'), Testbed::Mac('b'))
           .Ip("10.0.0.1", "10.0.0.9")
           .Udp(1, 2)
           .bytes(),
       DropReason::kWrongDestination},
      {"unicast address to everybody",
       Frame().Ether(Testbed::Mac('a'), kBroadcast).Ip("10.0.0.1", "10.0.0.2").Udp(1, 2).bytes(),
       DropReason::kWrongDestination},
      {"TCP to a group",
       Frame().Ether(Testbed::Mac('a'), kGroup).Ip("fd00::1", "ff02::1").Tcp(1, 2, kTcpSyn).bytes(),
       DropReason::kWrongDestination},
      {"to itself",
       Frame()
           .Ether(Testbed::Mac('a'), Testbed::Mac('a'))
           .Ip("10.0.0.1", "10.0.0.1")
           .Udp(1, 2)
           .bytes(),
       DropReason::kHairpin},
      {"TCP out of nowhere", AtoB().Tcp(1, 2, kTcpAck).bytes(), DropReason::kTcpNotSyn},
      {"SYN+ACK out of nowhere", AtoB().Tcp(1, 2, kTcpSyn | kTcpAck).bytes(),
       DropReason::kTcpNotSyn},
      {"ICMP error about nothing",
       AtoB().Icmp(3, 3, std::string(4, '\0') + "\x45" + std::string(27, '\1')).bytes(),
       DropReason::kIcmpUnrelated},
      {"SCTP data out of nowhere", AtoB().Sctp(1, 2).Set8(kIp4End + 12, 0).bytes(),
       DropReason::kSctpNoInit},
      {"echo reply out of nowhere", AtoB().Echo(false, 3).bytes(), DropReason::kIcmpNoRequest},
  };
}

std::set<DropReason> Check(Testbed& bed, const std::vector<Fixture>& fixtures) {
  std::set<DropReason> seen;
  for (const Fixture& fixture : fixtures) {
    const DropReason reason = bed.LastDrop('a', fixture.frame);
    EXPECT_STREQ(DropReasonName(reason), DropReasonName(fixture.reason)) << fixture.what;
    seen.insert(reason);
  }
  return seen;
}

// Reasons that need more than one frame into a fresh switch.
std::set<DropReason> CheckStories() {
  std::set<DropReason> seen;
  auto expect = [&seen](Testbed& bed, char port, const Bytes& frame, DropReason reason) {
    EXPECT_STREQ(DropReasonName(bed.LastDrop(port, frame)), DropReasonName(reason));
    seen.insert(reason);
  };
  {
    Testbed bed;
    const Bytes frame = AtoB().Udp(1, 2, "payload").bytes();
    bed.SendSegments('a', frame, kIp4End + 4);
    bed.Turn();
    EXPECT_EQ(bed.Drops('a', DropReason::kHeaderSplit), 1u);
    bed.SendSegments('a', frame, kIp4End + 8);
    bed.Turn();
    EXPECT_EQ(bed.Received('b').size(), 1u) << "only the headers must be contiguous";
    seen.insert(DropReason::kHeaderSplit);
  }
  {
    Testbed bed({.pods = "abc"});
    bed.ForgetLabels('b');
    expect(bed, 'b', Testbed::From('b', 'a').Udp(1, 2).bytes(), DropReason::kPortShut);
    expect(bed, 'a', AtoB().Udp(1, 2).bytes(), DropReason::kReceiverShut);
    EXPECT_EQ(bed.Deliver('a', Frame()
                                   .Ether(Testbed::Mac('a'), kBroadcast)
                                   .Arp(1, Testbed::Mac('a'), "10.0.0.1", "10.0.0.2")
                                   .bytes()),
              "c")
        << "a shut port gets no flood either";
  }
  {
    Testbed bed({.pods = "a"});
    expect(bed, 'a',
           Frame()
               .Ether(Testbed::Mac('a'), kBroadcast)
               .Arp(1, Testbed::Mac('a'), "10.0.0.1", "10.0.0.2")
               .bytes(),
           DropReason::kNoReceiver);
  }
  {
    Testbed bed;
    bed.Apply({Isolate("in", "b", {"Ingress"}), Isolate("out", "a", {"Egress"})});
    expect(bed, 'a', AtoB().Udp(1, 2).bytes(), DropReason::kPolicyEgress);
    bed.Apply({Isolate("in", "b", {"Ingress"})});
    expect(bed, 'a', AtoB().Udp(1, 2).bytes(), DropReason::kPolicyIngress);
  }
  {
    Testbed bed;
    bed.Deliver('a', AtoB().Tcp(1, 2, kTcpSyn).bytes());
    expect(bed, 'a', AtoB().Tcp(1, 2, kTcpAck).bytes(), DropReason::kTcpState);
    expect(bed, 'b', Testbed::From('b', 'a').Seq(0, 7).Tcp(2, 1, kTcpSyn | kTcpAck).bytes(),
           DropReason::kTcpWindow);
  }
  {
    Testbed bed;
    bed.Deliver('a', AtoB().Sctp(1, 2).bytes());
    expect(bed, 'b', Testbed::From('b', 'a').Sctp(2, 1).Set8(kIp4End + 12, 0).bytes(),
           DropReason::kSctpState);
    expect(bed, 'a', AtoB().Sctp(1, 2).Set8(kIp4End + 4, 1).bytes(), DropReason::kSctpTag);
  }
  {
    Testbed bed({.blue_pods = "A", .uplink = true, .blue_vlan = 100});
    expect(bed, 'u',
           Frame()
               .Ether(Testbed::Mac('b'), Testbed::Mac('a'))
               .Vlan(101)
               .Ip("10.0.0.2", "10.0.0.1")
               .Udp(1, 2)
               .bytes(),
           DropReason::kVlanUnknown);
  }
  {
    Testbed bed;
    bed.SetDhcp(true);
    expect(bed, 'a', AtoB().Udp(67, 68).bytes(), DropReason::kGuardDhcp);
  }
  {
    Testbed bed({.blue_pods = "A", .uplink = true, .blue_vlan = 100});
    bed.Starve(1);  // for the frame itself: the tagged copy needs another
    expect(bed, 'A',
           Frame()
               .Ether(Testbed::Mac('A'), kBroadcast)
               .Arp(1, Testbed::Mac('A'), "10.0.0.1", "10.0.0.2")
               .bytes(),
           DropReason::kNoBuffers);
  }
  {
    Testbed bed({.pods = "ab", .connections = 16, .port_share = 100});
    for (uint16_t port = 1; port <= 16; ++port) bed.Deliver('a', AtoB().Udp(port, 9).bytes());
    expect(bed, 'a', AtoB().Udp(17, 9).bytes(), DropReason::kTableFull);
  }
  {
    Testbed bed({.pods = "ab", .connections = 16});
    for (uint16_t port = 1; port <= 8; ++port) {
      bed.Deliver('a', AtoB().Udp(port, 9).bytes());
      bed.Deliver('b', Testbed::From('b', 'a').Udp(9, port).bytes());
    }
    expect(bed, 'a', AtoB().Udp(9, 9).bytes(), DropReason::kPortShare);
  }
  {
    Testbed bed;
    const Bytes echo = AtoB().Echo(true, 1).bytes();
    bed.SendUndone('a', echo, {.checksum = true});
    bed.SendUndone('a', AtoB6().Udp(1, 2, std::string(3000, 'x')).bytes(), {.segment = 1000});
    bed.SendUndone('a', AtoB().Udp(1, 2, std::string(1473, 'x')).bytes(), {});
    bed.Turn();
    for (const DropReason reason :
         {DropReason::kOffloadMalformed, DropReason::kOffloadUnsupported, DropReason::kTooBig}) {
      EXPECT_EQ(bed.Drops('a', reason), 1u) << DropReasonName(reason);
      seen.insert(reason);
    }
  }
  {
    Testbed bed;  // the testbed has 1023 buffers for pieces, and nobody empties b's ring
    for (int i = 0; i < 5; ++i) {
      bed.SendUndone('a', AtoB().Udp(1, 2, std::string(50000, 'x')).bytes(), {.segment = 200});
    }
    bed.Turn();
    EXPECT_GT(bed.Drops('a', DropReason::kNoBuffers), 0u);
    seen.insert(DropReason::kNoBuffers);
  }
  {
    Testbed bed;  // nobody empties b's ring of 1024 slots
    for (unsigned i = 0; i < 1100; ++i) {
      bed.Send('a', AtoB().Udp(1, 2).bytes());
      bed.Turn();
    }
    EXPECT_EQ(bed.Drops('a', DropReason::kTxFull), 1100 - bed.Received('b').size());
    EXPECT_GT(bed.Drops('a', DropReason::kTxFull), 0u);
    seen.insert(DropReason::kTxFull);
  }
  {
    Testbed bed({.pods = "abm"});
    bed.MakeMirror('m', 0);
    bed.next().ports[bed.id('a')].mirrors.in = 1;
    bed.Publish();
    bed.Send('m', Testbed::From('m', 'b').Udp(1, 2).bytes());
    for (unsigned i = 0; i < 1100; ++i) {
      bed.Send('a', AtoB().Udp(1, 2).bytes());
      bed.Turn();
      bed.Received('b');
    }
    for (const DropReason reason : {DropReason::kMirrorInput, DropReason::kMirrorFull}) {
      EXPECT_GT(bed.Drops('m', reason), 0u) << DropReasonName(reason);
      seen.insert(reason);
    }
  }
  return seen;
}

// Reasons that need several fragments. What each rule means in full: fragment_test.cc.
std::set<DropReason> CheckFragmentStories() {
  std::set<DropReason> seen;
  auto expect = [&seen](Testbed& bed, const Slice& slice, DropReason reason) {
    const Bytes datagram = AtoB().Udp(1, 2, std::string(1000, 'x')).bytes();
    EXPECT_STREQ(DropReasonName(bed.LastDrop('a', CutOne(datagram, 1, slice))),
                 DropReasonName(reason));
    seen.insert(reason);
  };
  Testbed bed;
  expect(bed, {0, 256, true}, DropReason::kNone);
  expect(bed, {0, 256, true}, DropReason::kFragmentDuplicate);
  expect(bed, {248, 256, true}, DropReason::kFragmentOverlap);
  Testbed narrow({.fragments = {.held_segments = 0}});
  expect(narrow, {256, 256, true}, DropReason::kFragmentLimit);

  Testbed impatient({.fragments = {.timeout_ms = 1}});
  impatient.Send('a', CutOne(AtoB().Udp(1, 2, std::string(1000, 'x')).bytes(), 1, {256, 8, true}));
  impatient.Turn();
  impatient.Advance(1);
  impatient.Turn();
  EXPECT_EQ(impatient.Drops('a', DropReason::kFragmentTimeout), 1u);
  seen.insert(DropReason::kFragmentTimeout);
  return seen;
}

// Reasons of connections whose content decides. What each rule means in full: inspect_test.cc.
std::set<DropReason> CheckContentStories() {
  std::set<DropReason> seen;
  acl::SluicePolicy policy{.namespace_name = "default", .name = "look"};
  policy.policy_types = {"Egress"};
  acl::SluiceRule names, patterns;
  names.content.tls = acl::TlsMatch{{"good.test"}};
  names.match.ports = {{.port = 443}};
  patterns.content.patterns = {{"forbidden"}};
  policy.egress = {names, patterns};
  uint16_t source = 1;
  // A new connection on which a says each of these at its place; the last one dies.
  struct Said {
    uint32_t place;
    std::string text;
  };
  const auto expect = [&](Testbed& bed, uint16_t port, const std::vector<Said>& said,
                          DropReason reason) {
    ++source;
    const auto segment = [&](const Said& one) {
      return AtoB().Seq(1 + one.place, 1).Tcp(source, port, kTcpAck, one.text).bytes();
    };
    bed.Deliver('a', AtoB().Tcp(source, port, kTcpSyn).bytes());
    bed.Deliver('b', Testbed::From('b', 'a').Tcp(port, source, kTcpSyn | kTcpAck).bytes());
    const uint64_t before = bed.Drops('a', reason);
    for (const Said& one : said) {
      bed.Send('a', segment(one));
      bed.Turn();
    }
    bed.Advance(10'001);
    for (int i = 0; i < 40; ++i) bed.Turn();
    EXPECT_GT(bed.Drops('a', reason), before) << DropReasonName(reason);
    seen.insert(reason);
  };
  Testbed bed({.inspect = {.heads = {.small = 4, .large = 1}}});
  bed.ApplySluice({policy});
  expect(bed, 443, {{0, "\x16"}}, DropReason::kInspectTimeout);
  expect(bed, 443, {{0, "\x16\x03\x03\xff\xff"}}, DropReason::kInspectMalformed);
  expect(bed, 443, {{0, "\x16\x03"}, {0, "\x16\x02"}}, DropReason::kInspectOverlap);
  std::vector<Said> scattered;
  for (uint32_t i = 1; i < 12; ++i) scattered.push_back({10 * i, "x"});
  expect(bed, 443, scattered, DropReason::kInspectBound);
  expect(bed, 80, {{0, "is forbidden"}}, DropReason::kInspectPattern);
  // What is looked through keeps the one head that the port may have.
  bed.Deliver('a', AtoB().Tcp(1, 80, kTcpSyn).bytes());
  bed.Deliver('b', Testbed::From('b', 'a').Tcp(80, 1, kTcpSyn | kTcpAck).bytes());
  bed.Send('a', AtoB().Seq(1, 1).Tcp(1, 80, kTcpAck, "some").bytes());
  bed.Turn();
  expect(bed, 443, {{0, "\x16"}}, DropReason::kInspectFull);

  Testbed early;
  early.ApplySluice({policy});
  early.Deliver('a', AtoB().Tcp(1, 443, kTcpSyn).bytes());
  early.Deliver('b', Testbed::From('b', 'a').Tcp(443, 1, kTcpSyn | kTcpAck).bytes());
  const Bytes answer = Testbed::From('b', 'a').Seq(1, 1).Tcp(443, 1, kTcpAck, "first").bytes();
  EXPECT_EQ(early.LastDrop('b', answer), DropReason::kInspectEarly);
  const Bytes first = CutOne(AtoB().Seq(1, 1).Tcp(1, 443, kTcpAck, std::string(100, 'x')).bytes(),
                             1, {0, 64, true});
  early.Send('a', first);
  early.Turn();
  EXPECT_EQ(early.Drops('a', DropReason::kInspectFragment), 1u);

  Testbed late;
  late.Deliver('a', AtoB().Tcp(1, 443, kTcpSyn).bytes());
  late.Deliver('b', Testbed::From('b', 'a').Tcp(443, 1, kTcpSyn | kTcpAck).bytes());
  const Bytes data = AtoB().Seq(1, 1).Tcp(1, 443, kTcpAck, "x").bytes();
  late.Deliver('a', data);
  late.ApplySluice({policy});
  EXPECT_EQ(late.LastDrop('a', data), DropReason::kInspectLate);
  seen.insert({DropReason::kInspectEarly, DropReason::kInspectFragment, DropReason::kInspectLate});
  return seen;
}

TEST(DropReason, EachHasAPacketThatDiesOfIt) {
  Testbed bed({.pods = "ab"});
  std::set<DropReason> seen = {DropReason::kNone};
  seen.merge(Check(bed, Malformed()));
  seen.merge(Check(bed, Guarded()));
  seen.merge(Check(bed, Switched()));
  seen.merge(CheckStories());
  seen.merge(CheckFragmentStories());
  seen.merge(CheckContentStories());
  for (size_t i = 0; i < dataplane::kDropReasonCount; ++i) {
    EXPECT_TRUE(seen.contains(static_cast<DropReason>(i)))
        << "no fixture for " << DropReasonName(static_cast<DropReason>(i));
  }
}

TEST(DropReason, WellFormedNeighboursOfTheFixturesPass) {
  Testbed bed({.pods = "ab"});
  const std::pair<const char*, Bytes> good[] = {
      {"eight extension headers", ManyExtensions(8).Udp(1, 2).bytes()},
      {"hop-by-hop first",
       AtoB6().Extension(IPPROTO_HOPOPTS).Extension(IPPROTO_DSTOPTS).Udp(1, 2).bytes()},
      {"Ethernet padding", AtoB().Udp(1, 2).Truncate(60).bytes()},
      {"ARP request", Frame()
                          .Ether(Testbed::Mac('a'), kBroadcast)
                          .Arp(1, Testbed::Mac('a'), "10.0.0.1", "10.0.0.2")
                          .bytes()},
      {"ARP probe", Frame()
                        .Ether(Testbed::Mac('a'), kBroadcast)
                        .Arp(1, Testbed::Mac('a'), "0.0.0.0", "10.0.0.1")
                        .bytes()},
      {"solicitation from the link-local address",
       Group6("fe80::ff:fe00:1").Neighbour(135, "fd00::2").bytes()},
      {"advertisement with its own MAC",
       Group6("fd00::1")
           .HopLimit(255)
           .Icmp(136, 0, Neighbour("fd00::1") + LinkLayerOption(Testbed::Mac('a')))
           .bytes()},
      {"duplicate address detection", Group6("::").Neighbour(135, "fd00::1").bytes()},
      {"MLD report to a group",
       Group6("fe80::ff:fe00:1").Icmp(143, 0, std::string(4, '\0')).bytes()},
      {"don't fragment", AtoB().Udp(1, 2).Set16(kIp + 6, 0x4000).bytes()},
  };
  for (const auto& [what, frame] : good) EXPECT_EQ(bed.Deliver('a', frame), "b") << what;
}

}  // namespace
}  // namespace sluice::test
