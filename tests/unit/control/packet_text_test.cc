// Packets as people write them.
#include "control/packet_text.h"

#include <gtest/gtest.h>

namespace sluice::control {
namespace {

PacketText Must(const std::string& text) {
  auto packet = ParsePacketText(text);
  EXPECT_TRUE(packet.ok()) << packet.status();
  return packet.ok() ? *packet : PacketText();
}

TEST(PacketText, AProtocolTwoEndsAndFlags) {
  const PacketText packet = Must("tcp 10.0.0.1:1234 > default/web:80 syn ack seq 7 ackno 8 ttl 3");
  EXPECT_EQ(packet.protocol, 6);
  EXPECT_EQ(packet.from.host, "10.0.0.1");
  EXPECT_EQ(packet.from.port, 1234);
  EXPECT_EQ(packet.to.host, "default/web");
  EXPECT_EQ(packet.to.port, 80);
  EXPECT_EQ(packet.tcp_flags, 0x12);
  EXPECT_EQ(packet.seq, 7u);
  EXPECT_EQ(packet.ackno, 8u);
  EXPECT_EQ(packet.ttl, 3);
}

TEST(PacketText, TcpWithoutFlagsIsASyn) {
  EXPECT_EQ(Must("tcp 10.0.0.1:1 > 10.0.0.2:2").tcp_flags, 0x02);
}

TEST(PacketText, Ipv6EndsHaveBracketsWhereAPortFollows) {
  const PacketText udp = Must("udp [fd00::1]:53 > [fd00::2]:54 len 100");
  EXPECT_EQ(udp.from.host, "fd00::1");
  EXPECT_EQ(udp.from.port, 53);
  EXPECT_EQ(udp.length, 100);
  EXPECT_EQ(Must("icmp fd00::1 > fd00::2 reply id 9").to.host, "fd00::2");
  EXPECT_TRUE(Must("icmp fd00::1 > fd00::2 reply id 9").reply);
}

TEST(PacketText, MacsAndBytes) {
  const PacketText packet =
      Must("proto 47 10.0.0.1 > 10.0.0.2 mac 02:00:00:00:00:01 > 02:00:00:00:00:02");
  EXPECT_EQ(packet.protocol, 47);
  EXPECT_EQ(packet.to.mac->ToString(), "02:00:00:00:00:02");
  EXPECT_EQ(Must("hex:0a0B ff").raw, (std::vector<uint8_t>{0x0a, 0x0b, 0xff}));
}

TEST(PacketText, WhatIsWrongIsNamed) {
  const std::pair<const char*, const char*> kCases[] = {
      {"", "packet: \"\": not tcp, udp, sctp, icmp, proto N or hex:"},
      {"tpc 10.0.0.1:1 > 10.0.0.2:2", "packet: \"tpc\": not tcp, udp, sctp, icmp, proto N or hex:"},
      {"tcp", "packet: \"\": wanted: PROTOCOL SOURCE > DESTINATION ..."},
      {"tcp 10.0.0.1 > 10.0.0.2:2", "packet: \"10.0.0.1\": no :PORT"},
      {"tcp 10.0.0.1:70000 > 10.0.0.2:2", "packet: \"10.0.0.1:70000\": the port is not 0 to 65535"},
      {"tcp 10.0.0.1:1 10.0.0.2:2", "packet: \"10.0.0.2:2\": wanted: >"},
      {"tcp 10.0.0.1:1 > 10.0.0.2:2 sin", "packet: \"sin\": not known here"},
      {"udp 10.0.0.1:1 > 10.0.0.2:2 syn", "packet: \"syn\": not known here"},
      {"udp 10.0.0.1:1 > 10.0.0.2:2 len 9000",
       "packet: \"len\": \"9000\" is not a number up to 8000"},
      {"udp [fd00::1:1 > [fd00::2]:2", "packet: \"[fd00::1:1\": no closing bracket"},
      {"icmp 10.0.0.1 > 10.0.0.2 mac 1 > 2", "packet: \"mac\": wanted: mac SOURCE > DESTINATION"},
      {"hex:0", "packet: \"hex:\": needs two digits a byte"},
      {"hex:0g", "packet: \"0g\": not a byte in hex"}};
  for (const auto& [text, message] : kCases) {
    EXPECT_EQ(ParsePacketText(text).status().message(), message) << text;
  }
}

}  // namespace
}  // namespace sluice::control
