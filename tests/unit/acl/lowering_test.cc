// Policies of every kind in one form: the order in which they win, what fails closed, and ports.
#include "acl/lowering.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>
#include <string>

#include "tests/differential/random_source.h"
#include "tests/unit/acl/cluster.h"

namespace sluice::acl {
namespace {

constexpr auto kIngress = static_cast<size_t>(Direction::kIngress);
constexpr auto kEgress = static_cast<size_t>(Direction::kEgress);

NetworkPolicy Named(const std::string& namespace_name, const std::string& name) {
  return {.namespace_name = namespace_name, .name = name};
}

ClusterPolicy Placed(ClusterPolicyKind kind, const std::string& name, const std::string& tier,
                     int64_t priority) {
  return {.kind = kind, .name = name, .tier = tier, .priority = priority};
}

std::vector<std::string> NamesOf(const PolicyInput& input) {
  std::vector<std::string> names;
  for (const LoweredPolicy& policy : Lower(input)) names.push_back(policy.name);
  return names;
}

PolicyInput OneOfEach() {
  using enum ClusterPolicyKind;
  PolicyInput input;
  input.policies = {Named("b", "z"), Named("a", "y"), Named("a-b", "y"), Named("a", "x")};
  input.multi_policies = {{Named("a", "y"), {"a/n"}}, {Named("a", "w"), {"a/n"}}};
  input.cluster_policies = {
      Placed(kBaselineAdminNetworkPolicy, "default", "Baseline", 0),
      Placed(kClusterNetworkPolicy, "late", "Admin", 1000),
      Placed(kClusterNetworkPolicy, "late", "Baseline", 999),
      Placed(kAdminNetworkPolicy, "twin", "Admin", 7),
      Placed(kClusterNetworkPolicy, "twin", "Admin", 7),
      Placed(kClusterNetworkPolicy, "ahead", "Admin", 7),
      Placed(kAdminNetworkPolicy, "first", "Admin", 0),
  };
  input.namespaces = {{"z", {}, true}, {"c", {}, true}, {"open", {}, false}};
  return input;
}

TEST(Lowering, PoliciesAreInTheOrderInWhichTheyWin) {
  EXPECT_EQ(NamesOf(OneOfEach()),
            (std::vector<std::string>{
                "AdminNetworkPolicy first",
                "ClusterNetworkPolicy ahead",
                "ClusterNetworkPolicy twin",
                "AdminNetworkPolicy twin",
                "ClusterNetworkPolicy late",  // of tier Baseline: the tiers do not meet
                "ClusterNetworkPolicy late",
                "BaselineAdminNetworkPolicy default",
                "Namespace c",
                "Namespace z",
                "MultiNetworkPolicy a/w",
                "NetworkPolicy a/x",
                "NetworkPolicy a/y",
                "MultiNetworkPolicy a/y",
                "NetworkPolicy a-b/y",
                "NetworkPolicy b/z",
            }));
}

TEST(Lowering, TheOrderOfTheInputMakesNoDifference) {
  const std::vector<std::string> expected = NamesOf(OneOfEach());
  for (unsigned seed = 1; seed <= 50; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    PolicyInput input = OneOfEach();
    std::shuffle(input.policies.begin(), input.policies.end(), random);
    std::shuffle(input.multi_policies.begin(), input.multi_policies.end(), random);
    std::shuffle(input.cluster_policies.begin(), input.cluster_policies.end(), random);
    std::shuffle(input.namespaces.begin(), input.namespaces.end(), random);
    EXPECT_EQ(NamesOf(input), expected);
  }
}

TEST(Lowering, EveryKindHasItsTier) {
  for (const LoweredPolicy& policy : Lower(OneOfEach())) {
    const bool late = policy.name == "ClusterNetworkPolicy late";
    if (late) continue;  // one of each
    const bool admin = policy.name.starts_with("Admin") || policy.name.starts_with("Cluster");
    const bool baseline = policy.name.starts_with("Baseline");
    EXPECT_EQ(policy.tier, admin      ? Tier::kAdmin
                           : baseline ? Tier::kBaseline
                                      : Tier::kNetworkPolicy)
        << policy.name;
  }
}

// Isolation, as SEMANTICS 1, 2, 16 and 18 have it.
TEST(Lowering, WhoIsolatesWhichWay) {
  struct Row {
    const char* what;
    std::vector<std::string> types;
    size_t ingress_rules, egress_rules;
    bool ingress, egress;
  };
  const std::vector<Row> rows = {
      {"nothing said", {}, 0, 0, true, false},
      {"an egress rule", {}, 0, 1, true, true},
      {"Egress only, without a rule", {"Egress"}, 1, 0, false, true},
      {"Ingress only, with an egress rule", {"Ingress"}, 0, 1, true, false},
      {"both", {"Ingress", "Egress"}, 1, 1, true, true},
  };
  for (const Row& row : rows) {
    PolicyInput input;
    input.policies = {Named("n", "p")};
    input.policies[0].policy_types = row.types;
    input.policies[0].ingress.resize(row.ingress_rules);
    input.policies[0].egress.resize(row.egress_rules);
    const LoweredPolicy lowered = Lower(input).at(0);
    EXPECT_EQ(lowered.isolates[kIngress], row.ingress) << row.what;
    EXPECT_EQ(lowered.isolates[kEgress], row.egress) << row.what;
    EXPECT_EQ(lowered.rules[kIngress].size(), row.ingress ? row.ingress_rules : 0) << row.what;
    EXPECT_EQ(lowered.rules[kEgress].size(), row.egress ? row.egress_rules : 0) << row.what;
  }
}

TEST(Lowering, ClusterWidePoliciesIsolateNobody) {
  for (const LoweredPolicy& policy : Lower(OneOfEach())) {
    const bool namespaced = policy.tier == Tier::kNetworkPolicy;
    EXPECT_EQ(policy.isolates[kIngress], namespaced) << policy.name;
  }
}

TEST(Lowering, ALegacyPolicyIsolatesOnlyWhereTheNamespaceIsAnnotated) {
  PolicyInput input;
  input.policies = {Named("plain", "p"), Named("shut", "p")};
  for (NetworkPolicy& policy : input.policies) policy.legacy = true;
  input.namespaces = {{"shut", {}, true}, {"plain", {}, false}};
  EXPECT_EQ(NamesOf(input), (std::vector<std::string>{"Namespace shut", "NetworkPolicy shut/p"}));
  EXPECT_FALSE(Lower(input)[1].isolates[kIngress]) << "the namespace does";
  input.legacy_policy = LegacyPolicy::kV1;
  EXPECT_EQ(NamesOf(input),
            (std::vector<std::string>{"NetworkPolicy plain/p", "NetworkPolicy shut/p"}));
  EXPECT_TRUE(Lower(input)[0].isolates[kIngress]);
}

LoweredRule LowerOne(const ClusterRule& rule) {
  PolicyInput input;
  input.cluster_policies = {{.name = "p", .tier = "Admin", .egress = {rule}}};
  return Lower(input).at(0).rules[kEgress].at(0);
}

bool MatchesNothing(const LoweredRule& rule) { return rule.peers && rule.peers->empty(); }
bool DeniesEverything(const LoweredRule& rule) {
  return rule.action == Action::kDeny && !rule.peers && rule.named_ports.empty() &&
         rule.ports == std::vector<PortRange>{PortRange{}};
}

TEST(Lowering, ARuleWithAKindThatIsNotKnownFailsClosed) {
  const std::vector<std::pair<std::vector<ClusterPeer>, std::vector<ClusterPort>>> unknown = {
      {{UnknownKind{"a"}}, {}},
      {{PodsPeer{}, UnknownKind{"a"}}, {PortNumbers{"TCP", 80, 80}}},
      {{PodsPeer{}}, {UnknownKind{"b"}}},
      {{PodsPeer{}}, {PortNumbers{"UDP", 53, 53}, UnknownKind{"b"}}},
      {{UnknownKind{"a"}}, {PortName{"web"}, UnknownKind{"b"}}},
  };
  for (size_t i = 0; i < unknown.size(); ++i) {
    const auto& [peers, ports] = unknown[i];
    const LoweredRule accept =
        LowerOne({.name = "r", .action = "Accept", .peers = peers, .ports = ports});
    EXPECT_EQ(accept.action, Action::kAllow) << i;
    EXPECT_TRUE(MatchesNothing(accept)) << i;
    for (const char* action : {"Deny", "Pass"}) {
      const LoweredRule rule =
          LowerOne({.name = "r", .action = action, .peers = peers, .ports = ports});
      EXPECT_TRUE(DeniesEverything(rule)) << action << " " << i;
      EXPECT_EQ(rule.name, "r");
    }
  }
}

TEST(Lowering, DomainNamesMatchNothingAndLeaveTheOtherPeersAlone) {
  const DomainNamesPeer names{{"*.example.org"}};
  EXPECT_TRUE(MatchesNothing(LowerOne({.name = "", .action = "Accept", .peers = {names}})));
  const LoweredRule both =
      LowerOne({.name = "", .action = "Accept", .peers = {names, NetworksPeer{{"10.0.0.0/8"}}}});
  ASSERT_EQ(both.peers->size(), 1u);
  EXPECT_EQ(std::get<AddressBlock>(both.peers->at(0)).cidr, *Cidr::Parse("10.0.0.0/8"));
}

TEST(Lowering, ARuleGoesByItsPlaceUnlessItHasAName) {
  PolicyInput input;
  const ClusterRule nameless{.name = "", .action = "Deny", .peers = {PodsPeer{}}};
  input.cluster_policies = {
      {.name = "p",
       .tier = "Admin",
       .ingress = {nameless, {.name = "two", .action = "Deny", .peers = {PodsPeer{}}}, nameless}}};
  const std::vector<LoweredRule> rules = Lower(input).at(0).rules[kIngress];
  EXPECT_EQ(rules[0].name, "ingress[0]");
  EXPECT_EQ(rules[1].name, "two");
  EXPECT_EQ(rules[2].name, "ingress[2]");
}

// Sorted, apart, and the same ports as the entries had.
TEST(Lowering, PortsOfARuleAreTheirUnionInNormalForm) {
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    RandomSource random(seed);
    NetworkPolicyRule rule;
    std::set<std::pair<int, int>> expected;  // protocol, port
    for (size_t i = 1 + random.Below(6); i > 0; --i) {
      const char* protocol = random.Pick({"TCP", "UDP", ""});
      const auto first =
          static_cast<int64_t>(random.Chance(20) ? 65526 + random.Below(10) : 1 + random.Below(40));
      const int64_t last = std::min<int64_t>(65535, first + static_cast<int64_t>(random.Below(12)));
      rule.ports.push_back(Port(protocol, first, last));
      for (int64_t port = first; port <= last; ++port) {
        expected.emplace(ProtocolNumber(protocol), port);
      }
    }
    PolicyInput input;
    input.policies = {Named("n", "p")};
    input.policies[0].ingress = {rule};
    const std::vector<PortRange> ports = Lower(input).at(0).rules[kIngress].at(0).ports;
    std::set<std::pair<int, int>> seen;
    for (size_t i = 0; i < ports.size(); ++i) {
      EXPECT_LE(ports[i].first, ports[i].last);
      for (unsigned port = ports[i].first; port <= ports[i].last; ++port) {
        seen.emplace(ports[i].protocol, port);
      }
      if (i == 0 || ports[i].protocol != ports[i - 1].protocol) continue;
      EXPECT_GT(ports[i].first, ports[i - 1].last + 1) << "these two touch";
    }
    EXPECT_TRUE(std::ranges::is_sorted(ports));
    EXPECT_EQ(seen, expected);
  }
}

TEST(Lowering, PortsThatAreNotSaid) {
  const auto ports_of = [](std::vector<NetworkPolicyPort> ports) {
    PolicyInput input;
    input.policies = {Named("n", "p")};
    input.policies[0].ingress = {{.peers = {}, .ports = std::move(ports)}};
    return Lower(input).at(0).rules[kIngress].at(0);
  };
  EXPECT_EQ(ports_of({}).ports, std::vector<PortRange>{PortRange{}}) << "every protocol";
  const PortRange tcp{.protocol = ProtocolNumber("TCP"), .first = 0, .last = 0xffff};
  EXPECT_EQ(ports_of({{}}).ports, std::vector<PortRange>{tcp}) << "an entry is TCP";
  const LoweredRule named = ports_of({NamedPortOf("UDP", "dns")});
  EXPECT_TRUE(named.ports.empty());
  EXPECT_EQ(named.named_ports, (std::vector<PortReference>{{"dns", ProtocolNumber("UDP")}}));
  EXPECT_EQ(
      LowerOne({.name = "", .action = "Deny", .peers = {PodsPeer{}}, .ports = {PortName{"x"}}})
          .named_ports,
      (std::vector<PortReference>{{"x", kEveryProtocol}}));
}

TEST(Lowering, ExceptBelongsToItsBlock) {
  PolicyInput input;
  input.policies = {Named("n", "p")};
  input.policies[0].ingress = {
      {.peers = {Block("10.0.0.0/8", {"10.1.0.0/16", "10.2.0.0/16"}), Block("10.1.0.0/16")}}};
  const auto peers = *Lower(input).at(0).rules[kIngress].at(0).peers;
  ASSERT_EQ(peers.size(), 2u);
  EXPECT_EQ(std::get<AddressBlock>(peers[0]).except.size(), 2u);
  EXPECT_TRUE(std::get<AddressBlock>(peers[1]).except.empty());
}

}  // namespace
}  // namespace sluice::acl
