// What Compile makes: classes, the address map, flat rules and where they came from. Who reaches
// whom is in semantics_*_test.cc.
#include "acl/compiler.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "tests/unit/acl/cluster.h"

namespace sluice::acl {
namespace {

CompiledPolicy Compiled(const PolicyInput& input) {
  absl::StatusOr<CompiledPolicy> compiled = Compile(input);
  EXPECT_TRUE(compiled.ok()) << compiled.status();
  return *std::move(compiled);
}

NetworkPolicy DenyAll(const std::string& name) {
  return {.namespace_name = "default", .name = name};
}

Endpoint Pod(const std::string& namespace_name, const std::string& name, Labels labels,
             const std::string& address) {
  return {.namespace_name = namespace_name,
          .name = name,
          .labels = std::move(labels),
          .addresses = {Address(address)}};
}

TEST(Classes, LabelsThatNoPolicyLooksAtNeverSplitOne) {
  PolicyInput input;
  input.policies = {DenyAll("p")};
  input.policies[0].pod_selector = Having({{"app", "web"}});
  for (int i = 1; i <= 50; ++i) {
    input.endpoints.push_back(Pod("default", "web-" + std::to_string(i),
                                  {{"app", "web"}, {"pod-template-hash", std::to_string(i)}},
                                  "10.0.0." + std::to_string(i)));
    input.endpoints.push_back(Pod("default", "other-" + std::to_string(i),
                                  {{"app", "other-" + std::to_string(i)}},
                                  "10.0.1." + std::to_string(i)));
  }
  const CompiledPolicy compiled = Compiled(input);
  EXPECT_EQ(compiled.classes.size(), 4u);  // unknown, web, any other pod, outside
}

TEST(Classes, AddressesOfOnePodMayDifferInClass) {
  PolicyInput input = Cluster::Standard();
  input.policies = {DenyAll("p")};
  input.policies[0].ingress = {{.peers = {Block("10.0.0.0/24")}}};
  const CompiledPolicy compiled = Compiled(input);
  EXPECT_NE(compiled.addresses.Lookup(Address("10.0.0.1")),
            compiled.addresses.Lookup(Address("fd00::1")));
  const SubjectClasses web = compiled.subjects.at({"default", "web"});
  EXPECT_EQ(web.v4, compiled.addresses.Lookup(Address("10.0.0.1")));
  EXPECT_EQ(web.v6, compiled.addresses.Lookup(Address("fd00::1")));
}

TEST(Classes, APodWithoutAnAddressOfAFamilyIsASubjectOfThatFamilyAllTheSame) {
  PolicyInput input;
  input.endpoints = {Pod("default", "web", {}, "10.0.0.1")};
  input.policies = {DenyAll("p")};
  input.policies[0].ingress = {{.peers = {Block("10.0.0.0/24")}}};
  const SubjectClasses web = Compiled(input).subjects.at({"default", "web"});
  EXPECT_NE(web.v6, kUnknownClass);
  EXPECT_NE(web.v6, web.v4);
}

TEST(Classes, AllPodsANamespaceAndABlockAreOneRangeEach) {
  PolicyInput input;
  input.all_local = true;
  for (int ns = 0; ns < 4; ++ns) {
    for (int app = 0; app < 5; ++app) {
      const std::string n = "ns-" + std::to_string((ns * 3) % 4);
      input.endpoints.push_back(Pod(n, "pod-" + std::to_string(app),
                                    {{"app", std::to_string((app * 2) % 5)}},
                                    "10.0." + std::to_string(ns) + "." + std::to_string(app + 1)));
      input.policies.push_back({.namespace_name = n,
                                .name = "app-" + std::to_string(app),
                                .pod_selector = Having({{"app", std::to_string(app)}})});
    }
  }
  const auto count_allows = [&](NetworkPolicyPeer peer) {
    PolicyInput with = input;
    with.policies.push_back({.namespace_name = "ns-0",
                             .name = "one",
                             .pod_selector = Having({{"app", "0"}}),
                             .ingress = {{.peers = {peer}}}});
    const RuleTable table = Compiled(with).table;
    return std::count_if(table.rules.begin(), table.rules.end(),
                         [](const FlatRule& rule) { return rule.action == Action::kAllow; });
  };
  EXPECT_EQ(count_allows(Namespaces({})), 1);
  EXPECT_EQ(count_allows(Namespaces(Having("kubernetes.io/metadata.name", "In", {"ns-2"}))), 1);
  EXPECT_EQ(count_allows(Pods({})), 1);
  EXPECT_EQ(count_allows(Block("203.0.113.0/24")), 1);
}

TEST(Classes, OfPodsComeBeforeThoseOfOutsideAddresses) {
  PolicyInput input = Cluster::Standard();
  input.policies = {DenyAll("p")};
  const CompiledPolicy compiled = Compiled(input);
  for (const auto& [name, classes] : compiled.subjects) {
    EXPECT_LT(classes.v4, compiled.addresses.Lookup(Address("203.0.113.9"))) << name.second;
  }
}

TEST(Classes, DescribeTheirMembers) {
  PolicyInput input = Cluster::Standard();
  input.policies = {DenyAll("p")};
  input.policies[0].pod_selector = Having({{"app", "web"}});
  input.policies[0].ingress = {
      {.peers = {Block("203.0.113.0/24"), PodsOf(Having("team", "Exists"), Having({{"a", "b"}})),
                 Namespaces(Having("team", "NotIn", {"x", "y"}))},
       .ports = {NamedPortOf("TCP", "http")}}};
  const CompiledPolicy compiled = Compiled(input);
  const ClassInfo& web = compiled.classes[compiled.subjects.at({"default", "web"}).v4];
  EXPECT_EQ(web.selectors,
            (std::vector<std::string>{"all pods", "pods of namespaces with team notin (x,y)",
                                      "pods of namespace default with app=web",
                                      "pods with port http = TCP/8080"}));
  EXPECT_EQ(web.endpoint_addresses, 2u);
  const auto of = [&](const std::string& text) {
    return compiled.classes[compiled.addresses.Lookup(Address(text))].selectors;
  };
  EXPECT_EQ(of("203.0.113.1"), std::vector<std::string>{"203.0.113.0/24"});
  EXPECT_EQ(of("198.51.100.1"), std::vector<std::string>{"any other address"});
  EXPECT_EQ(of("10.0.99.1"),
            std::vector<std::string>{"unknown: inside the cluster, of no known pod"});
}

TEST(Classes, TooManyAreRefusedWithTheFigure) {
  PolicyInput input;
  NetworkPolicy policy = DenyAll("p");
  policy.ingress.emplace_back();
  for (int i = 0; i < 256 * 256; ++i) {
    policy.ingress[0].peers.push_back(
        Block("10." + std::to_string(i / 256) + "." + std::to_string(i % 256) + ".0/24"));
  }
  input.policies = {policy};
  const absl::Status status = Compile(input).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(std::string(status.message()),
            "policies tell 65537 classes of peers apart; the limit is 65535");
}

TEST(Unknown, AddressesInsideTheClusterHaveNoClass) {
  PolicyInput input = Cluster::Standard();
  input.policies = {DenyAll("p")};
  input.policies[0].ingress = {
      {.peers = {Block("10.0.0.0/8"), Block("10.0.99.0/24"), Block("fd00::/16")}}};
  const AddressMap& map = Compiled(input).addresses;
  for (const char* text : {"10.0.50.1", "10.0.99.1", "10.0.255.255", "fd00::9999"}) {
    EXPECT_EQ(map.Lookup(Address(text)), kUnknownClass) << text;
  }
  for (const char* text : {"10.1.0.0", "0.0.0.0", "255.255.255.255", "fd00:0:0:1::", "::"}) {
    EXPECT_NE(map.Lookup(Address(text)), kUnknownClass) << text;
  }
}

TEST(Unknown, MatchesNoAllowAndEveryDefaultDeny) {
  PolicyInput input = Cluster::Standard();
  input.policies = {DenyAll("p")};
  input.policies[0].ingress = {{}, {.peers = {Block("0.0.0.0/0")}}, {.peers = {Namespaces({})}}};
  for (const FlatRule& rule : Compiled(input).table.rules) {
    EXPECT_EQ(rule.src.Contains(kUnknownClass), rule.action == Action::kDeny);
    EXPECT_FALSE(rule.dst.Contains(kUnknownClass));
  }
}

TEST(Addresses, OneThatTwoPodsClaimIsNobodysUnlessTheyAreAlike) {
  PolicyInput input;
  input.policies = {DenyAll("p")};
  input.policies[0].pod_selector = Having({{"app", "web"}});
  input.endpoints = {Pod("default", "a", {{"app", "web"}}, "10.0.0.1"),
                     Pod("default", "b", {{"app", "web"}}, "10.0.0.1")};
  EXPECT_NE(Compiled(input).addresses.Lookup(Address("10.0.0.1")), kUnknownClass);
  input.endpoints[0].labels = {};
  EXPECT_EQ(Compiled(input).addresses.Lookup(Address("10.0.0.1")), kUnknownClass);
}

TEST(Addresses, ALocalPodsAddressIsNotOverwrittenByARemoteOne) {
  PolicyInput input;
  input.policies = {DenyAll("p")};
  input.policies[0].pod_selector = Having({{"app", "web"}});
  for (const char* local : {"a", "b"}) {
    input.endpoints = {Pod("default", "a", {{"app", "web"}}, "10.0.0.1"),
                       Pod("default", "b", {}, "10.0.0.1")};
    input.local = {{"default", local}};
    const CompiledPolicy compiled = Compiled(input);
    EXPECT_EQ(compiled.addresses.Lookup(Address("10.0.0.1")),
              compiled.subjects.at({"default", local}).v4);
  }
}

TEST(Rules, AreMadeForLocalSubjectsOnly) {
  PolicyInput input = Cluster::Standard();
  input.all_local = false;
  input.policies = {DenyAll("p"), DenyAll("q")};
  input.policies[0].pod_selector = Having({{"app", "web"}});
  input.policies[0].ingress = {{.ports = {Port("TCP", 80)}}};
  input.policies[1].pod_selector = Having({{"role", "db"}});
  input.policies[1].ingress = {{.ports = {Port("TCP", 81)}}};
  EXPECT_TRUE(Compiled(input).table.rules.empty());
  EXPECT_TRUE(Compiled(input).table.sources.empty());
  input.local = {{"default", "web"}};
  const CompiledPolicy compiled = Compiled(input);
  ASSERT_EQ(compiled.table.rules.size(), 2u);
  for (const FlatRule& rule : compiled.table.rules) {
    EXPECT_TRUE(rule.dst.Contains(compiled.subjects.at({"default", "web"}).v4));
    EXPECT_FALSE(rule.dst.Contains(compiled.subjects.at({"default", "db"}).v4));
  }
}

TEST(Rules, PrioritiesAreUniqueInADirectionAndAllowsAreAboveDenies) {
  PolicyInput input = Cluster::Standard();
  for (const char* name : {"p", "q", "r"}) {
    NetworkPolicy policy = DenyAll(name);
    policy.policy_types = {"Ingress", "Egress"};
    policy.ingress = {{.peers = {Pods({})}, .ports = {Port("TCP", 80), Port("UDP", 53)}}};
    policy.egress = {{.peers = {Namespaces({})}, .ports = {Port("TCP", name[0], name[0])}}};
    input.policies.push_back(policy);
  }
  const RuleTable table = Compiled(input).table;
  for (const Direction direction : {Direction::kEgress, Direction::kIngress}) {
    std::set<int32_t> priorities;
    int32_t lowest_allow = INT32_MAX, highest_deny = 0;
    for (const FlatRule& rule : table.rules) {
      if (rule.direction != direction) continue;
      EXPECT_TRUE(priorities.insert(rule.priority).second);
      EXPECT_GE(rule.priority, 1);
      if (rule.action == Action::kAllow) lowest_allow = std::min(lowest_allow, rule.priority);
      if (rule.action == Action::kDeny) highest_deny = std::max(highest_deny, rule.priority);
    }
    EXPECT_GE(priorities.size(), 3u);
    EXPECT_GT(lowest_allow, highest_deny);
  }
}

TEST(Rules, ThatRepeatAnEarlierAllowAreLeftOut) {
  PolicyInput input = Cluster::Standard();
  for (const char* name : {"p", "q", "r"}) {
    input.policies.push_back(DenyAll(name));
    input.policies.back().ingress = {{.peers = {Pods({})}}, {.peers = {Pods({})}}};
  }
  const RuleTable table = Compiled(input).table;
  EXPECT_EQ(std::count_if(table.rules.begin(), table.rules.end(),
                          [](const FlatRule& rule) { return rule.action == Action::kAllow; }),
            1);
}

TEST(Sources, TheFirstPolicyByNameIsTheNamedWinner) {
  PolicyInput input = Cluster::Standard();
  input.policies = {DenyAll("z"), DenyAll("a"), DenyAll("m")};
  input.policies[0].ingress = {{}};
  input.policies[2].ingress = {{.ports = {Port("UDP", 1)}}, {.ports = {Port("TCP", 80)}}};
  const Cluster cluster(input);
  EXPECT_EQ(cluster.Try("other/job", "default/web", "tcp", 80).ingress.decided_by,
            "NetworkPolicy default/m ingress[1]");
  EXPECT_EQ(cluster.Try("other/job", "default/web", "tcp", 81).ingress.decided_by,
            "NetworkPolicy default/z ingress[0]");
}

TEST(Sources, ADefaultDenyNamesAllIsolatingPoliciesSorted) {
  PolicyInput input = Cluster::Standard();
  input.policies = {DenyAll("z"), DenyAll("a"), DenyAll("m")};
  input.policies[1].pod_selector = Having({{"app", "web"}});
  input.policies[2].policy_types = {"Egress"};
  const Cluster cluster(input);
  const Outcome web = cluster.Try("other/job", "default/web", "tcp", 80);
  EXPECT_FALSE(web.reaches());
  EXPECT_EQ(web.ingress.decided_by, "NetworkPolicy default/a, NetworkPolicy default/z");
  EXPECT_EQ(cluster.Try("other/job", "default/db", "tcp", 80).ingress.decided_by,
            "NetworkPolicy default/z");
  EXPECT_EQ(cluster.Try("default/db", "other/job", "tcp", 80).egress.decided_by,
            "NetworkPolicy default/m");
}

TEST(Compile, APolicyThatIsNotValidIsRefused) {
  PolicyInput input;
  input.policies = {DenyAll("p")};
  input.policies[0].ingress = {{.peers = {Block("10.0.0.0/64")}}};
  EXPECT_EQ(Compile(input).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(Compile, TwoObjectsOfOneNameAreRefused) {
  PolicyInput input;
  input.policies = {DenyAll("p"), DenyAll("p")};
  EXPECT_EQ(std::string(Compile(input).status().message()),
            "NetworkPolicy default/p is given twice");
  input.policies.pop_back();
  input.endpoints = {Pod("default", "web", {}, "10.0.0.1"), Pod("default", "web", {}, "10.0.0.2")};
  EXPECT_EQ(std::string(Compile(input).status().message()), "Pod default/web is given twice");
}

TEST(Compile, NothingAtAllIsFine) {
  const CompiledPolicy compiled = Compiled({});
  EXPECT_TRUE(compiled.table.rules.empty());
  EXPECT_NE(compiled.addresses.Lookup(Address("10.0.0.1")), kUnknownClass);
  EXPECT_NE(compiled.addresses.Lookup(Address("::1")), kUnknownClass);
}

}  // namespace
}  // namespace sluice::acl
