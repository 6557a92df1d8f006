#include "acl/nearest_rule.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace sluice::acl {
namespace {

constexpr uint8_t kIcmp = 1, kTcp = 6, kUdp = 17;
constexpr ClassId kDb = 10, kFront = 20, kBack = 30, kOther = 40;

ClassInterval Only(ClassId id) { return {id, id}; }

FlatRule Rule(ClassId peer, int16_t protocol, uint16_t first, uint16_t last) {
  return {.action = Action::kAllow,
          .protocol = protocol,
          .src = Only(peer),
          .dst = Only(kDb),
          .port_first = first,
          .port_last = last};
}

// "2: peer, port": the rule's number, and what it does not match.
std::string Nearest(const std::vector<FlatRule>& rules, uint8_t protocol, ClassId from,
                    uint16_t port, Direction direction = Direction::kIngress) {
  const auto found =
      FindNearestRule({rules, {}}, ClassifyKey::Make(protocol, from, kDb, port), direction);
  if (!found) return "none";
  return std::to_string(found->rule) + ":" + (found->peer ? " peer" : "") +
         (found->protocol ? " protocol" : "") + (found->port ? " port" : "");
}

TEST(NearestRule, TheFewestDifferencesWin) {
  const std::vector<FlatRule> rules = {
      Rule(kBack, kUdp, 5432, 5432),         // peer, protocol
      Rule(kBack, kTcp, 6379, 6379),         // peer, port
      Rule(kFront, kTcp, 9999, 9999),        // port alone, far off
      Rule(kBack, kAnyProtocol, 0, 0xffff),  // peer alone
  };
  EXPECT_EQ(Nearest(rules, kTcp, kFront, 5432), "4: peer");
  EXPECT_EQ(Nearest({rules[0], rules[1], rules[2]}, kTcp, kFront, 5432), "3: port");
  EXPECT_EQ(Nearest({rules[0], rules[1]}, kTcp, kFront, 5432), "1: peer protocol");
  EXPECT_EQ(Nearest({rules[1]}, kUdp, kFront, 1), "1: peer protocol port");
}

TEST(NearestRule, OfEqualsThePortThatIsNearestThenTheFirst) {
  const std::vector<FlatRule> rules = {Rule(kFront, kTcp, 80, 80), Rule(kFront, kTcp, 100, 200),
                                       Rule(kFront, kTcp, 300, 400), Rule(kFront, kTcp, 301, 301)};
  EXPECT_EQ(Nearest(rules, kTcp, kFront, 81), "1: port");
  EXPECT_EQ(Nearest(rules, kTcp, kFront, 99), "2: port");
  EXPECT_EQ(Nearest(rules, kTcp, kFront, 201), "2: port") << "the range's end counts";
  EXPECT_EQ(Nearest(rules, kTcp, kFront, 299), "3: port");
  EXPECT_EQ(Nearest(rules, kTcp, kOther, 301), "3: peer") << "the first of two";
}

TEST(NearestRule, APortIsNoMatterToAProtocolWithoutPorts) {
  EXPECT_EQ(Nearest({Rule(kFront, kTcp, 80, 80), Rule(kFront, kUdp, 1, 1)}, kIcmp, kFront, 0),
            "1: protocol");
}

TEST(NearestRule, OnlyWhatAllowsTheSubjectInItsDirectionAndTierCounts) {
  FlatRule other_subject = Rule(kFront, kTcp, 80, 80);
  other_subject.dst = Only(kOther);
  FlatRule deny = Rule(kFront, kTcp, 80, 80);
  deny.action = Action::kDeny;
  FlatRule admin = Rule(kFront, kTcp, 80, 80);
  admin.tier = Tier::kAdmin;
  FlatRule egress = Rule(kFront, kTcp, 80, 80);
  egress.direction = Direction::kEgress;
  EXPECT_EQ(Nearest({other_subject, deny, admin, egress}, kTcp, kFront, 81), "none");
  EXPECT_EQ(Nearest({}, kTcp, kFront, 81), "none");
  EXPECT_EQ(Nearest({egress}, kTcp, kFront, 81, Direction::kEgress), "1: port");
}

}  // namespace
}  // namespace sluice::acl
