// The networks of a PortTable: what may be added, and what stands in the way.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "control/port_table.h"
#include "tests/unit/control/objects.h"

namespace sluice::control {
namespace {

// A table with an uplink of default, and blue on it as VLAN 100.
PortTable Trunk() {
  PortTable table;
  EXPECT_TRUE(table.Add(UplinkPort("up")).ok());
  EXPECT_TRUE(table.AddNetwork(Network("blue", "up", 100)).ok());
  return table;
}

struct NetworkRefusalCase {
  const char* name;
  NetworkSpec spec;
  absl::StatusCode code;
  const char* message;
};

class NetworkRefusalTest : public ::testing::TestWithParam<NetworkRefusalCase> {};

TEST_P(NetworkRefusalTest, IsRefusedWithTheReasonAndChangesNothing) {
  PortTable table = Trunk();
  const PortTable before = table;
  const absl::Status status = table.AddNetwork(GetParam().spec);
  EXPECT_EQ(status.code(), GetParam().code);
  EXPECT_EQ(std::string(status.message()), GetParam().message);
  EXPECT_EQ(table, before);
}

NetworkSpec Taking(std::vector<std::string> policies) {
  NetworkSpec spec = Network("red");
  spec.policies = std::move(policies);
  return spec;
}

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;
constexpr auto kExists = absl::StatusCode::kAlreadyExists;

INSTANTIATE_TEST_SUITE_P(
    Cases, NetworkRefusalTest,
    ::testing::Values(
        NetworkRefusalCase{"NoName", Network(""), kInvalid,
                           "network : name: must have 1 to 63 characters"},
        NetworkRefusalCase{"BadName", Network("Blue"), kInvalid,
                           "network Blue: name: may hold only a-z, 0-9, '-' and '.'"},
        NetworkRefusalCase{"VlanTooHigh", Network("red", "up", 4095), kInvalid,
                           "network red: vlan: 4095 is not between 0 and 4094"},
        NetworkRefusalCase{"BadNamespace", Network("a.b/c"), kInvalid,
                           "network a.b/c: name: namespace: \"a.b\" must consist of lower case "
                           "alphanumeric characters or '-', and must start and end with an "
                           "alphanumeric character"},
        NetworkRefusalCase{"TwoSlashes", Network("a/b/c"), kInvalid,
                           "network a/b/c: name: may hold only a-z, 0-9, '-' and '.'"},
        NetworkRefusalCase{"UnknownPolicies", Taking({"multi", "admin"}), kInvalid,
                           "network red: policies: \"admin\" is none of network, cluster, multi"},
        NetworkRefusalCase{"PoliciesTwice", Taking({"multi", "multi"}), kInvalid,
                           "network red: policies: multi is listed twice"},
        NetworkRefusalCase{"SameInPolicies", Network("default/blue"), kExists,
                           "network default/blue: is what policies call network blue already"},
        NetworkRefusalCase{"SameName", Network("blue"), kExists, "network blue: exists already"},
        NetworkRefusalCase{"SameVlan", Network("red", "up", 100), kExists,
                           "network red: vlan: 100 on uplink up is network blue"},
        NetworkRefusalCase{"UntaggedLikeDefault", Network("red", "up", 0), kExists,
                           "network red: vlan: 0 on uplink up is network default"},
        NetworkRefusalCase{"NoSuchUplink", Network("red", "down", 5), kInvalid,
                           "network red: uplink: there is no uplink port down"},
        NetworkRefusalCase{"DefaultOntoBluesVlan", Network("default", "", 100), kExists,
                           "network default: vlan: 100 on uplink up is network blue"},
        NetworkRefusalCase{"SecondUplink", Network("default", "up", 5), kExists,
                           "network default: uplink: port up is its uplink already"}),
    [](const auto& row) { return row.param.name; });

TEST(NetworkTableTest, AnUplinkMustBeAnUplink) {
  PortTable table;
  ASSERT_TRUE(table.Add(RingPort("p", "web", "02:00:00:00:00:01", "10.0.0.2")).ok());
  EXPECT_EQ(std::string(table.AddNetwork(Network("blue", "p", 5)).message()),
            "network blue: uplink: there is no uplink port p");
}

TEST(NetworkTableTest, DefaultIsAlwaysThereAndCanBeChanged) {
  PortTable table;
  EXPECT_TRUE(table.networks().contains("default"));
  EXPECT_TRUE(table.AddNetwork(Network("default", "", 7)).ok());
  EXPECT_EQ(table.networks().at("default").vlan, 7);
  const absl::Status status = table.RemoveNetwork("default");
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(std::string(status.message()), "network default: always exists");
}

TEST(NetworkTableTest, ANetworkWithPortsStays) {
  PortTable table = Trunk();
  dataplane::PortSpec spec = RingPort("p", "web", "02:00:00:00:00:01", "10.0.0.2");
  spec.network = "blue";
  ASSERT_TRUE(table.Add(spec).ok());
  const absl::Status status = table.RemoveNetwork("blue");
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(std::string(status.message()), "network blue: port p is on it");
  ASSERT_TRUE(table.Remove("p").ok());
  EXPECT_TRUE(table.RemoveNetwork("blue").ok());
  EXPECT_EQ(std::string(table.RemoveNetwork("blue").message()), "network blue: does not exist");
}

TEST(NetworkTableTest, AnUplinkThatOthersRideOnStays) {
  PortTable table = Trunk();
  const absl::Status status = table.Remove("up");
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(std::string(status.message()), "port up: is the uplink of network blue");
  ASSERT_TRUE(table.RemoveNetwork("blue").ok());
  EXPECT_TRUE(table.Remove("up").ok());
}

TEST(NetworkTableTest, ANetworkHasOneUplink) {
  PortTable table = Trunk();
  dataplane::PortSpec second = UplinkPort("up2");
  second.network = "blue";
  EXPECT_EQ(std::string(table.Add(second).message()),
            "port up2: network blue has uplink up already");
  ASSERT_TRUE(table.AddNetwork(Network("red", "", 9)).ok());
  EXPECT_EQ(table.UplinkOf("red"), nullptr);
  second.network = "red";
  ASSERT_TRUE(table.Add(second).ok());
  EXPECT_EQ(table.UplinkOf("red")->name, "up2");
  EXPECT_EQ(table.UplinkOf("blue")->name, "up");
  EXPECT_EQ(table.UplinkOf("default")->name, "up");
}

}  // namespace
}  // namespace sluice::control
