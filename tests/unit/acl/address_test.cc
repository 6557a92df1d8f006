#include "acl/address.h"

#include <gtest/gtest.h>

#include "acl/address_map.h"

namespace sluice::acl {
namespace {

using std::string_literals::operator""s;

IpAddress Ip(std::string_view text) { return *IpAddress::Parse(text); }
Cidr Net(std::string_view text) { return *Cidr::Parse(text); }

TEST(IpAddress, RoundTripsThroughText) {
  for (const char* text : {"0.0.0.0", "10.1.2.3", "255.255.255.255", "::", "::1", "fd00::1",
                           "2001:db8:1:2:3:4:5:6", "::ffff:10.0.0.1"}) {
    EXPECT_EQ(Ip(text).ToString(), text);
  }
}

TEST(IpAddress, AMappedAddressStaysIpv6) {
  EXPECT_EQ(Ip("::ffff:10.0.0.1").family, Family::kIpv6);
  EXPECT_NE(Ip("::ffff:10.0.0.1"), Ip("10.0.0.1"));
}

TEST(IpAddress, TextThatIsNoAddressIsRefused) {
  for (const std::string& text :
       {""s, "10.0.0"s, "10.0.0.256"s, "010.0.0.1"s, "10.0.0.1 "s, "10.0.0.1/8"s, "fe80::1%eth0"s,
        ":::"s, "1:2:3:4:5:6:7:8:9"s, "10.0.0.1\0x"s, "web"s, std::string(10000, '1')}) {
    EXPECT_FALSE(IpAddress::Parse(text).ok()) << text.substr(0, 40);
  }
  EXPECT_EQ(IpAddress::Parse("10.0.0.256").status().message(),
            "\"10.0.0.256\" is not an IP address");
}

TEST(Cidr, HostBitsAreMasked) {
  EXPECT_EQ(Net("10.1.2.3/8"), Net("10.0.0.0/8"));
  EXPECT_EQ(Net("10.1.2.255/25").ToString(), "10.1.2.128/25");
  EXPECT_EQ(Net("fd00:1234:5678::1/20").ToString(), "fd00:1000::/20");
  EXPECT_EQ(Net("255.255.255.255/0").ToString(), "0.0.0.0/0");
  EXPECT_EQ(Net("10.1.2.3/32").ToString(), "10.1.2.3/32");
}

TEST(Cidr, TextThatIsNoCidrIsRefusedWithTheReason) {
  const std::string length_v4 = " is not a CIDR: the prefix length is not a number from 0 to 32";
  const struct {
    const char* text;
    std::string message;
  } cases[] = {
      {"10.0.0.0", "\"10.0.0.0\" is not a CIDR: no prefix length"},
      {"10.0.0/8", "\"10.0.0/8\" is not a CIDR: no IP address before the slash"},
      {"/8", "\"/8\" is not a CIDR: no IP address before the slash"},
      {"10.0.0.0/33", "\"10.0.0.0/33\"" + length_v4},
      {"10.0.0.0/", "\"10.0.0.0/\"" + length_v4},
      {"10.0.0.0/-1", "\"10.0.0.0/-1\"" + length_v4},
      {"10.0.0.0/+8", "\"10.0.0.0/+8\"" + length_v4},
      {"10.0.0.0/08", "\"10.0.0.0/08\"" + length_v4},
      {"10.0.0.0/8/8", "\"10.0.0.0/8/8\"" + length_v4},
      {"::/129", "\"::/129\" is not a CIDR: the prefix length is not a number from 0 to 128"},
  };
  for (const auto& c : cases) EXPECT_EQ(Cidr::Parse(c.text).status().message(), c.message);
}

TEST(Cidr, ContainsItsOwnFamilyOnly) {
  EXPECT_TRUE(Net("10.0.0.0/8").Contains(Ip("10.255.0.1")));
  EXPECT_FALSE(Net("10.0.0.0/8").Contains(Ip("11.0.0.0")));
  EXPECT_FALSE(Net("0.0.0.0/0").Contains(Ip("::")));
  EXPECT_FALSE(Net("::/0").Contains(Ip("0.0.0.0")));
  EXPECT_TRUE(Net("10.0.0.0/8").Contains(Net("10.0.0.0/8")));
  EXPECT_TRUE(Net("10.0.0.0/8").Contains(Net("10.1.0.0/16")));
  EXPECT_FALSE(Net("10.1.0.0/16").Contains(Net("10.0.0.0/8")));
}

TEST(AddressMap, TheLongestPrefixWinsAndAnExactAddressBeatsIt) {
  AddressMap map;
  map.SetPrefix(Net("10.1.0.0/16"), 3);  // in no particular order
  map.SetPrefix(Net("0.0.0.0/0"), 1);
  map.SetPrefix(Net("::/0"), 5);
  map.SetPrefix(Net("10.1.2.0/24"), 4);
  map.SetPrefix(Net("10.0.0.0/8"), 2);
  map.SetPrefix(Net("fd00::/8"), 6);
  map.SetExact(Ip("10.1.2.3"), 7);
  EXPECT_EQ(map.Lookup(Ip("11.0.0.1")), 1);
  EXPECT_EQ(map.Lookup(Ip("10.2.0.1")), 2);
  EXPECT_EQ(map.Lookup(Ip("10.1.3.1")), 3);
  EXPECT_EQ(map.Lookup(Ip("10.1.2.4")), 4);
  EXPECT_EQ(map.Lookup(Ip("10.1.2.3")), 7);
  EXPECT_EQ(map.Lookup(Ip("2001:db8::1")), 5);
  EXPECT_EQ(map.Lookup(Ip("fd12::1")), 6);
}

TEST(AddressMap, EqualContentsInAnotherOrderAreEqual) {
  AddressMap a, b;
  a.SetPrefix(Net("0.0.0.0/0"), 1);
  a.SetPrefix(Net("10.0.0.0/8"), 2);
  b.SetPrefix(Net("10.0.0.0/8"), 9);
  b.SetPrefix(Net("0.0.0.0/0"), 1);
  EXPECT_NE(a, b);
  b.SetPrefix(Net("10.0.0.0/8"), 2);
  EXPECT_EQ(a, b);
}

}  // namespace
}  // namespace sluice::acl
