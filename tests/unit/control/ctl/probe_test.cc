#include "control/probe.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace sluice::control {
namespace {

acl::IpAddress Ip(const std::string& text) { return acl::IpAddress::Parse(text).value(); }

acl::Endpoint Pod(const char* name, std::vector<acl::IpAddress> addresses,
                  std::vector<acl::IpAddress> node_addresses = {}, bool host_network = false) {
  return {.namespace_name = "x",
          .name = name,
          .addresses = std::move(addresses),
          .node_addresses = std::move(node_addresses),
          .host_network = host_network};
}

class ProbeTest : public testing::Test {
 protected:
  absl::StatusOr<Flow> Ask(const Probe& probe) const { return Resolve(probe, index_); }
  const acl::Endpoint* Find(const char* name) const { return index_.Find("x", name); }

  const acl::EndpointList pods_ = {
      Pod("both", {Ip("fd00::1"), Ip("10.0.0.1")}),
      Pod("both2", {Ip("10.0.0.2"), Ip("fd00::2")}),
      Pod("four", {Ip("10.0.0.4")}),
      Pod("six", {Ip("fd00::6")}),
      Pod("finished", {}),
      Pod("host", {}, {Ip("192.168.0.1"), Ip("fd01::1")}, true),
      Pod("lost", {}, {}, true),
      Pod("twin1", {Ip("10.0.0.9")}),
      Pod("twin2", {Ip("10.0.0.9")}),
  };
  const EndpointIndex index_{pods_};
};

struct Good {
  Probe probe;
  std::string source, destination;
  const char* source_pod;       // nullptr: none
  const char* destination_pod;  // nullptr: none
  uint8_t protocol;
  uint16_t port;
};

TEST_F(ProbeTest, EndsFamilyAndServiceAreResolved) {
  const std::vector<Good> rows = {
      {{"x/both", "x/both2", "tcp", 80}, "10.0.0.1", "10.0.0.2", "both", "both2", 6, 80},
      {{"x/both", "x/both2", "tcp", 80, 6}, "fd00::1", "fd00::2", "both", "both2", 6, 80},
      {{"x/both", "x/six", "udp", 53}, "fd00::1", "fd00::6", "both", "six", 17, 53},
      {{"10.0.0.4", "x/both", "SCTP", 65535}, "10.0.0.4", "10.0.0.1", "four", "both", 132, 65535},
      {{"fd00:0::6", "x/both", "icmp", {}}, "fd00::6", "fd00::1", "six", "both", 58, 0},
      {{"8.8.8.8", "x/both", "ICMP", {}}, "8.8.8.8", "10.0.0.1", nullptr, "both", 1, 0},
      {{"x/both", "::1", "Tcp", 1}, "fd00::1", "::1", "both", nullptr, 6, 1},
      {{"x/host", "x/both", "tcp", 80}, "192.168.0.1", "10.0.0.1", nullptr, "both", 6, 80},
      {{"x/six", "x/host", "tcp", 80}, "fd00::6", "fd01::1", "six", nullptr, 6, 80},
      {{"x/four", "x/four", "tcp", 80}, "10.0.0.4", "10.0.0.4", "four", "four", 6, 80},
      {{"1.1.1.1", "2.2.2.2", "tcp", 80, 4}, "1.1.1.1", "2.2.2.2", nullptr, nullptr, 6, 80},
  };
  for (const Good& row : rows) {
    const auto flow = Ask(row.probe);
    const std::string name = row.probe.from + " -> " + row.probe.to;
    ASSERT_TRUE(flow.ok()) << name << ": " << flow.status();
    EXPECT_EQ(flow->source.address.ToString(), row.source) << name;
    EXPECT_EQ(flow->destination.address.ToString(), row.destination) << name;
    EXPECT_EQ(flow->source.endpoint, row.source_pod ? Find(row.source_pod) : nullptr) << name;
    EXPECT_EQ(flow->destination.endpoint, row.destination_pod ? Find(row.destination_pod) : nullptr)
        << name;
    EXPECT_EQ(flow->protocol, row.protocol) << name;
    EXPECT_EQ(flow->port, row.port) << name;
    EXPECT_FALSE(flow->source.subject || flow->destination.subject) << name;
  }
}

struct Bad {
  Probe probe;
  std::string error;
};

TEST_F(ProbeTest, WhatDoesNotResolveIsNamed) {
  const std::vector<Bad> rows = {
      {{"x/nope", "x/both", "tcp", 80}, "from: there is no pod x/nope"},
      {{"x/both", "y/both", "tcp", 80}, "to: there is no pod y/both"},
      {{"both", "x/both", "tcp", 80}, "from: \"both\" is neither NAMESPACE/POD nor an IP address"},
      {{"x/both", "10.0.0.01", "tcp", 80},
       "to: \"10.0.0.01\" is neither NAMESPACE/POD nor an IP address"},
      {{"x/finished", "x/both", "tcp", 80}, "from: pod x/finished has no address"},
      {{"x/both", "x/lost", "tcp", 80}, "to: pod x/lost has no address"},
      {{"x/four", "x/six", "tcp", 80},
       "to: pod x/six has no address family in common with pod x/four"},
      {{"x/four", "::1", "tcp", 80}, "to: ::1 has no address family in common with pod x/four"},
      {{"x/four", "x/both", "tcp", 80, 6}, "from: pod x/four has no IPv6 address"},
      {{"x/both", "x/six", "tcp", 80, 4}, "to: pod x/six has no IPv4 address"},
      {{"x/both", "8.8.8.8", "tcp", 80, 6}, "to: 8.8.8.8 has no IPv6 address"},
      {{"x/both", "x/both", "tcp", 80, 5}, "family: 5 is neither 4 nor 6"},
      {{"x/both", "x/twin1", "tcp", 80}, "to: 10.0.0.9 belongs to pods x/twin1 and x/twin2"},
      {{"10.0.0.9", "x/both", "tcp", 80}, "from: 10.0.0.9 belongs to pods x/twin1 and x/twin2"},
      {{"x/both", "x/both", "", 80}, "protocol: \"\" is none of tcp, udp, sctp, icmp"},
      {{"x/both", "x/both", "igmp", {}}, "protocol: \"igmp\" is none of tcp, udp, sctp, icmp"},
      {{"x/both", "x/both", "tcp", {}}, "port: is missing, tcp needs one"},
      {{"x/both", "x/both", "udp", 0}, "port: 0 is not between 1 and 65535"},
      {{"x/both", "x/both", "tcp", 65536}, "port: 65536 is not between 1 and 65535"},
      {{"x/both", "x/both", "tcp", -1}, "port: -1 is not between 1 and 65535"},
      {{"x/both", "x/both", "icmp", 8}, "port: icmp has none"},
  };
  for (const Bad& row : rows) {
    EXPECT_EQ(Ask(row.probe).status(), absl::InvalidArgumentError(row.error));
  }
}

TEST_F(ProbeTest, SubjectsArePodsThatHaveRules) {
  acl::Population population;
  const acl::Population::Change both{{"x", "both"}, acl::Member{.subject = {.v4 = 4, .v6 = 6}}};
  population.Apply({&both, 1});
  Flow four = Ask({"x/both", "x/four", "tcp", 80}).value();
  SetSubjects(population, &four);
  EXPECT_EQ(four.source.subject, 4);
  EXPECT_EQ(four.destination.subject, std::nullopt) << "a pod, but not a local one";
  Flow six = Ask({"x/six", "x/both", "tcp", 80}).value();
  SetSubjects(population, &six);
  EXPECT_EQ(six.destination.subject, 6);
  Flow outside = Ask({"8.8.8.8", "x/both", "tcp", 80}).value();
  SetSubjects(population, &outside);
  EXPECT_EQ(outside.source.subject, std::nullopt);
}

}  // namespace
}  // namespace sluice::control
