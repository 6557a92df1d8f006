// An edit compiles what it touches; a rebuild beside it leaves all as if nothing had been patched.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>

#include "control/publisher.h"
#include "control/rebuilder.h"
#include "tests/unit/control/objects.h"
#include "tests/unit/control/switch_fixture.h"

namespace sluice::control {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

// Two pods with ports here, a remote one, and a policy for each of the former.
class RebuildTest : public ::testing::Test {
 protected:
  RebuildTest() {
    auto created = Publisher::Create(fixture_.data_plane(), {});
    EXPECT_TRUE(created.ok()) << created.status();
    publisher_ = *std::move(created);
    Do({AddPortCommand{RingPort("a", "a", "02:00:00:00:00:01", "10.0.0.1")},
        AddPortCommand{RingPort("b", "b", "02:00:00:00:00:02", "10.0.0.2")}});
    Do({Apply(acl::Namespace{"default", {}}), Apply(Pod("a", "", {{"app", "a"}})),
        Apply(Pod("b", "", {{"app", "b"}})), Apply(Pod("far", "10.1.0.1", {{"app", "far"}})),
        Apply(DenyAll("for-a", {{"app", "a"}})), Apply(DenyAll("for-b", {{"app", "b"}}))});
    EXPECT_TRUE(build().IsWhole());
  }

  static Command Apply(Object object) {
    return ApplyCommand{"test", {Candidate::Of(std::move(object))}, OnRefusal::kRefuseAll};
  }
  void Do(std::vector<Command> batch) {
    for (const Result& result : publisher_->Process(batch)) {
      EXPECT_TRUE(result.ok()) << result.status();
    }
  }
  Result Adopt(Rebuilt rebuilt) {
    const Command adopt = AdoptCommand{std::make_shared<Rebuilt>(std::move(rebuilt))};
    return publisher_->Process({&adopt, 1})[0];
  }
  Rebuilt RebuildNow() { return Rebuild(publisher_->view(), {}); }
  const PolicyBuild& build() { return *publisher_->view()->policy; }
  std::set<acl::MemberName> Overlaid() {
    std::set<acl::MemberName> pods;
    for (const Overlay& overlay : build().overlays) {
      for (const acl::MemberName& pod : overlay.pods) EXPECT_TRUE(pods.insert(pod).second);
    }
    return pods;
  }
  const dataplane::PortView& Port(const std::string& name) {
    const auto view = publisher_->view();
    return view->snapshot->ports[view->places.at(name).attached.id];
  }
  // A policy for the pod, another one each time.
  static acl::NetworkPolicy Edited(const std::string& pod, int64_t port) {
    acl::NetworkPolicy policy = Allow("for-" + pod, {{"app", "far"}}, port);
    policy.pod_selector.match_labels = {{"app", pod}};
    return policy;
  }

  SwitchFixture fixture_;
  std::unique_ptr<Publisher> publisher_;
};

TEST_F(RebuildTest, AnEditBuildsTriesForThePodsThatItSelectsAlone) {
  const auto before = build().base.in_force.classifier;
  Do({Apply(Edited("a", 80))});
  EXPECT_EQ(build().base.in_force.classifier, before);
  EXPECT_THAT(Overlaid(), ElementsAre(Pair("default", "a")));
  EXPECT_THAT(build().edited, ElementsAre("NetworkPolicy default/for-a"));
  EXPECT_EQ(Port("a").layer, dataplane::kFirstOverlay);
  EXPECT_EQ(Port("b").layer, dataplane::kBase);
  EXPECT_EQ(Port("a").subject, dataplane::SubjectState::kKnown);
  EXPECT_EQ(build().overlays[0].layer.cost.probes, kOverlayProbes);
}

// Tries know whom they are for: what is nobody's question is not walked through them.
TEST_F(RebuildTest, EqualRulesForMoreSubjectsGetTriesOfTheirOwn) {
  acl::PolicyInput input;
  input.endpoints = {Pod("a", "10.0.0.1", {{"app", "a"}}), Pod("x", "10.0.0.2", {{"app", "x"}})};
  input.local = {{"default", "a"}};
  acl::ClusterPolicy all{.name = "all", .tier = "Admin"};
  all.ingress = {
      {.action = "Deny", .peers = {acl::PodsPeer{.namespaces = {}, .pods = {{{"app", "x"}}, {}}}}}};
  input.cluster_policies = {all};
  const auto one = BuildPolicy(input, nullptr, {});
  ASSERT_TRUE(one.ok()) << one.status();
  input.local.insert({"default", "x"});
  const auto two = BuildPolicy(input, &*one, {});
  ASSERT_TRUE(two.ok()) << two.status();
  ASSERT_EQ(one->base.in_force.rules, two->base.in_force.rules);
  EXPECT_NE(one->base.in_force.classifier, two->base.in_force.classifier);
  const acl::ClassId x = two->base.population.Find({"default", "x"})->subject.v4;
  const acl::ClassifyKey key = acl::ClassifyKey::Make(6, x, x, 80);
  std::array<uint32_t, acl::kMaxCategories> before = {}, now = {};
  one->base.in_force.classifier->Classify({&key, 1}, before);
  two->base.in_force.classifier->Classify({&key, 1}, now);
  const unsigned denied = acl::CategoryOf(acl::Tier::kAdmin, acl::Direction::kIngress);
  EXPECT_EQ(before[denied], 0u);
  EXPECT_NE(now[denied], 0u);
}

TEST_F(RebuildTest, AnOverlayHasTheBasesClassesIfItsPoliciesTellNothingElseApart) {
  Do({Apply(Edited("a", 80))});  // the first policy that looks at app=far
  EXPECT_NE(build().overlays[0].layer.universe, build().base.universe);
  EXPECT_TRUE(Adopt(RebuildNow()).ok());
  Do({Apply(Edited("a", 90))});
  EXPECT_EQ(build().overlays[0].layer.universe, build().base.universe);
  acl::NetworkPolicy named = Edited("a", 90);
  named.ingress[0].ports = {{.protocol = "TCP", .port = "http", .end_port = {}}};
  Do({Apply(named)});  // the first one that names a port
  EXPECT_NE(build().overlays[0].layer.universe, build().base.universe);
}

TEST_F(RebuildTest, AnOverlayWithTheBasesClassesFollowsWhoComes) {
  Do({Apply(Edited("a", 80))});
  EXPECT_TRUE(Adopt(RebuildNow()).ok());
  Do({Apply(Edited("a", 90))});
  const auto rules = build().overlays[0].layer.in_force.rules;
  Do({Apply(Pod("farther", "10.1.0.2", {{"app", "far"}}))});
  const LayerBuild& layer = build().overlays[0].layer;
  EXPECT_EQ(layer.in_force.rules, rules);
  const auto class_of = [&](const char* address) {
    return layer.addresses->Lookup(*acl::IpAddress::Parse(address));
  };
  EXPECT_EQ(class_of("10.1.0.2"), class_of("10.1.0.1"));
  EXPECT_NE(class_of("10.1.0.2"), class_of("10.1.0.3"));
}

// Seven pods with ports here and policies of their own, all in the base.
class OverlaysTest : public RebuildTest {
 protected:
  OverlaysTest() {
    for (const char* pod : {"c", "d", "e", "f", "g"}) {
      const std::string name = pod, digit(1, static_cast<char>('3' + (*pod - 'c')));
      Do({AddPortCommand{RingPort(name, name, "02:00:00:00:00:0" + digit, "10.0.0." + digit)},
          Apply(Pod(name, "", {{"app", name}})), Apply(DenyAll("for-" + name, {{"app", name}}))});
    }
    EXPECT_TRUE(Adopt(RebuildNow()).ok());
    EXPECT_TRUE(build().IsWhole());
  }
  // "a bc": one overlay judges a, a newer one b and c.
  std::string Overlays() {
    std::string text;
    for (const Overlay& overlay : build().overlays) {
      if (!text.empty()) text += ' ';
      for (const acl::MemberName& pod : overlay.pods) text += pod.second;
    }
    return text;
  }
};

TEST_F(OverlaysTest, AnEditLeavesThePodsOfEarlierEditsAlone) {
  Do({Apply(Edited("a", 80))});
  const auto of_a = build().overlays[0].layer.in_force.classifier;
  Do({Apply(Edited("b", 80))});
  EXPECT_EQ(Overlays(), "a b");
  EXPECT_EQ(build().overlays[0].layer.in_force.classifier, of_a);
  EXPECT_EQ(Port("a").layer, dataplane::kFirstOverlay);
  EXPECT_EQ(Port("b").layer, dataplane::kFirstOverlay + 1);
  EXPECT_EQ(publisher_->view()->snapshot->networks[0].layers[Port("a").layer].in_force.classifier,
            of_a);
}

TEST_F(OverlaysTest, APodIsJudgedByTheNewestOfItsOverlays) {
  acl::NetworkPolicy both = Allow("both", {{"app", "far"}}, 80);
  both.pod_selector = {};
  Do({Apply(both)});
  EXPECT_EQ(Overlays(), "abcdefg");
  Do({Apply(Edited("b", 80))});
  EXPECT_EQ(Overlays(), "acdefg b");
  Do({Apply(Edited("b", 90))});
  EXPECT_EQ(Overlays(), "acdefg b");
  Do({DeleteCommand{"test", {PolicyKey("both")}}});
  EXPECT_EQ(Overlays(), "abcdefg");
}

TEST_F(OverlaysTest, WhereThereIsNoRoomForOneMoreTheNewestBecomeOne) {
  for (const char* pod : {"a", "b", "c"}) Do({Apply(Edited(pod, 80))});
  EXPECT_EQ(Overlays(), "a b c");
  static_assert(kMostOverlays == 3);
  Do({Apply(Edited("d", 80))});
  EXPECT_EQ(Overlays(), "abcd");
  Do({Apply(Edited("e", 80))});
  EXPECT_EQ(Overlays(), "abcd e");
  for (const char* pod : {"f", "g"}) Do({Apply(Edited(pod, 80))});
  EXPECT_EQ(Overlays(), "abcd efg") << "an older one with more pods stays as it is";
  for (const char* pod : {"a", "b", "c", "d", "e", "f", "g"}) {
    EXPECT_EQ(Port(pod).subject, dataplane::SubjectState::kKnown) << pod;
  }
}

TEST_F(OverlaysTest, APortThatGoesLeavesItsOverlay) {
  for (const char* pod : {"a", "b"}) Do({Apply(Edited(pod, 80))});
  Do({DeletePortCommand{"a"}});
  EXPECT_EQ(Overlays(), "b");
}

TEST_F(OverlaysTest, RulesOfAllOverlaysAreInForceButForThoseEditedSince) {
  Do({Apply(Edited("a", 80))});
  const auto number_in = [&](const Overlay& overlay) {
    return overlay.layer.in_force.rule_ids->Of(0);
  };
  const acl::RuleId of_a = number_in(build().overlays[0]);
  Do({Apply(Edited("b", 80))});
  EXPECT_TRUE(build().names.in_force->InForce(of_a));
  EXPECT_TRUE(build().names.in_force->InForce(number_in(build().overlays[1])));
  acl::NetworkPolicy none = Edited("a", 80);
  none.pod_selector.match_labels = {{"app", "nobody"}};
  Do({Apply(none)});
  EXPECT_FALSE(build().names.in_force->InForce(of_a));
  EXPECT_NE(build().names.in_force->Find(of_a), nullptr);
}

TEST_F(RebuildTest, AnEditThatSelectsNobodyHereBuildsNothing) {
  acl::NetworkPolicy elsewhere = DenyAll("elsewhere");
  elsewhere.namespace_name = "other";
  Do({Apply(elsewhere)});
  EXPECT_THAT(build().overlays, IsEmpty());
  EXPECT_FALSE(build().IsWhole()) << "the base does not know it";
}

TEST_F(RebuildTest, ARelabelledPodMayBeSelectedByWhatTheBaseDoesNotKnow) {
  Do({Apply(DenyAll("for-c", {{"app", "c"}}))});
  EXPECT_THAT(build().overlays, IsEmpty());
  Do({Apply(Pod("b", "", {{"app", "c"}}))});
  EXPECT_EQ(Port("b").layer, dataplane::kFirstOverlay);
  EXPECT_TRUE(build().overlays[0].layer.in_force.rule_ids->InForce(
      build().overlays[0].layer.in_force.rule_ids->Of(0)));
}

TEST_F(RebuildTest, ANewPortIsJudgedWithoutAWholeBuild) {
  Do({Apply(Pod("c", "", {{"app", "c"}})), Apply(DenyAll("for-all"))});
  ASSERT_TRUE(Adopt(RebuildNow()).ok());
  const auto before = build().base.in_force.classifier;
  Do({AddPortCommand{RingPort("c", "c", "02:00:00:00:00:03", "10.0.0.3")}});
  EXPECT_EQ(build().base.in_force.classifier, before);
  EXPECT_EQ(Port("c").subject, dataplane::SubjectState::kKnown);
  EXPECT_EQ(Port("c").layer, dataplane::kFirstOverlay) << "its class was no local subject's";
  Do({DeletePortCommand{"c"}});
  EXPECT_THAT(build().overlays, IsEmpty());
}

TEST_F(RebuildTest, AnAddressGoesBackToWhomTheApiGivesItWhenThePortIsGone) {
  const auto class_of = [&] { return build().base.addresses->Lookup(Ip("10.1.0.1")); };
  const acl::ClassId before = class_of();
  Do({Apply(Pod("c", "", {{"app", "b"}})),
      AddPortCommand{RingPort("c", "c", "02:00:00:00:00:03", "10.1.0.1")}});
  EXPECT_NE(class_of(), before);
  Do({DeletePortCommand{"c"}});
  EXPECT_EQ(class_of(), before);
}

TEST_F(RebuildTest, ARebuildLeavesABaseAndPutsNoVerdictInQuestion) {
  Do({Apply(Edited("a", 80))});
  const auto before = publisher_->view()->snapshot;
  const Result adopted = Adopt(RebuildNow());
  ASSERT_TRUE(adopted.ok()) << adopted.status();
  EXPECT_TRUE(build().IsWhole());
  EXPECT_EQ(Port("a").layer, dataplane::kBase);
  const auto after = publisher_->view()->snapshot;
  EXPECT_EQ(after->epoch, before->epoch + 1);
  EXPECT_EQ(after->verdict_epoch, before->verdict_epoch);
  EXPECT_EQ(after->networks[0].layers[dataplane::kFirstOverlay].in_force.classifier, nullptr);
}

TEST_F(RebuildTest, WhatChangedMeanwhileStaysInForce) {
  Do({Apply(Edited("a", 80))});
  Rebuilt rebuilt = RebuildNow();
  Do({Apply(Edited("b", 90))});
  ASSERT_TRUE(Adopt(std::move(rebuilt)).ok());
  EXPECT_THAT(build().edited, ElementsAre("NetworkPolicy default/for-b"));
  EXPECT_EQ(Port("a").layer, dataplane::kBase);
  EXPECT_EQ(Port("b").layer, dataplane::kFirstOverlay);
}

TEST_F(RebuildTest, ARebuildFromBeforeAWholeBuildIsDropped) {
  Do({Apply(Edited("a", 80))});
  Rebuilt rebuilt = RebuildNow();
  Do({Apply(acl::Namespace{"default", {{"team", "x"}}})});
  EXPECT_TRUE(build().IsWhole());
  const auto before = publisher_->view();
  EXPECT_TRUE(absl::IsAborted(Adopt(std::move(rebuilt)).status()));
  EXPECT_EQ(publisher_->view(), before);
}

TEST_F(RebuildTest, ARuleKeepsItsNumberFromTheOverlayToTheBase) {
  Do({Apply(Edited("a", 80))});
  const acl::RuleIds& beside = *build().overlays[0].layer.in_force.rule_ids;
  const acl::RuleId number = beside.Of(0);
  const acl::RuleSource source = *beside.Find(number);
  Rebuilt rebuilt = RebuildNow();
  acl::NetworkPolicy fresh = Edited("b", 90);
  fresh.name = "fresh";
  Do({Apply(fresh)});
  ASSERT_TRUE(Adopt(std::move(rebuilt)).ok());
  EXPECT_EQ(*build().names.in_force->Find(number), source);
  EXPECT_TRUE(build().names.in_force->InForce(number));
  Do({DeleteCommand{"test", {PolicyKey("for-a")}}});
  EXPECT_FALSE(build().names.in_force->InForce(number));
  EXPECT_EQ(*build().names.in_force->Find(number), source);
}

TEST_F(RebuildTest, AfterAFailedRebuildEditsAreBuiltWhole) {
  Do({Apply(Edited("a", 80))});
  Rebuilt rebuilt = RebuildNow();
  rebuilt.networks = absl::ResourceExhaustedError("network default: too much");
  const auto before = publisher_->view()->snapshot;
  EXPECT_FALSE(Adopt(std::move(rebuilt)).ok());
  EXPECT_EQ(publisher_->view()->failed_builds, 1u);
  EXPECT_EQ(publisher_->view()->snapshot, before);
  Do({Apply(Edited("b", 90))});
  EXPECT_TRUE(build().IsWhole());
  Do({Apply(Edited("b", 91))});
  EXPECT_FALSE(build().IsWhole()) << "all was whole again";
}

// Whose a shared address is depends on who is local; in an overlay only its own pods are.
TEST_F(RebuildTest, WhereAddressesAreSharedEditsAreBuiltWhole) {
  dataplane::PortSpec c = RingPort("c", "c", "02:00:00:00:00:03", "10.0.0.3");
  dataplane::PortSpec d = RingPort("d", "d", "02:00:00:00:00:04", "10.0.0.4");
  c.allowed = d.allowed = {Allowed("10.0.0.99")};
  Do({AddPortCommand{c}, AddPortCommand{d}, Apply(Pod("c", "", {{"app", "c"}}))});
  Do({Apply(Edited("a", 80))});
  EXPECT_TRUE(build().IsWhole());
}

TEST_F(RebuildTest, AuditedRulesKeepTheirNumbersOverARebuildThatDidNotKnowThem) {
  Do({Apply(Edited("a", 80))});
  Rebuilt rebuilt = RebuildNow();
  acl::NetworkPolicy audited = DenyAll("b-audited");
  audited.options.audit = true;
  Do({Apply(audited)});
  const acl::RuleIds& ids = *build().overlays[0].layer.audit.rule_ids;
  const acl::RuleTable& table = *build().overlays[0].layer.audit.rules;
  std::map<acl::RuleId, acl::RuleSource> told;
  for (uint32_t i = 0; i < table.sources.size(); ++i) told[ids.Of(i)] = table.sources[i];
  audited.name = "a-audited";
  Do({Apply(audited)});
  ASSERT_TRUE(Adopt(std::move(rebuilt)).ok());
  for (const auto& [number, source] : told) {
    ASSERT_NE(build().names.audit->Find(number), nullptr);
    EXPECT_EQ(*build().names.audit->Find(number), source) << number;
  }
}

TEST_F(RebuildTest, AuditedRulesKeepTheirNumbersOverARebuildThatKnewSomeOfThem) {
  const auto audited = [](const std::string& name) {
    acl::NetworkPolicy policy = DenyAll(name);
    policy.options.audit = true;
    return policy;
  };
  const auto number_of = [this](const std::string& policy) -> acl::RuleId {
    const RuleSet& set = build().overlays.back().layer.audit;
    for (uint32_t i = 0; i < set.rules->sources.size(); ++i) {
      const std::vector<std::string>& policies = set.rules->sources[i].policies;
      if (std::ranges::count(policies, policy) > 0) return set.rule_ids->Of(i);
    }
    return acl::kNoRule;
  };
  Do({Apply(audited("known"))});
  Rebuilt rebuilt = RebuildNow();
  Do({Apply(audited("new"))});
  const acl::RuleId number = number_of("NetworkPolicy default/new");
  ASSERT_NE(number, acl::kNoRule);
  Do({Apply(Pod("far", "10.1.0.2", {{"app", "far"}}))});
  ASSERT_TRUE(Adopt(std::move(rebuilt)).ok());
  EXPECT_EQ(number_of("NetworkPolicy default/new"), number);
  EXPECT_TRUE(build().names.audit->InForce(number));
}

}  // namespace
}  // namespace sluice::control
