// Two layers: pods whose policies were edited are judged by the overlay, the others by the base.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/support/testbed.h"

namespace sluice::test {
namespace {

using dataplane::Denial;
using dataplane::DropReason;
using dataplane::kTcpAck;
using dataplane::kTcpSyn;
using dataplane::Outcome;

Bytes Udp(char from, char to, uint16_t port = 53) {
  return Testbed::From(from, to).Udp(5, port).bytes();
}

acl::NetworkPolicy OnlyFrom(const char* name, const char* to, const char* from, uint16_t port) {
  acl::NetworkPolicy policy = Isolate(name, to, {"Ingress"});
  policy.ingress = {Admit(from, "UDP", port)};
  return policy;
}

// The policy that refused the packets of each denial.
std::vector<std::string> Refusing(const Testbed& bed) {
  std::vector<std::string> policies;
  bed.journal(0).denials().ForEach([&](const Denial& denial, uint64_t) {
    const acl::RuleIds& ids =
        denial.outcome == Outcome::kAudited ? bed.audit_rule_ids() : bed.rule_ids();
    const acl::RuleSource* rule = ids.Find(denial.rule);
    policies.push_back(rule == nullptr ? "?" : rule->policies.at(0));
  });
  return policies;
}

TEST(Overlay, JudgesItsPodsByThePoliciesAsTheyAre) {
  Testbed bed({.pods = "abc"});
  bed.Apply({OnlyFrom("new", "b", "a", 53)});
  bed.Overlay("b", {Isolate("old", "b", {"Ingress", "Egress"})});
  EXPECT_EQ(bed.Deliver('a', Udp('a', 'b')), "b");
  EXPECT_EQ(bed.LastDrop('a', Udp('a', 'b', 54)), DropReason::kPolicyIngress);
  EXPECT_EQ(bed.LastDrop('c', Udp('c', 'b')), DropReason::kPolicyIngress);
  EXPECT_EQ(bed.Deliver('b', Udp('b', 'c', 7)), "c") << "the base isolates its egress";
  EXPECT_EQ(Refusing(bed), std::vector<std::string>(2, "NetworkPolicy default/new"));
}

TEST(Overlay, LeavesTheOthersToTheBase) {
  Testbed bed({.pods = "abc"});
  bed.Apply({});  // the overlay knows nothing of who is not its own
  bed.Overlay("b", {OnlyFrom("old", "a", "c", 53)});
  EXPECT_EQ(bed.Deliver('c', Udp('c', 'a')), "a");
  EXPECT_EQ(bed.LastDrop('b', Udp('b', 'a')), DropReason::kPolicyIngress);
  EXPECT_EQ(bed.Deliver('a', Udp('a', 'b')), "b");
}

// Sender by the base, receiver by the overlay, in bursts with pairs of every kind.
TEST(Overlay, BothLayersHaveToAgreeOnAPacketBetweenThem) {
  Testbed bed({.pods = "abcd"});
  acl::NetworkPolicy out = Isolate("out", "a", {"Egress"});
  out.egress = {Admit("b")};
  bed.Apply({OnlyFrom("in", "b", "a", 53), Isolate("shut", "d", {"Ingress"})});
  bed.Overlay("bd", {out});
  for (const Bytes& frame : {Udp('a', 'b'), Udp('a', 'c'), Udp('a', 'b', 54), Udp('a', 'd')}) {
    bed.Send('a', frame);
  }
  bed.Send('c', Udp('c', 'd'));
  bed.Send('c', Udp('c', 'a'));
  bed.Turn();
  EXPECT_EQ(bed.Received('b').size(), 1u);
  EXPECT_EQ(bed.Received('c').size(), 0u);
  EXPECT_EQ(bed.Received('d').size(), 0u);
  EXPECT_EQ(bed.Received('a').size(), 1u);
  EXPECT_EQ(bed.Drops('a', DropReason::kPolicyEgress), 2u) << "to c and d";
  EXPECT_EQ(bed.Drops('a', DropReason::kPolicyIngress), 1u);
  EXPECT_EQ(bed.Drops('c', DropReason::kPolicyIngress), 1u);
}

TEST(Overlay, RepliesPassAndAnEditEndsWhatItForbids) {
  Testbed bed;
  bed.Overlay("b", {});
  EXPECT_EQ(bed.Deliver('a', Testbed::From('a', 'b').Tcp(1, 2, kTcpSyn).bytes()), "b");
  EXPECT_EQ(bed.Deliver('b', Testbed::From('b', 'a').Tcp(2, 1, kTcpSyn | kTcpAck).bytes()), "a");
  bed.Apply({Isolate("late", "b", {"Ingress"})});
  EXPECT_EQ(bed.LastDrop('b', Testbed::From('b', 'a').Tcp(2, 1, kTcpAck).bytes()),
            DropReason::kPolicyIngress);
  EXPECT_EQ(bed.connections(), 0u);
}

TEST(Overlay, HasAnAuditOfItsOwn) {
  Testbed bed;
  bed.Audit({Isolate("audited", "b", {"Ingress"})});
  bed.Overlay("b", {});
  EXPECT_EQ(bed.Deliver('a', Udp('a', 'b')), "b");
  EXPECT_EQ(bed.Deliver('b', Udp('b', 'a', 9)), "a");
  EXPECT_EQ(Refusing(bed), (std::vector<std::string>{"NetworkPolicy default/audited"}));
}

TEST(Overlay, ATraceNamesTheRuleOfTheLayerThatDecided) {
  Testbed bed;
  bed.Apply({Isolate("new", "b", {"Ingress"})});
  bed.Overlay("b", {Isolate("old", "b", {"Ingress"}), Isolate("other", "a", {"Ingress"})});
  const dataplane::TraceReport report = bed.Trace('a', Udp('a', 'b'));
  ASSERT_TRUE(report.judged);
  const acl::RuleSource* source = bed.rule_ids().Find(report.ingress.rule);
  ASSERT_NE(source, nullptr);
  EXPECT_EQ(source->policies, (std::vector<std::string>{"NetworkPolicy default/new"}));
}

}  // namespace
}  // namespace sluice::test
