// Mistakes that a compiler could make, each made by compiling other objects than those that the
// result is held against.
#include "acl/meaning_proof.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <functional>
#include <set>
#include <string>
#include <vector>

#include "acl/attempt_sampler.h"
#include "acl/compiler.h"
#include "acl/universe.h"
#include "tests/unit/acl/cluster.h"

namespace sluice::acl {
namespace {

PolicyInput World() {
  PolicyInput input = Cluster::Standard();
  input.nodes = {{"node-a", {{"zone", "a"}}, {Address("192.168.0.1")}},
                 {"node-b", {{"zone", "b"}}, {Address("192.168.0.2")}}};
  Endpoint plain = input.endpoints[4];  // without labels
  plain.namespace_name = "default";
  plain.name = "plain";
  plain.addresses = {Address("10.0.0.9"), Address("fd00::9")};
  input.endpoints.push_back(plain);
  input.policies = {
      {.namespace_name = "default",
       .name = "web",
       .pod_selector = Having({{"app", "web"}}),
       .ingress = {{.peers = {PodsOf(Having({{"project", "myprojects"}}), Having({{"app", "web"}})),
                              Pods(Having("role", "NotIn", {"db"}))},
                    .ports = {Port("", 80), Port("TCP", 8000, 8010), NamedPortOf("TCP", "http")}},
                   {.peers = {Block("203.0.113.0/24", {"203.0.113.64/26"})}}}},
      {.namespace_name = "default",
       .name = "db",
       .pod_selector = Having({{"role", "db"}}),
       .policy_types = {"Ingress", "Egress"},
       .egress = {{.peers = {Namespaces({})}, .ports = {Port("UDP", 53)}}}},
  };
  ClusterPolicy admin{.name = "admin", .tier = "Admin", .priority = 10};
  admin.subject.namespaces = Having({{"team", "core"}});
  admin.ingress = {
      {.action = "Deny",
       .peers = {PodsPeer{.namespaces = Having({{"project", "myprojects"}}), .pods = {}}},
       .ports = {PortNumbers{"TCP", 8005, 8010}}}};
  admin.egress = {{.action = "Accept", .peers = {NodesPeer{Having({{"zone", "b"}})}}},
                  {.action = "Pass", .peers = {NetworksPeer{{"203.0.113.0/25"}}}},
                  {.action = "Deny", .peers = {NetworksPeer{{"203.0.113.0/24"}}}}};
  input.cluster_policies = {admin};
  return input;
}

// Compiles `compiled`, and holds the result against `meant`.
absl::Status Prove(const PolicyInput& compiled, const PolicyInput& meant, uint64_t seed = 1) {
  const auto parts = CompileParts(compiled);
  EXPECT_TRUE(parts.ok()) << parts.status();
  const auto trie = TrieClassifier::Build(parts->table);
  EXPECT_TRUE(trie.ok()) << trie.status();
  const auto proof = ProveMeaning({meant, parts->population, parts->table, **trie}, {.seed = seed});
  EXPECT_TRUE(!proof.ok() || *proof >= 500);
  return proof.status();
}

TEST(MeaningProof, APolicyThatIsCompiledAsItIsMeantPasses) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    EXPECT_EQ(Prove(World(), World(), seed), absl::OkStatus()) << "seed " << seed;
  }
}

struct Mistake {
  const char* name;
  std::function<void(PolicyInput&)> make;
};

const Mistake kMistakes[] = {
    {"EndPortIsExclusive", [](PolicyInput& in) { --*in.policies[0].ingress[0].ports[1].end_port; }},
    {"APortWithoutProtocolIsUdp",
     [](PolicyInput& in) { in.policies[0].ingress[0].ports[0].protocol = "UDP"; }},
    {"ExceptIsForgotten",
     [](PolicyInput& in) { in.policies[0].ingress[1].peers[0].ip_block->except.clear(); }},
    {"ExceptIsOneBitShort",
     [](PolicyInput& in) {
       in.policies[0].ingress[1].peers[0].ip_block->except = {"203.0.113.64/27"};
     }},
    {"TheNamespaceSelectorIsForgotten",
     [](PolicyInput& in) {
       in.policies[0].ingress[0].peers[0].namespace_selector = LabelSelector{};
     }},
    {"ThePodSelectorBesideANamespaceSelectorIsForgotten",
     [](PolicyInput& in) { in.policies[0].ingress[0].peers[0].pod_selector.reset(); }},
    {"NotInAsksForTheKey",
     [](PolicyInput& in) {
       in.policies[0].ingress[0].peers[1].pod_selector->match_expressions.push_back(
           {"role", "Exists", {}});
     }},
    {"EmptyEgressRulesDoNotIsolate",
     [](PolicyInput& in) { in.policies[1].policy_types = {"Ingress"}; }},
    {"EgressRulesAreIgnored", [](PolicyInput& in) { in.policies[1].egress.clear(); }},
    {"ThePolicySelectsAllPods", [](PolicyInput& in) { in.policies[0].pod_selector = {}; }},
    {"ThePolicyIsOfAnotherNamespace",
     [](PolicyInput& in) { in.policies[0].namespace_name = "other"; }},
    {"ANamedPortIsTheOtherPodsNumber",
     [](PolicyInput& in) {
       in.endpoints[0].named_ports = {{"http", "TCP", 9090}};
     }},
    {"RulesOfAClusterPolicyAreInTheWrongOrder",
     [](PolicyInput& in) {
       std::swap(in.cluster_policies[0].egress[1], in.cluster_policies[0].egress[2]);
     }},
    {"PassIsAccept", [](PolicyInput& in) { in.cluster_policies[0].egress[1].action = "Accept"; }},
    {"TheAdminTierIsBaseline", [](PolicyInput& in) { in.cluster_policies[0].tier = "Baseline"; }},
    {"NodesAreForgotten",
     [](PolicyInput& in) {
       in.cluster_policies[0].egress.erase(in.cluster_policies[0].egress.begin());
     }},
    {"ADenyIsForgotten", [](PolicyInput& in) { in.cluster_policies[0].ingress.clear(); }},
    {"ALabelIsOld", [](PolicyInput& in) { in.endpoints[0].labels = {}; }},
    {"AnAddressIsOld",
     [](PolicyInput& in) { in.endpoints[1].addresses[0] = Address("10.0.0.99"); }},
};

TEST(MeaningProof, EveryMistakeOfTheCompilerIsCaught) {
  for (const Mistake& mistake : kMistakes) {
    for (uint64_t seed = 1; seed <= 3; ++seed) {
      PolicyInput wrong = World();
      mistake.make(wrong);
      EXPECT_EQ(Prove(wrong, World(), seed).code(), absl::StatusCode::kInternal)
          << mistake.name << ", seed " << seed;
    }
  }
}

// One pod on a node of its own, beside others.
PolicyInput OnePodOf(const char* address) {
  PolicyInput input;
  input.endpoints.push_back({.namespace_name = "default", .name = "alone"});
  input.endpoints[0].addresses = {Address(address)};
  input.local = {{"default", "alone"}};
  return input;
}

// Among many without its family, and an address that two of them claim.
PolicyInput OddOne() {
  PolicyInput input = OnePodOf("fd00::1");
  for (int i = 0; i < 200; ++i) {
    input.endpoints.push_back({.namespace_name = "default", .name = fmt::format("pod-{}", i)});
    input.endpoints.back().addresses = {Address(fmt::format("10.0.1.{}", i / 2 + 1).c_str())};
  }
  input.policies = {{.namespace_name = "default",
                     .name = "v4",
                     .ingress = {{.peers = {Block("203.0.113.7/32")}, .ports = {Port("TCP", 80)}},
                                 {.peers = {Block("10.0.1.0/24")}}}}};
  return input;
}

TEST(MeaningProof, ASmallOrOddClusterIsAskedAboutAsOftenAsAnyOther) {
  for (const PolicyInput& input : {OnePodOf("10.0.0.1"), OnePodOf("fd00::1"), OddOne()}) {
    const auto parts = CompileParts(input);
    ASSERT_TRUE(parts.ok()) << parts.status();
    const auto trie = TrieClassifier::Build(parts->table);
    const auto proof = ProveMeaning({input, parts->population, parts->table, **trie});
    ASSERT_TRUE(proof.ok()) << proof.status();
    EXPECT_EQ(*proof, MeaningLimits().most);
  }
}

TEST(AttemptSampler, NoAttemptIsDrawnTwice) {
  for (const PolicyInput& input : {OnePodOf("10.0.0.1"), OddOne(), World()}) {
    AttemptSampler sampler(input, 1);
    std::set<std::string> drawn;
    for (int i = 0; i < 2000; ++i) {
      const RawFlow flow = sampler.Draw();
      EXPECT_EQ(flow.from.address.family, flow.to.address.family);
      EXPECT_TRUE(flow.from.pod != nullptr || flow.to.pod != nullptr);
      drawn.insert(fmt::format("{} {} {} {} {} {}", flow.from.address.ToString(),
                               flow.to.address.ToString(), flow.protocol, flow.port,
                               flow.from.pod != nullptr, flow.to.pod != nullptr));
    }
    EXPECT_EQ(drawn.size(), 2000u);
  }
}

TEST(MeaningProof, WithoutLocalPodsThereIsNothingToAsk) {
  PolicyInput input = World();
  input.all_local = false;
  const auto parts = CompileParts(input);
  const auto trie = TrieClassifier::Build(parts->table);
  const auto proof = ProveMeaning({input, parts->population, parts->table, **trie});
  ASSERT_TRUE(proof.ok()) << proof.status();
  EXPECT_EQ(*proof, 0u);
}

}  // namespace
}  // namespace sluice::acl
