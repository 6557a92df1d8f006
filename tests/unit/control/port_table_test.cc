#include "control/port_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "tests/unit/control/objects.h"

namespace sluice::control {
namespace {

using dataplane::PortSpec;
using ::testing::StartsWith;

constexpr char kMac[] = "02:00:00:00:00:01";
constexpr char kOtherMac[] = "02:00:00:00:00:02";
constexpr char kHostMac[] = "02:00:00:00:00:fe";

// A table with one pod port and one uplink, and a second port that one change makes wrong.
struct RefusalCase {
  const char* name;
  std::function<void(PortSpec&)> change;
  absl::StatusCode code;
  const char* message;
};

class PortRefusalTest : public ::testing::TestWithParam<RefusalCase> {};

TEST_P(PortRefusalTest, IsRefusedWithTheReasonAndChangesNothing) {
  PortTable table;
  ASSERT_TRUE(table.Add(RingPort("first", "web", kMac, "10.0.0.2")).ok());
  ASSERT_TRUE(table.Add(UplinkPort("up")).ok());
  ASSERT_TRUE(table.Add(HostPort("host", kHostMac, "10.0.0.1")).ok());
  const PortTable before = table;
  PortSpec spec = RingPort("second", "db", kOtherMac, "10.0.0.3");
  GetParam().change(spec);
  const absl::Status status = table.Add(spec);
  EXPECT_EQ(status.code(), GetParam().code);
  EXPECT_THAT(std::string(status.message()), StartsWith(GetParam().message));
  EXPECT_EQ(table, before);
}

INSTANTIATE_TEST_SUITE_P(
    Cases, PortRefusalTest,
    ::testing::Values(
        RefusalCase{"SameName", [](PortSpec& s) { s.name = "first"; },
                    absl::StatusCode::kAlreadyExists, "port first: exists already"},
        RefusalCase{"SameMac", [](PortSpec& s) { s.mac = *dataplane::MacAddress::Parse(kMac); },
                    absl::StatusCode::kAlreadyExists,
                    "port second: MAC 02:00:00:00:00:01 belongs to port first (default/web)"},
        RefusalCase{"SameAddress", [](PortSpec& s) { s.addresses.push_back(Ip("10.0.0.2")); },
                    absl::StatusCode::kAlreadyExists,
                    "port second: address 10.0.0.2 belongs to port first (default/web)"},
        RefusalCase{"SamePod", [](PortSpec& s) { s.pod_name = "web"; },
                    absl::StatusCode::kAlreadyExists,
                    "port second: pod default/web has port first on network default already"},
        RefusalCase{"AddressTwice", [](PortSpec& s) { s.addresses.push_back(Ip("10.0.0.3")); },
                    absl::StatusCode::kInvalidArgument,
                    "port second: addresses: 10.0.0.3 is listed twice"},
        RefusalCase{"OtherNetwork", [](PortSpec& s) { s.network = "blue"; },
                    absl::StatusCode::kInvalidArgument,
                    "port second: network: \"blue\" does not exist"},
        RefusalCase{"SecondUplink", [](PortSpec& s) { s = UplinkPort("second"); },
                    absl::StatusCode::kAlreadyExists,
                    "port second: network default has uplink up already"},
        RefusalCase{"AllowedAddressOfAnother",
                    [](PortSpec& s) { s.allowed = {Allowed("10.0.0.2")}; },
                    absl::StatusCode::kAlreadyExists,
                    "port second: allowed: address 10.0.0.2 belongs to port first (default/web)"},
        RefusalCase{"AllowedBlockWithAnother",
                    [](PortSpec& s) { s.allowed = {Allowed("10.0.0.0/24")}; },
                    absl::StatusCode::kAlreadyExists,
                    "port second: allowed: address 10.0.0.2 belongs to port first (default/web)"},
        RefusalCase{
            "AllowedMacOfAnother",
            [](PortSpec& s) { s.allowed = {Allowed("10.0.0.9@02:00:00:00:00:01")}; },
            absl::StatusCode::kAlreadyExists,
            "port second: allowed: MAC 02:00:00:00:00:01 belongs to port first (default/web)"},
        RefusalCase{"AllowedGroup", [](PortSpec& s) { s.allowed = {Allowed("224.0.0.18")}; },
                    absl::StatusCode::kInvalidArgument,
                    "port second: allowed: 224.0.0.18 is not what one pod may have"},
        RefusalCase{"AllowedToAnUplink",
                    [](PortSpec& s) {
                      s = UplinkPort("second");
                      s.allowed = {Allowed("10.0.0.9")};
                    },
                    absl::StatusCode::kInvalidArgument, "port second: allowed: is for pods' ports"},
        RefusalCase{"SecondHostPort",
                    [](PortSpec& s) { s = HostPort("second", kOtherMac, "10.0.0.9"); },
                    absl::StatusCode::kAlreadyExists,
                    "port second: network default has host port host already"},
        RefusalCase{"AddressOfTheHost", [](PortSpec& s) { s.addresses = {Ip("10.0.0.1")}; },
                    absl::StatusCode::kAlreadyExists,
                    "port second: address 10.0.0.1 belongs to port host (host)"},
        RefusalCase{"MacOfTheHost",
                    [](PortSpec& s) { s.mac = *dataplane::MacAddress::Parse(kHostMac); },
                    absl::StatusCode::kAlreadyExists,
                    "port second: MAC 02:00:00:00:00:fe belongs to port host (host)"},
        RefusalCase{"UplinkWithAddress",
                    [](PortSpec& s) {
                      s = UplinkPort("second");
                      s.addresses = {Ip("10.0.0.3")};
                    },
                    absl::StatusCode::kInvalidArgument, "port second: role: "},
        RefusalCase{"BadPodName", [](PortSpec& s) { s.pod_name = "no/pod"; },
                    absl::StatusCode::kInvalidArgument, "port second: pod: "},
        RefusalCase{"NoMac", [](PortSpec& s) { s.mac = {}; }, absl::StatusCode::kInvalidArgument,
                    "port second: mac: "}),
    [](const auto& row) { return row.param.name; });

// Behind a shared socket there would be two subjects, whichever end of it is ours.
TEST(PortTableTest, ASocketIsOnePortsWhateverTheVhostKind) {
  using dataplane::PortKind;
  for (const PortKind first : {PortKind::kVhostServer, PortKind::kVhostClient}) {
    for (const PortKind second : {PortKind::kVhostServer, PortKind::kVhostClient}) {
      PortTable table;
      PortSpec web = RingPort("web", "web", kMac, "10.0.0.2");
      web.kind = first;
      web.path = "/run/web.sock";
      PortSpec db = RingPort("db", "db", kOtherMac, "10.0.0.3");
      db.kind = second;
      db.path = web.path;
      ASSERT_TRUE(table.Add(web).ok());
      const absl::Status status = table.Add(db);
      EXPECT_EQ(status.code(), absl::StatusCode::kAlreadyExists);
      EXPECT_EQ(std::string(status.message()),
                "port db: socket path /run/web.sock belongs to port web (default/web)");
      db.path = "/run/db.sock";
      EXPECT_TRUE(table.Add(db).ok());
    }
  }
}

TEST(PortTableTest, AMemifInterfaceIsOnePorts) {
  using dataplane::PortKind;
  PortTable table;
  PortSpec web = RingPort("web", "web", kMac, "10.0.0.2");
  web.kind = PortKind::kMemifClient;
  web.path = "/run/memif.sock";
  ASSERT_TRUE(table.Add(web).ok());
  PortSpec db = RingPort("db", "db", kOtherMac, "10.0.0.3");
  db.kind = PortKind::kMemifClient;
  db.path = "/run/memif.sock#0";
  EXPECT_EQ(std::string(table.Add(db).message()),
            "port db: socket path /run/memif.sock#0 belongs to port web (default/web)");
  db.kind = PortKind::kMemifServer;
  db.path = "/run/memif.sock#1";
  EXPECT_EQ(table.Add(db).code(), absl::StatusCode::kAlreadyExists);
  db.kind = PortKind::kMemifClient;
  EXPECT_TRUE(table.Add(db).ok()) << "another interface of the same peer";
}

TEST(PortTableTest, WhatARemovedPortOwnedIsFreeAgain) {
  PortTable table;
  ASSERT_TRUE(table.Add(RingPort("p", "web", kMac, "10.0.0.2")).ok());
  ASSERT_TRUE(table.Remove("p").ok());
  EXPECT_TRUE(table.Add(RingPort("p", "web", kMac, "10.0.0.2")).ok());
}

TEST(PortTableTest, WhatIsAllowedToOneIsNoOthersOwn) {
  PortTable table;
  PortSpec vrrp = RingPort("vrrp", "a", kMac, "10.0.0.2");
  vrrp.allowed = {Allowed("10.0.0.64/26"), Allowed("10.0.0.9@00:00:5e:00:01:01")};
  ASSERT_TRUE(table.Add(vrrp).ok());
  EXPECT_EQ(std::string(table.Add(RingPort("p", "b", kOtherMac, "10.0.0.70")).message()),
            "port p: address 10.0.0.70 is allowed to port vrrp (default/a)");
  EXPECT_EQ(std::string(table.Add(RingPort("p", "b", "00:00:5e:00:01:01", "10.0.0.3")).message()),
            "port p: MAC 00:00:5e:00:01:01 is allowed to port vrrp (default/a)");
  PortSpec other = RingPort("p", "b", kOtherMac, "10.0.0.3");
  other.allowed = vrrp.allowed;
  EXPECT_TRUE(table.Add(other).ok()) << "two may share what is nobody's own";
}

TEST(PortTableTest, AHostPortHasNoAddressOfAPodAndNoPod) {
  PortTable table;
  ASSERT_TRUE(table.Add(RingPort("p", "web", kMac, "10.0.0.2")).ok());
  EXPECT_EQ(std::string(table.Add(HostPort("host", kHostMac, "10.0.0.2")).message()),
            "port host: address 10.0.0.2 belongs to port p (default/web)");
  PortSpec named = HostPort("host", kHostMac, "10.0.0.1");
  named.pod_namespace = named.pod_name = "x";
  EXPECT_EQ(std::string(table.Add(named).message()), "port host: role: a host port has no pod");
}

TEST(PortTableTest, OtherNetworksMayHaveTheSameAddressesMacsAndPods) {
  PortTable table;
  ASSERT_TRUE(table.AddNetwork(Network("blue")).ok());
  PortSpec spec = RingPort("p", "web", kMac, "10.0.0.2");
  ASSERT_TRUE(table.Add(spec).ok());
  spec.name = "blue-p";
  spec.network = "blue";
  EXPECT_TRUE(table.Add(spec).ok());
  EXPECT_TRUE(table.Add(HostPort("host", kHostMac, "10.0.0.1")).ok());
  EXPECT_TRUE(table.Add(HostPort("blue-host", kHostMac, "10.0.0.1", "blue")).ok());
}

TEST(PortTableTest, RemovingAPortThatIsNotThereSaysSo) {
  const absl::Status status = PortTable().Remove("p");
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(std::string(status.message()), "port p: does not exist");
}

}  // namespace
}  // namespace sluice::control
