// An edit compiles what it touches; a rebuild beside it leaves all as if nothing had been patched.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

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
  EXPECT_THAT(build().overlaid, ElementsAre(Pair("default", "a")));
  EXPECT_THAT(build().edited, ElementsAre("NetworkPolicy default/for-a"));
  EXPECT_EQ(Port("a").layer, dataplane::kOverlay);
  EXPECT_EQ(Port("b").layer, dataplane::kBase);
  EXPECT_EQ(Port("a").subject, dataplane::SubjectState::kKnown);
  EXPECT_EQ(build().overlay->cost.probes, kOverlayProbes);
}

TEST_F(RebuildTest, AnEditThatSelectsNobodyHereBuildsNothing) {
  acl::NetworkPolicy elsewhere = DenyAll("elsewhere");
  elsewhere.namespace_name = "other";
  Do({Apply(elsewhere)});
  EXPECT_FALSE(build().overlay);
  EXPECT_FALSE(build().IsWhole()) << "the base does not know it";
}

TEST_F(RebuildTest, ARelabelledPodMayBeSelectedByWhatTheBaseDoesNotKnow) {
  Do({Apply(DenyAll("for-c", {{"app", "c"}}))});
  EXPECT_FALSE(build().overlay);
  Do({Apply(Pod("b", "", {{"app", "c"}}))});
  EXPECT_EQ(Port("b").layer, dataplane::kOverlay);
  EXPECT_TRUE(
      build().overlay->in_force.rule_ids->InForce(build().overlay->in_force.rule_ids->Of(0)));
}

TEST_F(RebuildTest, ANewPortIsJudgedWithoutAWholeBuild) {
  Do({Apply(Pod("c", "", {{"app", "c"}})), Apply(DenyAll("for-all"))});
  ASSERT_TRUE(Adopt(RebuildNow()).ok());
  const auto before = build().base.in_force.classifier;
  Do({AddPortCommand{RingPort("c", "c", "02:00:00:00:00:03", "10.0.0.3")}});
  EXPECT_EQ(build().base.in_force.classifier, before);
  EXPECT_EQ(Port("c").subject, dataplane::SubjectState::kKnown);
  EXPECT_EQ(Port("c").layer, dataplane::kOverlay) << "its class was no local subject's";
  Do({DeletePortCommand{"c"}});
  EXPECT_FALSE(build().overlay);
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
  EXPECT_EQ(after->networks[0].layers[dataplane::kOverlay].in_force.classifier, nullptr);
}

TEST_F(RebuildTest, WhatChangedMeanwhileStaysInForce) {
  Do({Apply(Edited("a", 80))});
  Rebuilt rebuilt = RebuildNow();
  Do({Apply(Edited("b", 90))});
  ASSERT_TRUE(Adopt(std::move(rebuilt)).ok());
  EXPECT_THAT(build().edited, ElementsAre("NetworkPolicy default/for-b"));
  EXPECT_EQ(Port("a").layer, dataplane::kBase);
  EXPECT_EQ(Port("b").layer, dataplane::kOverlay);
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
  const acl::RuleIds& beside = *build().overlay->in_force.rule_ids;
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
  const acl::RuleIds& ids = *build().overlay->audit.rule_ids;
  const acl::RuleTable& table = *build().overlay->audit.rules;
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

}  // namespace
}  // namespace sluice::control
