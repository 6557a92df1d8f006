// Which rule refused how many packets: counted by port, reason and rule, across rule tables.
#include <gtest/gtest.h>

#include <map>

#include "dataplane/denial_tally.h"
#include "tests/support/testbed.h"

namespace sluice::test {
namespace {

using dataplane::Denial;
using dataplane::DenialTally;
using dataplane::DropReason;
using dataplane::kTcpSyn;
using dataplane::Outcome;
using dataplane::PortId;

// "port reason policy,policy rule" -> packets.
std::map<std::string, uint64_t> DenialsOf(const Testbed& bed, const std::string& ports) {
  std::map<std::string, uint64_t> denials;
  bed.journal(0).denials().ForEach([&](const Denial& denial, uint64_t packets) {
    std::string text;
    for (const char port : ports) {
      if (bed.id(port) == denial.port) text = port;
    }
    text += std::string(" ") + DropReasonName(denial.reason);
    const acl::RuleIds& ids = bed.rule_ids(denial.network == 0 ? "default" : "blue");
    const acl::RuleSource* rule = ids.Find(denial.rule);
    if (rule == nullptr) text += " ?";
    if (rule != nullptr) {
      for (const std::string& policy : rule->policies) text += " " + policy;
    }
    denials[text] += packets;
  });
  return denials;
}

Bytes Syn(char from, char to, uint16_t port) {
  return Testbed::From(from, to).Tcp(1000, port, kTcpSyn).bytes();
}

TEST(Denials, ADefaultDenyNamesEveryPolicyThatIsolates) {
  Testbed bed;
  bed.Apply({Isolate("one", "b", {"Ingress"}), Isolate("two", "b", {"Ingress"})});
  bed.Deliver('a', Syn('a', 'b', 80));
  bed.Deliver('a', Syn('a', 'b', 81));
  const std::map<std::string, uint64_t> expected = {
      {"a policy_ingress NetworkPolicy default/one NetworkPolicy default/two", 2}};
  EXPECT_EQ(DenialsOf(bed, "ab"), expected);
}

TEST(Denials, EgressIsSaidToHaveRefusedWhenBothSidesWould) {
  Testbed bed;
  bed.Apply({Isolate("in", "b", {"Ingress"}), Isolate("out", "a", {"Egress"})});
  bed.Deliver('a', Syn('a', 'b', 80));
  const std::map<std::string, uint64_t> expected = {
      {"a policy_egress NetworkPolicy default/out", 1}};
  EXPECT_EQ(DenialsOf(bed, "ab"), expected);
}

TEST(Denials, CountsSurviveANewRuleTableUnderTheirPolicy) {
  Testbed bed({.pods = "abc"});
  bed.Apply({Isolate("mine", "b", {"Ingress"})});
  bed.Deliver('a', Syn('a', 'b', 80));
  // Other policies shift every index of the table.
  bed.Apply({Isolate("aaa", "a", {"Ingress"}), Isolate("bbb", "c", {"Egress"}),
             Isolate("mine", "b", {"Ingress"})});
  bed.Deliver('a', Syn('a', 'b', 80));
  bed.Deliver('c', Syn('c', 'b', 80));
  const std::map<std::string, uint64_t> expected = {
      {"a policy_ingress NetworkPolicy default/mine", 2},
      {"c policy_egress NetworkPolicy default/bbb", 1}};
  EXPECT_EQ(DenialsOf(bed, "abc"), expected);
  bed.Apply({});
  EXPECT_EQ(DenialsOf(bed, "abc"), expected) << "a deleted policy is still named";
}

TEST(Denials, TheyAddUpToThePortsDropCounter) {
  Testbed bed({.pods = "abc"});
  bed.Apply({Isolate("b", "b", {"Ingress"}), Isolate("c", "c", {"Ingress"})});
  for (uint16_t i = 0; i < 50; ++i) bed.Deliver('a', Syn('a', i % 3 == 0 ? 'b' : 'c', i));
  uint64_t sum = 0;
  for (const auto& [text, packets] : DenialsOf(bed, "abc")) sum += packets;
  EXPECT_EQ(sum, 50u);
  EXPECT_EQ(bed.Drops('a', DropReason::kPolicyIngress), 50u);
}

TEST(Denials, AMulticastThatNobodyMayHaveIsCountedOnce) {
  Testbed bed({.pods = "abc"});
  bed.Apply({Isolate("all", "b", {"Ingress"}), Isolate("all-c", "c", {"Ingress"})});
  Frame frame;
  frame.Ether(Testbed::Mac('a'), {{1, 0, 0x5e, 1, 1, 1}}).Ip("10.0.0.1", "224.1.1.1").Udp(5, 5);
  EXPECT_EQ(bed.LastDrop('a', frame.bytes()), DropReason::kPolicyIngress);
  const auto denials = DenialsOf(bed, "abc");
  ASSERT_EQ(denials.size(), 1u);
  EXPECT_EQ(denials.begin()->second, 1u);
}

TEST(Denials, AConnectionCutByANewPolicyIsCountedUnderIt) {
  Testbed bed;
  bed.Deliver('a', Testbed::From('a', 'b').Udp(1, 2).bytes());
  bed.Apply({Isolate("cut", "b", {"Ingress"})});
  bed.Deliver('a', Testbed::From('a', 'b').Udp(1, 2).bytes());
  const std::map<std::string, uint64_t> expected = {
      {"a policy_ingress NetworkPolicy default/cut", 1}};
  EXPECT_EQ(DenialsOf(bed, "ab"), expected);
}

// One port, two networks, the same numbers of rules.
TEST(Denials, AnUplinkNamesThePolicyOfThePacketsNetwork) {
  constexpr uint16_t kBlue = 100;
  Testbed bed({.pods = "ab", .blue_pods = "AB", .uplink = true, .blue_vlan = kBlue});
  bed.Apply({Isolate("of-default", "a", {"Ingress"})});
  bed.ApplyBlue({Isolate("of-blue", "A", {"Ingress"})});
  const dataplane::MacAddress outside{{2, 9, 9, 9, 9, 9}};
  bed.Deliver(
      'u',
      Frame().Ether(outside, Testbed::Mac('a')).Ip("10.9.9.9", Testbed::V4('a')).Udp(1, 2).bytes());
  bed.Deliver('u', Frame()
                       .Ether(outside, Testbed::Mac('A'))
                       .Vlan(kBlue)
                       .Ip("10.9.9.9", Testbed::V4('A'))
                       .Udp(1, 2)
                       .bytes());
  const std::map<std::string, uint64_t> expected = {
      {"u policy_ingress NetworkPolicy default/of-default", 1},
      {"u policy_ingress NetworkPolicy default/of-blue", 1}};
  EXPECT_EQ(DenialsOf(bed, "abu"), expected);
}

std::vector<dataplane::PortView> Ports(size_t count, uint16_t generation) {
  std::vector<dataplane::PortView> ports(count);
  for (auto& port : ports) {
    port.in_use = true;
    port.generation = generation;
  }
  return ports;
}

TEST(DenialTally, KeysComeBackAsTheyWere) {
  auto tally = std::make_unique<DenialTally>();
  const auto ports = Ports(1024, 0xffff);
  const Denial denial{1023, 0xffff,        DropReason::kPolicyIngress, Outcome::kAudited,
                      255,  (1u << 21) - 1};
  tally->Add(denial, ports);
  tally->Add(denial, ports);
  tally->ForEach([&](const Denial& got, uint64_t packets) {
    EXPECT_EQ(got, denial);
    EXPECT_EQ(packets, 2u);
  });
}

// More than it holds is lost, not written elsewhere; ports that are gone make room.
TEST(DenialTally, IsBoundedAndGivesRoomOfGonePortsBack) {
  auto tally = std::make_unique<DenialTally>();
  const auto old_ports = Ports(1024, 1);
  for (uint32_t rule = 1; rule <= 3 * DenialTally::kSlots; ++rule) {
    tally->Add({1, 1, DropReason::kPolicyEgress, Outcome::kDropped, 0, rule}, old_ports);
  }
  unsigned held = 0;
  tally->ForEach([&](const Denial&, uint64_t packets) {
    ++held;
    EXPECT_EQ(packets, 1u);
  });
  EXPECT_GT(held, DenialTally::kSlots * 9 / 10);
  EXPECT_LE(held, DenialTally::kSlots);

  const auto new_ports = Ports(1024, 2);
  for (uint32_t rule = 1; rule <= 100; ++rule) {
    tally->Add({1, 2, DropReason::kPolicyEgress, Outcome::kDropped, 0, rule}, new_ports);
  }
  unsigned fresh = 0;
  tally->ForEach([&](const Denial& denial, uint64_t packets) {
    if (denial.generation != 2) return;
    ++fresh;
    EXPECT_EQ(packets, 1u);
  });
  EXPECT_EQ(fresh, 100u);
}

}  // namespace
}  // namespace sluice::test
