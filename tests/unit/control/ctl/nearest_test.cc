#include "control/nearest.h"

#include <gmock/gmock.h>

#include <optional>
#include <string>
#include <vector>

#include "acl/linear_classifier.h"
#include "control/verdict.h"

namespace sluice::control {
namespace {

using testing::ElementsAre;

constexpr acl::ClassId kDb = 10, kFront = 20, kBack = 30;
constexpr uint8_t kIcmp = 1, kTcp = 6, kUdp = 17;

acl::RuleTable Table(acl::FlatRule rule) {
  rule.action = acl::Action::kAllow;
  return {{rule}, {{acl::Tier::kNetworkPolicy, {"NetworkPolicy default/db"}, "ingress[0]"}}};
}

// The db admits `protocol` from the frontend.
acl::RuleTable Admits(int16_t protocol, uint16_t first, uint16_t last) {
  return Table({.protocol = protocol,
                .src = {kFront, kFront},
                .dst = {kDb, kDb},
                .port_first = first,
                .port_last = last});
}

struct TextCase {
  acl::RuleTable table;
  uint8_t protocol;
  acl::ClassId from;
  uint16_t port;
  std::string text;  // after "NetworkPolicy default/db ingress[0] admits "
};

TEST(Nearest, SaysWhatTheRuleAdmitsAndWhatWasAsked) {
  const std::vector<TextCase> rows = {
      {Admits(kTcp, 6379, 6379), kTcp, kFront, 6380, "TCP 6379 (asked: 6380)"},
      {Admits(kUdp, 5000, 5010), kUdp, kFront, 4999, "UDP 5000-5010 (asked: 4999)"},
      {Admits(kTcp, 53, 53), kUdp, kFront, 53, "TCP 53 (asked: UDP 53)"},
      {Admits(kTcp, 53, 53), kUdp, kFront, 54, "TCP 53 (asked: UDP 54)"},
      {Admits(kTcp, 0, 0xffff), kUdp, kFront, 53, "any TCP port (asked: UDP 53)"},
      {Admits(kTcp, 80, 80), kIcmp, kFront, 0, "TCP 80 (asked: ICMP)"},
      {Admits(kTcp, 80, 80), 50, kFront, 0, "TCP 80 (asked: protocol 50)"},
      {Admits(acl::kAnyProtocol, 0, 0xffff), kTcp, kBack, 80, "other peers"},
      {Admits(kTcp, 80, 80), kTcp, kBack, 80, "other peers"},
      {Admits(kTcp, 80, 80), kTcp, kBack, 81, "TCP 80 from other peers (asked: 81)"}};
  for (const TextCase& row : rows) {
    const auto key = acl::ClassifyKey::Make(row.protocol, row.from, kDb, row.port);
    const auto nearest = FindNearest(row.table, key, acl::Direction::kIngress);
    ASSERT_TRUE(nearest) << row.text;
    EXPECT_EQ(nearest->text, "NetworkPolicy default/db ingress[0] admits " + row.text);
  }
}

TEST(Nearest, EgressIsToOtherPeersAndEveryDifferenceIsNamed) {
  acl::FlatRule rule{.direction = acl::Direction::kEgress,
                     .protocol = kTcp,
                     .src = {kDb, kDb},
                     .dst = {kFront, kFront},
                     .port_first = 80,
                     .port_last = 80};
  const auto nearest = FindNearest(Table(rule), acl::ClassifyKey::Make(kUdp, kDb, kBack, 81),
                                   acl::Direction::kEgress);
  ASSERT_TRUE(nearest);
  EXPECT_EQ(nearest->text,
            "NetworkPolicy default/db ingress[0] admits TCP 80 to other peers (asked: UDP 81)");
  EXPECT_EQ(nearest->admits, "TCP 80");
  EXPECT_THAT(nearest->differs, ElementsAre("peer", "protocol", "port"));
}

TEST(Nearest, OnlyADefaultDenyHasOne) {
  acl::RuleTable table = Admits(kTcp, 80, 80);
  table.sources.push_back({acl::Tier::kNetworkPolicy, {"NetworkPolicy default/db"}, ""});
  table.rules.push_back({.dst = {kDb, kDb}, .priority = 1, .source = 1});
  table.rules[0].priority = 2;
  acl::AddressMap addresses;
  const auto front = acl::IpAddress::Parse("10.0.0.2").value();
  addresses.SetExact(front, kFront);
  const acl::Endpoint db;
  const End from{front, nullptr, std::nullopt};
  const End to{acl::IpAddress::Parse("10.0.0.1").value(), &db, kDb};
  for (const uint16_t port : {80, 81}) {
    const Flow flow{from, to, kTcp, port};
    Verdict verdict = Judge(flow, addresses, table, acl::LinearClassifier(table));
    AddNearest(flow, addresses, table, &verdict);
    EXPECT_EQ(verdict.allow, port == 80);
    EXPECT_EQ(verdict.ingress->nearest.has_value(), port == 81);
    EXPECT_FALSE(verdict.egress);
  }
}

}  // namespace
}  // namespace sluice::control
