// Two tenants, one of them greedy: what it has no room for is refused, by name and with the figure,
// and the other goes on.
#include "control/rule_shares.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "control/publisher.h"
#include "control/rebuilder.h"
#include "tests/unit/control/objects.h"
#include "tests/unit/control/switch_fixture.h"

namespace sluice::control {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr char kSource[] = "test";
constexpr TenantShares kShares = {.a_namespace = 20, .cluster_wide = 10};

std::vector<acl::NetworkPolicyPort> Ports(unsigned count, int64_t first) {
  std::vector<acl::NetworkPolicyPort> ports;
  for (unsigned i = 0; i < count; ++i) ports.push_back({"TCP", first + 2 * i, std::nullopt});
  return ports;
}

// Becomes `rules` flat rules and a default deny: rules of no other policy, as its name's first
// letter is its own.
acl::NetworkPolicy Policy(const std::string& tenant, const std::string& name, unsigned rules) {
  acl::NetworkPolicy policy = DenyAll(name);
  policy.namespace_name = tenant;
  if (rules > 0) policy.ingress = {{{}, Ports(rules, 200 * (name[0] - 'a') + 100)}};
  return policy;
}

acl::ClusterPolicy Admin(const std::string& name, unsigned rules) {
  acl::ClusterPolicy policy{.name = name, .tier = "Admin"};
  policy.ingress = {{.action = "Deny", .peers = {acl::PodsPeer{}}}};
  for (unsigned i = 0; i < rules; ++i) {
    const auto port = int64_t{100 + 2 * i};
    policy.ingress[0].ports.emplace_back(acl::PortNumbers{"TCP", port, port});
  }
  return policy;
}

acl::Endpoint PodIn(const std::string& tenant, const std::string& name, const std::string& address,
                    acl::Labels labels = {}) {
  acl::Endpoint pod = Pod(name, address, std::move(labels));
  pod.namespace_name = tenant;
  return pod;
}

dataplane::PortSpec PortOf(const std::string& tenant, unsigned number) {
  dataplane::PortSpec spec = RingPort(tenant, "web", fmt::format("02:00:00:00:00:0{}", number),
                                      fmt::format("10.0.0.{}", number));
  spec.pod_namespace = tenant;
  return spec;
}

std::vector<std::string> NamesOf(const std::vector<Refusal>& refusals) {
  std::vector<std::string> names;
  for (const Refusal& refusal : refusals) names.push_back(refusal.key.ToString());
  return names;
}

// A switch with a pod of each tenant.
class Bed {
 public:
  enum class Ports : uint8_t { kNo, kYes };

  explicit Bed(Ports ports = Ports::kYes) {
    PublisherConfig config;
    config.state.rules = kShares;
    auto created = Publisher::Create(fixture_.data_plane(), config);
    EXPECT_TRUE(created.ok()) << created.status();
    publisher_ = *std::move(created);
    Must(Apply(PodIn("greedy", "web", "10.0.0.1")));
    Must(Apply(PodIn("meek", "web", "10.0.0.2")));
    if (ports == Ports::kNo) return;
    Must(Do(AddPortCommand{PortOf("greedy", 1)}));
    Must(Do(AddPortCommand{PortOf("meek", 2)}));
  }

  Result Do(const Command& command) { return std::move(publisher_->Process({&command, 1})[0]); }
  Result Apply(Object object) {
    return Do(ApplyCommand{kSource, {Candidate::Of(std::move(object))}, OnRefusal::kRefuseAll});
  }
  Result Sync(std::vector<Object> objects) {
    SyncCommand sync{kSource, {}, "1"};
    objects.emplace_back(PodIn("greedy", "web", "10.0.0.1"));
    objects.emplace_back(PodIn("meek", "web", "10.0.0.2"));
    for (Object& object : objects) sync.objects.push_back(Candidate::Of(std::move(object)));
    return Do(sync);
  }
  // As the rebuilder does, after edits.
  void Rebuild() {
    Must(Do(AdoptCommand{std::make_shared<Rebuilt>(control::Rebuild(publisher_->view(), {}))}));
  }

  const DesiredState& state() { return *publisher_->view()->state; }
  bool InForce(const std::string& tenant, const std::string& name) {
    const auto found = state().policies().find({tenant, name});
    return found != state().policies().end() && !found->second.stand_in;
  }
  size_t RulesOf(const std::string& tenant) {
    const auto whole = BuildPolicy(MakePolicyInput(state(), {}), nullptr, {});
    EXPECT_TRUE(whole.ok()) << whole.status();
    const TenantRules& rules = *whole->base.in_force.tenants;
    return rules.contains(tenant) ? rules.at(tenant) : 0;
  }

  static void Must(const Result& result) { EXPECT_TRUE(result.ok()) << result.status(); }

 private:
  SwitchFixture fixture_;
  std::unique_ptr<Publisher> publisher_;
};

class RuleSharesTest : public ::testing::Test {
 protected:
  RuleSharesTest() { spdlog::set_level(spdlog::level::off); }
  ~RuleSharesTest() override { spdlog::set_level(spdlog::level::info); }

  static void ExpectCrosses(const Result& result, const std::string& text) {
    EXPECT_EQ(result.status().code(), absl::StatusCode::kResourceExhausted) << result.status();
    EXPECT_THAT(std::string(result.status().message()), HasSubstr(text));
  }
};

TEST_F(RuleSharesTest, TheGreedyTenantIsRefusedAndTheOtherGoesOn) {
  Bed bed;
  ExpectCrosses(bed.Apply(Policy("greedy", "big", 21)),
                "NetworkPolicy greedy/big: spec: with the 21 flat rules that it becomes namespace "
                "greedy would have 21 on network default, more than 20");
  Bed::Must(bed.Apply(Policy("greedy", "fits", 20)));
  Bed::Must(bed.Apply(Policy("meek", "own", 20)));
  ExpectCrosses(bed.Apply(Policy("greedy", "more", 2)), "NetworkPolicy greedy/more: spec: ");
  Bed::Must(bed.Apply(Policy("meek", "own", 10)));
  EXPECT_EQ(bed.RulesOf("greedy"), 20u);
}

TEST_F(RuleSharesTest, SmallEditsAddUpWhetherOrNotTheyAreBuiltWholeBetween) {
  for (const bool rebuilt : {false, true}) {
    Bed bed;
    for (const char* name : {"a", "b", "c", "d"}) {
      Bed::Must(bed.Apply(Policy("greedy", name, 5)));
      if (rebuilt) bed.Rebuild();
    }
    EXPECT_EQ(bed.RulesOf("greedy"), 20u);
    ExpectCrosses(bed.Apply(Policy("greedy", "e", 1)), "NetworkPolicy greedy/e: spec: ");
    Bed::Must(bed.Apply(Policy("greedy", "a", 4)));
    Bed::Must(bed.Apply(Policy("greedy", "e", 1)));
  }
}

TEST_F(RuleSharesTest, ARefusedVersionLeavesTheAcceptedOneInForce) {
  Bed bed;
  Bed::Must(bed.Apply(Policy("greedy", "a", 10)));
  const Command grown = ApplyCommand{
      kSource, Candidates(Policy("greedy", "a", 30), Policy("meek", "a", 15)), OnRefusal::kSkip};
  const Result result = bed.Do(grown);
  Bed::Must(result);
  EXPECT_THAT(NamesOf(result->refusals), ElementsAre("NetworkPolicy greedy/a"));
  EXPECT_EQ(result->refusals[0].field, "spec");
  EXPECT_EQ(bed.RulesOf("greedy"), 10u);
  EXPECT_EQ(bed.RulesOf("meek"), 15u);
}

TEST_F(RuleSharesTest, OfAWholeSetTheSameAreRefusedInWhateverOrderItComes) {
  std::vector<Object> objects = {Policy("greedy", "a", 15), Policy("greedy", "b", 5),
                                 Policy("greedy", "c", 40), Policy("meek", "a", 20)};
  std::vector<size_t> order = {0, 1, 2, 3};
  do {
    Bed bed;
    std::vector<Object> shuffled;
    for (const size_t place : order) shuffled.push_back(objects[place]);
    const Result result = bed.Sync(std::move(shuffled));
    Bed::Must(result);
    std::vector<std::string> refused = NamesOf(result->refusals);
    std::ranges::sort(refused);
    EXPECT_THAT(refused, ElementsAre("NetworkPolicy greedy/c"));
    EXPECT_TRUE(bed.InForce("greedy", "a"));
    EXPECT_TRUE(bed.InForce("greedy", "b"));
    EXPECT_TRUE(bed.InForce("meek", "a"));
  } while (std::ranges::next_permutation(order).found);
}

TEST_F(RuleSharesTest, WhatWasInForceStaysWhenTheWholeSetComesAgain) {
  const std::vector<Object> all = {Policy("greedy", "a", 15), Policy("meek", "a", 15),
                                   Policy("greedy", "z", 18)};
  for (const bool turned : {false, true}) {
    Bed bed;
    Bed::Must(bed.Apply(Policy("greedy", "z", 18)));
    ExpectCrosses(bed.Apply(Policy("greedy", "big", 30)), "greedy/big");
    std::vector<Object> objects = all;
    std::get<acl::NetworkPolicy>(objects[0]).ingress[0].ports = Ports(30, 100);
    if (turned) std::ranges::reverse(objects);
    const Result result = bed.Sync(objects);
    Bed::Must(result);
    EXPECT_THAT(NamesOf(result->refusals), ElementsAre("NetworkPolicy greedy/a"));
    EXPECT_TRUE(bed.InForce("greedy", "z"));
    EXPECT_TRUE(bed.InForce("meek", "a"));
  }
}

// Objects first, then ports, then the source sends all that it has: as sluiced starts.
TEST_F(RuleSharesTest, AfterARestartTheSameAreRefused) {
  Bed bed(Bed::Ports::kNo);
  Bed::Must(bed.Sync({Policy("greedy", "z", 18), Policy("meek", "a", 15)}));
  Bed::Must(bed.Do(AddPortCommand{PortOf("meek", 2)}));
  Bed::Must(bed.Do(AddPortCommand{PortOf("greedy", 1)}));
  const Result again =
      bed.Sync({Policy("greedy", "a", 30), Policy("greedy", "z", 18), Policy("meek", "a", 15)});
  Bed::Must(again);
  EXPECT_THAT(NamesOf(again->refusals), ElementsAre("NetworkPolicy greedy/a"));
  EXPECT_TRUE(bed.InForce("greedy", "z"));
}

// Policies without pods become no rules.
TEST_F(RuleSharesTest, PodsThatComeToPoliciesTooLargeAreHeldUpAndNotThoseOfOthers) {
  Bed bed(Bed::Ports::kNo);
  Bed::Must(bed.Apply(Policy("greedy", "big", 30)));
  ExpectCrosses(bed.Do(AddPortCommand{PortOf("greedy", 1)}),
                "namespace greedy would have 30 flat rules on network default, more than 20");
  Bed::Must(bed.Do(AddPortCommand{PortOf("meek", 2)}));
  Bed::Must(bed.Apply(Policy("meek", "own", 20)));
  Bed::Must(bed.Apply(Policy("greedy", "big", 20)));
  Bed::Must(bed.Do(AddPortCommand{PortOf("greedy", 1)}));
}

TEST_F(RuleSharesTest, ClusterWidePoliciesHaveAnAllotmentOfTheirOwn) {
  Bed bed;
  Bed::Must(bed.Apply(Admin("fits", 10)));
  ExpectCrosses(bed.Apply(Admin("more", 11)),
                "ClusterNetworkPolicy more: spec: with the 1 flat rules that it becomes "
                "cluster-wide policies would have 11 on network default, more than 10");
  Bed::Must(bed.Apply(Policy("greedy", "own", 20)));
  Bed::Must(bed.Apply(Policy("meek", "own", 20)));
}

// What stands in for a refused policy isolates other pods, too: their default denies are no rules
// of the tenant's.
TEST_F(RuleSharesTest, ATenantAtItsShareIsNotHeldUpByWhatStandsInForARefusedPolicy) {
  Bed bed;
  acl::NetworkPolicy full = Policy("greedy", "a", 20);
  full.pod_selector.match_labels = {{"app", "other"}};
  Bed::Must(bed.Apply(PodIn("greedy", "web", "10.0.0.1", {{"app", "other"}})));
  Bed::Must(bed.Apply(full));
  const Result result = bed.Do(ApplyCommand{
      kSource, Candidates(Policy("greedy", "b", 30), Policy("greedy", "c", 0)), OnRefusal::kSkip});
  Bed::Must(result);
  EXPECT_THAT(NamesOf(result->refusals), ElementsAre("NetworkPolicy greedy/b"));
  EXPECT_TRUE(bed.InForce("greedy", "c"));
  acl::ClusterPolicy large = Admin("large", 11);
  Bed::Must(bed.Apply(Admin("fits", 10)));
  const Result cluster =
      bed.Do(ApplyCommand{kSource, Candidates(large, Policy("meek", "a", 20)), OnRefusal::kSkip});
  Bed::Must(cluster);
  EXPECT_THAT(NamesOf(cluster->refusals), ElementsAre("ClusterNetworkPolicy large"));
}

// A policy that admits pods with label x and pods with label y, each of them a range of classes as
// long as nobody of another namespace than theirs has both.
class SplitClassesTest : public RuleSharesTest {
 protected:
  void AdmitThoseOf(const std::string& tenant) {
    acl::NetworkPolicy policy = Policy("greedy", "a", 0);
    for (const char* label : {"x", "y"}) {
      acl::NetworkPolicyPeer peer;
      peer.namespace_selector = acl::LabelSelector{};
      peer.pod_selector = acl::LabelSelector{{{label, "1"}}, {}};
      policy.ingress.push_back({{peer}, Ports(9, 100)});
    }
    Bed::Must(bed_.Apply(PodIn(tenant, "x", "10.0.1.1", {{"x", "1"}})));
    Bed::Must(bed_.Apply(PodIn(tenant, "y", "10.0.1.2", {{"y", "1"}})));
    Bed::Must(bed_.Apply(policy));
    EXPECT_EQ(bed_.RulesOf("greedy"), 18u);
  }

  static acl::Endpoint Both(const std::string& tenant) {
    return PodIn(tenant, "both", "10.0.1.3", {{"x", "1"}, {"y", "1"}});
  }

  Bed bed_;
};

TEST_F(SplitClassesTest, GrowthByAnothersPodIsNotHeldAgainstIt) {
  AdmitThoseOf("greedy");
  Bed::Must(bed_.Apply(Both("meek")));
  EXPECT_EQ(bed_.RulesOf("greedy"), 27u);
  ExpectCrosses(bed_.Apply(Policy("greedy", "b", 12)), "NetworkPolicy greedy/b");
  Bed::Must(bed_.Apply(PodIn("greedy", "web", "10.0.0.1", {{"new", "label"}})));
  Bed::Must(bed_.Apply(Policy("greedy", "a", 20)));
}

TEST_F(SplitClassesTest, GrowthByItsOwnPodIs) {
  AdmitThoseOf("meek");
  ExpectCrosses(bed_.Apply(Both("greedy")), "namespace greedy would have 27 flat rules");
  EXPECT_EQ(bed_.RulesOf("greedy"), 18u);
}

}  // namespace
}  // namespace sluice::control
