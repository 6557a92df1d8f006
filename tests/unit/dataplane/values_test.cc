// Port specs and MAC addresses: what is refused, in which words.
#include <gtest/gtest.h>

#include "dataplane/eal.h"
#include "dataplane/port_device.h"
#include "dataplane/port_spec.h"

namespace sluice::dataplane {
namespace {

PortSpec Good() {
  PortSpec spec;
  spec.name = "web";
  spec.path = "/run/sluice/web.sock";
  spec.pod_namespace = "default";
  spec.pod_name = "web";
  spec.mac = {{2, 0, 0, 0, 0, 1}};
  return spec;
}

TEST(PortSpec, IsRefusedByFieldAndReason) {
  struct Case {
    void (*spoil)(PortSpec&);
    const char* message;
  };
  const Case cases[] = {
      {[](PortSpec& s) { s.name = ""; }, "port : name: must have 1 to 32 characters"},
      {[](PortSpec& s) { s.name = "Web"; }, "port Web: name: may hold only a-z, 0-9, '-' and '.'"},
      {[](PortSpec& s) { s.path = "web.sock"; }, "port web: path: must be an absolute path"},
      {[](PortSpec& s) { s.path = "/" + std::string(107, 'x'); },
       "port web: path: has 108 characters; a unix socket's path may have 107"},
      {[](PortSpec& s) { s.path = "/run/a,client=1"; },
       "port web: path: has a character that devargs cannot carry"},
      {[](PortSpec& s) {
         s.kind = PortKind::kTap;
         s.path = "sixteen-letters-";
       },
       "port web: path: \"sixteen-letters-\" is too long for an interface name (at most 15)"},
      {[](PortSpec& s) { s.pod_name = ""; }, "port web: pod: a pod port needs namespace/name"},
      {[](PortSpec& s) { s.mac = {}; },
       "port web: mac: must be a unicast address that is not zero"},
      {[](PortSpec& s) { s.network = ""; }, "port web: network: is empty"},
      {[](PortSpec& s) { s.addresses = {*acl::IpAddress::Parse("0.0.0.0")}; },
       "port web: addresses: 0.0.0.0 is not the address of one pod"},
      {[](PortSpec& s) { s.addresses = {*acl::IpAddress::Parse("ff02::1")}; },
       "port web: addresses: ff02::1 is not the address of one pod"},
      {[](PortSpec& s) { s.role = PortRole::kUplink; },
       "port web: role: an uplink has no pod, MAC or addresses of its own"},
      {[](PortSpec& s) { s.mirrors = {"db"}; }, "port web: mirrors: are for mirrors only"},
      {[](PortSpec& s) { s.mirrors_dropped = true; }, "port web: mirrors: are for mirrors only"},
      {[](PortSpec& s) { s.role = PortRole::kMirror; },
       "port web: mirrors: a mirror needs the names of ports, or *"},
      {[](PortSpec& s) {
         s.role = PortRole::kMirror;
         s.mirrors = {"*", "db"};
       },
       "port web: mirrors: * is all ports: no other can be beside it"},
      {[](PortSpec& s) {
         s.role = PortRole::kMirror;
         s.mirrors = {"web"};
       },
       "port web: mirrors: a mirror does not mirror itself"},
      {[](PortSpec& s) {
         s.role = PortRole::kMirror;
         s.mirrors = {"*"};
       },
       "port web: role: a mirror has no pod, MAC or addresses of its own"},
      {[](PortSpec& s) { s.pcap_out = "/tmp/x"; }, "port web: pcap_out: is for pcap ports only"},
      {[](PortSpec& s) {
         s.kind = PortKind::kPcap;
         s.path = "";
       },
       "port web: path: a pcap port needs a file to read or one to write"},
      {[](PortSpec& s) {
         s.kind = PortKind::kMemifClient;
         s.path = "/run/memif.sock#three";
       },
       "port web: path: \"/run/memif.sock#three\" is not SOCKET or SOCKET#ID, as "
       "/run/memif.sock#3"},
      {[](PortSpec& s) {
         s.kind = PortKind::kMemifServer;
         s.path = "memif.sock#3";
       },
       "port web: path: must be an absolute path"},
      {[](PortSpec& s) { s.kind = PortKind::kRing; }, "port web: path: a ring port has none"},
      {[](PortSpec& s) {
         s.kind = PortKind::kTap;
         s.path = "a/b";
       },
       "port web: path: \"a/b\" is not an interface name"},
      {[](PortSpec& s) { s.netns = "/run/netns/web"; }, "port web: netns: is for tap ports only"},
      {[](PortSpec& s) {
         s.kind = PortKind::kTap;
         s.path = "net1";
         s.netns = "web";
       },
       "port web: netns: must be an absolute path"},
      {[](PortSpec& s) {
         s.kind = PortKind::kPci;
         s.path = "eth0";
       },
       "port web: path: \"eth0\" is not a PCI address, as 0000:03:00.0"},
      {[](PortSpec& s) {
         s.kind = PortKind::kAfXdp;
         s.path = "eth0";
         s.mtu = 1501;
       },
       "port web: mtu: 1501 is more than the 1500 of an af-xdp port"},
      {[](PortSpec& s) {
         s.kind = PortKind::kRepresentor;
         s.path = "0000:03:00.0";
       },
       "port web: path: \"0000:03:00.0\" is not PCI-ADDRESS/vfN, as 0000:03:00.0/vf2"},
  };
  EXPECT_TRUE(Validate(Good()).ok());
  for (const Case& c : cases) {
    PortSpec spec = Good();
    c.spoil(spec);
    EXPECT_EQ(Validate(spec).message(), c.message);
  }
  PortSpec longest = Good();
  longest.path = "/" + std::string(106, 'x');
  EXPECT_TRUE(Validate(longest).ok());
}

TEST(PortKind, NamesGoBothWays) {
  for (const char* name : {"vhost-server", "vhost-client", "memif-server", "memif-client", "ring",
                           "pcap", "tap", "af-packet", "af-xdp", "pci", "representor"}) {
    const auto kind = ParsePortKind(name);
    ASSERT_TRUE(kind.ok());
    EXPECT_STREQ(PortKindName(*kind), name);
  }
  EXPECT_FALSE(ParsePortKind("virtio").ok());
}

TEST(MacAddress, IsSixHexPairs) {
  EXPECT_EQ(MacAddress::Parse("02:00:0A:ff:00:01")->ToString(), "02:00:0a:ff:00:01");
  for (const char* bad :
       {"", "02:00:00:00:00", "02-00-00-00-00-01", "02:00:00:00:00:0g", "02:00:00:00:00:011"}) {
    EXPECT_EQ(MacAddress::Parse(bad).status().message(),
              std::string("\"") + bad + "\" is not a MAC address (six hex pairs with colons)");
  }
}

TEST(PortDevice, WhatCannotOpenIsNamed) {
  struct Case {
    PortKind kind;
    const char* path;
    const char* message;
  };
  const Case cases[] = {
      {PortKind::kVhostServer, "/dev/null", "port web: socket path /dev/null exists already"},
      {PortKind::kVhostServer, "/no/such/place/s",
       "port web: there is no directory /no/such/place for the socket"},
      {PortKind::kMemifServer, "/dev/null#3", "port web: socket path /dev/null exists already"},
      {PortKind::kMemifServer, "/no/such/place/s",
       "port web: there is no directory /no/such/place for the socket"},
      {PortKind::kMemifClient, "/dev/null", "port web: /dev/null is not a socket"},
      {PortKind::kMemifClient, "/no/such/place/s",
       "port web: nobody listens on /no/such/place/s: the peer of a memif-client port has to be "
       "there when the port is added"},
      {PortKind::kTap, "lo", "port web: network interface lo exists already"},
      {PortKind::kAfPacket, "nosuch0", "port web: there is no network interface nosuch0"},
      {PortKind::kAfXdp, "nosuch0", "port web: there is no network interface nosuch0"},
      {PortKind::kVhostClient, "/dev/null", "port web: /dev/null is not a socket"},
      {PortKind::kPcap, "/no/such.pcap", "port web: file /no/such.pcap is not readable"},
  };
  for (const Case& c : cases) {
    PortSpec spec = Good();
    spec.kind = c.kind;
    spec.path = c.path;
    EXPECT_EQ(PortDevice::Open(spec, {}).status().message(), c.message);
  }
}

TEST(AllowedAddress, IsAnAddressOrABlockWithOrWithoutAMac) {
  for (const char* text : {"10.0.0.9", "fd00::9", "10.7.0.0/16", "fd07::/64",
                           "10.0.0.9@00:00:5e:00:01:07", "fd07::/64@00:00:5e:00:01:07"}) {
    const auto allowed = AllowedAddress::Parse(text);
    ASSERT_TRUE(allowed.ok()) << allowed.status();
    EXPECT_EQ(allowed->ToString(), text);
  }
  EXPECT_EQ(AllowedAddress::Parse("10.7.1.2/16")->ToString(), "10.7.0.0/16");
  EXPECT_EQ(AllowedAddress::Parse("10.0.0.9/32")->ToString(), "10.0.0.9");
  for (const char* text : {"", "10.0.0", "10.0.0.9/33", "10.0.0.9@", "10.0.0.9@02:00", "@",
                           "10.0.0.9@02:00:00:00:00:01@x"}) {
    EXPECT_FALSE(AllowedAddress::Parse(text).ok()) << text;
  }
}

TEST(Eal, RefusesAPrefixThatLeadsElsewhereAndCpusThatAreNotThere) {
  struct Case {
    const char* prefix;
    std::vector<int> workers;
    const char* message;
  };
  const Case cases[] = {
      {"", {}, "file prefix \"\": must be 1 to 64 letters, digits, '-' or '_'"},
      {"../x", {}, "file prefix \"../x\": must be 1 to 64 letters, digits, '-' or '_'"},
      {"..", {}, "file prefix \"..\": must be 1 to 64 letters, digits, '-' or '_'"},
      {"good", {0, 0}, "worker cores: CPU 0 is listed twice"},
      {"good", {4000}, "worker cores: CPU 4000 is not among those this process may use: "},
  };
  for (const Case& c : cases) {
    EalConfig config;
    config.file_prefix = c.prefix;
    config.worker_cores = c.workers;
    const absl::Status status = Eal::Start(config).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_TRUE(std::string(status.message()).starts_with(c.message)) << status;
  }
}

}  // namespace
}  // namespace sluice::dataplane
