// Policies under audit: what they would refuse passes, is counted and told.
#include <gtest/gtest.h>

#include <map>

#include "tests/support/testbed.h"

namespace sluice::test {
namespace {

using dataplane::Denial;
using dataplane::DropReason;
using dataplane::EventKind;
using dataplane::kTcpAck;
using dataplane::kTcpSyn;
using dataplane::Mode;
using dataplane::Outcome;

Bytes Udp(char from, char to) { return Testbed::From(from, to).Udp(5, 53).bytes(); }

// "reason policy,policy" -> packets.
std::map<std::string, uint64_t> Audited(const Testbed& bed) {
  std::map<std::string, uint64_t> audited;
  bed.journal(0).denials().ForEach([&](const Denial& denial, uint64_t packets) {
    if (denial.outcome != Outcome::kAudited) return;
    std::string text = DropReasonName(denial.reason);
    const acl::RuleSource* rule = bed.audit_rule_ids().Find(denial.rule);
    for (const std::string& policy : rule->policies) text += " " + policy;
    audited[text] += packets;
  });
  return audited;
}
using Counts = std::map<std::string, uint64_t>;

TEST(Audit, WhatAnAuditedPolicyWouldDenyPassesAndIsCountedUnderIt) {
  Testbed bed;
  bed.Audit({Isolate("in", "b", {"Ingress"}), Isolate("out", "b", {"Egress"})});
  EXPECT_EQ(bed.Deliver('a', Udp('a', 'b')), "b");
  EXPECT_EQ(bed.Deliver('b', Testbed::From('b', 'a').Udp(7, 8).bytes()), "a");
  EXPECT_EQ(Audited(bed), (Counts{{"policy_ingress NetworkPolicy default/in", 1},
                                  {"policy_egress NetworkPolicy default/out", 1}}));
  EXPECT_EQ(bed.Drops('a') + bed.Drops('b'), 0u);
}

TEST(Audit, AConnectionIsHeldAgainstItOnceAndAgainWhenItIsJudgedAgain) {
  Testbed bed;
  bed.Audit({Isolate("in", "b", {"Ingress"})});
  bed.Deliver('a', Testbed::From('a', 'b').Tcp(1, 2, kTcpSyn).bytes());
  bed.Deliver('b', Testbed::From('b', 'a').Tcp(2, 1, kTcpSyn | kTcpAck).bytes());
  bed.Deliver('a', Testbed::From('a', 'b').Tcp(1, 2, kTcpAck).bytes());
  const std::string row = "policy_ingress NetworkPolicy default/in";
  EXPECT_EQ(Audited(bed), (Counts{{row, 1}}));
  bed.Apply({});  // everything is in question
  bed.Deliver('b', Testbed::From('b', 'a').Tcp(2, 1, kTcpAck).bytes());
  EXPECT_EQ(Audited(bed), (Counts{{row, 2}})) << "by its responder's packet, too";
  EXPECT_EQ(bed.connections(), 1u);
}

TEST(Audit, WhatItAdmitsIsNotCounted) {
  Testbed bed({.pods = "abc"});
  acl::NetworkPolicy policy = Isolate("in", "b", {"Ingress"});
  policy.ingress = {Admit("a", "UDP", 53)};
  bed.Audit({policy});
  bed.Deliver('a', Udp('a', 'b'));
  EXPECT_EQ(Audited(bed), Counts());
  EXPECT_EQ(bed.Deliver('c', Udp('c', 'b')), "b");
  EXPECT_EQ(Audited(bed).size(), 1u);
}

// A burst of which some pass and some do not: the audit asks about the former alone.
TEST(Audit, WhatPolicyDeniesIsPolicysOnly) {
  Testbed bed({.pods = "abc"});
  acl::NetworkPolicy real = Isolate("real", "b", {"Ingress"});
  real.ingress = {Admit("a")};
  bed.Apply({real});
  bed.Audit({Isolate("audited", "a", {"Egress"}), Isolate("both", "b", {"Ingress"})});
  bed.Send('a', Udp('a', 'b'));
  bed.Send('a', Testbed::From('a', 'b').Udp(6, 53).bytes());
  bed.Send('c', Udp('c', 'b'));
  bed.Turn();
  EXPECT_EQ(bed.Received('b').size(), 2u);
  EXPECT_EQ(bed.Drops('c', DropReason::kPolicyIngress), 1u);
  EXPECT_EQ(Audited(bed), (Counts{{"policy_egress NetworkPolicy default/audited", 2}}));
}

TEST(Audit, InModeObserveWhatPolicyRefusesIsObservedAndTheRestAudited) {
  Testbed bed({.pods = "abc"});
  bed.Apply({Isolate("real", "b", {"Ingress"})});
  bed.Audit({Isolate("audited", "a", {"Egress"})});
  bed.SetMode(Mode::kObserve);
  EXPECT_EQ(bed.Deliver('a', Udp('a', 'b')), "b");
  EXPECT_EQ(Audited(bed), Counts());
  EXPECT_EQ(bed.Deliver('a', Udp('a', 'c')), "c");
  EXPECT_EQ(Audited(bed), (Counts{{"policy_egress NetworkPolicy default/audited", 1}}));
}

Bytes Multicast(char from) {
  return Frame()
      .Ether(Testbed::Mac(from), {{0x01, 0x00, 0x5e, 0, 0, 5}})
      .Ip(Testbed::V4(from), "224.0.0.5")
      .Udp(5, 5)
      .bytes();
}

TEST(Audit, OfAFloodedPacketItIsToldOnceIfAReceiverWouldGoWithout) {
  Testbed bed({.pods = "abcd"});
  bed.Apply({Isolate("real", "d", {"Ingress"})});
  bed.Audit({Isolate("in-b", "b", {"Ingress"}), Isolate("in-d", "d", {"Ingress"})});
  EXPECT_EQ(bed.Deliver('a', Multicast('a')), "bc");
  EXPECT_EQ(Audited(bed), (Counts{{"policy_ingress NetworkPolicy default/in-b", 1}}));
  EXPECT_EQ(bed.Trace('a', Multicast('a')).audit_drop, DropReason::kPolicyIngress);
  EXPECT_EQ(bed.Deliver('b', Multicast('b')), "ac") << "nobody of these would";
  EXPECT_EQ(Audited(bed), (Counts{{"policy_ingress NetworkPolicy default/in-b", 1}}));
}

TEST(Audit, AFloodedPacketThatPolicyDeniesIsPolicysOnly) {
  Testbed bed({.pods = "abc"});
  bed.Apply({Isolate("real", "a", {"Egress"})});
  bed.Audit({Isolate("in", "b", {"Ingress"})});
  EXPECT_EQ(bed.LastDrop('a', Multicast('a')), DropReason::kPolicyEgress);
  EXPECT_EQ(Audited(bed), Counts());
}

TEST(Audit, ItIsToldBesideTheNewConnection) {
  Testbed bed;
  bed.Audit({Isolate("in", "b", {"Ingress"})});
  bed.Watch();
  bed.Deliver('a', Udp('a', 'b'));
  const auto events = bed.Events();
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(events[0].kind, EventKind::kNew);
  EXPECT_EQ(events[1].kind, EventKind::kAudited);
  EXPECT_EQ(events[1].reason, DropReason::kPolicyIngress);
  const acl::RuleSource* rule = bed.audit_rule_ids().Find(events[1].ingress_rule);
  ASSERT_NE(rule, nullptr);
  EXPECT_EQ(rule->policies, std::vector<std::string>{"NetworkPolicy default/in"});
}

TEST(Audit, ATraceSaysItAndCountsNothing) {
  Testbed bed;
  bed.Audit({Isolate("in", "b", {"Ingress"})});
  const auto report = bed.Trace('a', Udp('a', 'b'));
  EXPECT_EQ(report.audit_drop, DropReason::kPolicyIngress);
  EXPECT_EQ(report.drop, DropReason::kNone);
  EXPECT_EQ(Audited(bed), Counts());
}

TEST(Audit, NothingIsAskedOrCountedWithoutPoliciesUnderAudit) {
  Testbed bed;
  bed.Audit({Isolate("in", "b", {"Ingress"})});
  bed.Deliver('a', Udp('a', 'b'));
  const uint64_t with = bed.tally(0).classified.Read();
  bed.Audit({});
  bed.Deliver('a', Testbed::From('a', 'b').Udp(6, 53).bytes());
  EXPECT_EQ(with, 2u) << "one key for policy, one for the audit";
  EXPECT_EQ(bed.tally(0).classified.Read(), with + 1);
  EXPECT_EQ(Audited(bed).size(), 1u) << "what was counted stays";
}

}  // namespace
}  // namespace sluice::test
