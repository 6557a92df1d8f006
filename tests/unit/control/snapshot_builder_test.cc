#include "control/snapshot_builder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "control/policy_input.h"
#include "tests/unit/control/objects.h"

namespace sluice::control {
namespace {

using dataplane::PortId;
using dataplane::Snapshot;
using dataplane::SubjectState;
using ::testing::ElementsAre;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

constexpr unsigned kWorkers = 2;

// Builds with a trie of no rules, which needs no EAL: the builder only passes it on.
class Builder {
 public:
  DesiredState state;
  PortPlaces places;
  OnPolicyChange mode = OnPolicyChange::kStrict;
  std::shared_ptr<const acl::RuleTable> audit_rules;
  std::shared_ptr<const acl::RuleIds> audit_rule_ids;

  void AddPort(const dataplane::PortSpec& spec, PortId id) {
    ASSERT_TRUE(state.ports().Add(spec).ok());
    const unsigned worker = LeastLoadedWorker(places, {.count = kWorkers});
    places[spec.name] = {{id, dataplane::PortIo(static_cast<uint16_t>(id + 100)), 1}, worker};
  }
  void Apply(Object object) {
    ASSERT_TRUE(
        state.Apply("test", std::vector{Candidate::Of(object)}, OnRefusal::kRefuseAll).ok());
  }
  Snapshot Build(const Snapshot* previous = nullptr) {
    const PolicyBuild* last = last_.input ? &last_ : nullptr;
    auto compiled = CompilePolicy(MakePolicyInput(state, {}), last);
    EXPECT_TRUE(compiled.ok()) << compiled.status();
    PolicyBuild next = *std::move(compiled);
    next.base.in_force.classifier = some_classifier_;
    next.base.audit = {audit_rules, audit_rule_ids, nullptr, {}};
    next.names.audit = audit_rule_ids;
    const VerdictScope scope = CompareBuilds(last, next);
    last_ = next;
    NetworkBuilds builds;
    dataplane::NetworkId id = 1;
    for (const auto& [name, spec] : state.ports().networks()) {
      builds[name] = {name == kDefaultNetwork ? dataplane::NetworkId{0} : id++,
                      std::make_shared<const PolicyBuild>(next), nullptr};
    }
    return BuildSnapshot(state.ports(), places, builds, scope, {OwnNode::kAllow, mode}, kWorkers,
                         previous);
  }

  const PolicyBuild& last() const { return last_; }

 private:
  const std::shared_ptr<const acl::TrieClassifier> some_classifier_ =
      *acl::TrieClassifier::Build({});
  PolicyBuild last_;
};

dataplane::PortSpec WebPort() { return RingPort("web", "web", "02:00:00:00:00:01", "10.0.0.2"); }
dataplane::PortSpec DbPort() { return RingPort("db", "db", "02:00:00:00:00:02", "10.0.0.3"); }

dataplane::PortSpec MirrorPort(const std::string& name, std::vector<std::string> mirrored) {
  dataplane::PortSpec spec;
  spec.name = name;
  spec.kind = dataplane::PortKind::kRing;
  spec.role = dataplane::PortRole::kMirror;
  spec.mirrors = std::move(mirrored);
  return spec;
}

TEST(SnapshotBuilderTest, MirrorsAreNumberedAndEachPortKnowsItsOwn) {
  Builder builder;
  builder.AddPort(WebPort(), 1);
  EXPECT_EQ(builder.Build().mirrors[0], dataplane::kNoPort);
  builder.AddPort(DbPort(), 2);
  builder.AddPort(MirrorPort("all", {"*"}), 3);
  dataplane::PortSpec some = MirrorPort("some", {"db", "not-there"});
  some.mirrors_out = false;
  some.mirrors_dropped = true;
  builder.AddPort(some, 4);
  const Snapshot snapshot = builder.Build();
  EXPECT_EQ(snapshot.mirrors[0], 3);
  EXPECT_EQ(snapshot.mirrors[1], 4);
  EXPECT_EQ(snapshot.mirrors[2], dataplane::kNoPort);
  const auto masks = [&](PortId id) {
    const dataplane::PortMirrors& mirrors = snapshot.ports[id].mirrors;
    return std::vector<int>{mirrors.in, mirrors.out, mirrors.dead};
  };
  EXPECT_EQ(masks(1), (std::vector<int>{1, 1, 0}));
  EXPECT_EQ(masks(2), (std::vector<int>{3, 1, 2}));
  EXPECT_EQ(masks(3), (std::vector<int>{0, 0, 0})) << "nobody mirrors a mirror";
  EXPECT_EQ(snapshot.ports[3].network, dataplane::kNoNetwork);
  EXPECT_EQ(snapshot.networks[0].members, (std::vector<PortId>{1, 2}));
}

TEST(SnapshotBuilderTest, WhatIsUnderAuditIsPassedOnBesideWhatIsInForce) {
  Builder builder;
  EXPECT_EQ(builder.Build().networks[0].layers[dataplane::kBase].audit.rules, nullptr);
  builder.audit_rules = std::make_shared<acl::RuleTable>();
  builder.audit_rule_ids = acl::RuleIds::Next(nullptr, *builder.audit_rules);
  const Snapshot snapshot = builder.Build();
  EXPECT_EQ(snapshot.networks[0].layers[dataplane::kBase].audit.rules, builder.audit_rules);
  EXPECT_EQ(snapshot.networks[0].audit_rule_ids, builder.audit_rule_ids);
  EXPECT_NE(snapshot.networks[0].layers[dataplane::kBase].in_force.rules, builder.audit_rules);
}

TEST(SnapshotBuilderTest, APodsPortIsUnknownUntilTheApiKnowsThePod) {
  Builder builder;
  builder.AddPort(WebPort(), 1);
  const Snapshot before = builder.Build();
  EXPECT_EQ(before.ports[1].subject, SubjectState::kUnknown);
  builder.Apply(Pod("web", "10.0.0.9"));
  const Snapshot after = builder.Build(&before);
  EXPECT_EQ(after.ports[1].subject, SubjectState::kKnown);
  EXPECT_GT(after.verdict_epoch, before.verdict_epoch);
}

TEST(SnapshotBuilderTest, PortsCarryWhatTheirSpecAndPlaceSay) {
  Builder builder;
  dataplane::PortSpec spec = WebPort();
  spec.guard = false;
  builder.AddPort(spec, 3);
  const Snapshot snapshot = builder.Build();
  ASSERT_EQ(snapshot.ports.size(), 4u);
  EXPECT_FALSE(snapshot.ports[0].in_use || snapshot.ports[1].in_use || snapshot.ports[2].in_use);
  const dataplane::PortView& port = snapshot.ports[3];
  EXPECT_TRUE(port.in_use);
  EXPECT_FALSE(port.guard);
  EXPECT_EQ(port.io, dataplane::PortIo(uint16_t{103}));
  EXPECT_EQ(port.generation, 1);
  EXPECT_EQ(port.mac, spec.mac);
  EXPECT_EQ(port.addresses, spec.addresses);
  EXPECT_EQ(port.name, "web");
}

TEST(SnapshotBuilderTest, TheNetworkKnowsItsMacsMembersAndUplink) {
  Builder builder;
  builder.AddPort(WebPort(), 1);
  builder.AddPort(DbPort(), 2);
  builder.AddPort(UplinkPort("up"), 3);
  const Snapshot snapshot = builder.Build();
  ASSERT_EQ(snapshot.networks.size(), 1u);
  const dataplane::NetworkView& network = snapshot.networks[0];
  EXPECT_EQ(network.name, "default");
  EXPECT_THAT(network.members, ElementsAre(1, 2, 3));
  EXPECT_THAT(network.macs, UnorderedElementsAre(Pair(WebPort().mac, 1), Pair(DbPort().mac, 2)));
  EXPECT_EQ(network.uplink, 3);
  EXPECT_EQ(snapshot.ports[3].subject, SubjectState::kNone);
}

TEST(SnapshotBuilderTest, NetworksShareTheUplinkAndNothingElse) {
  Builder builder;
  builder.AddPort(UplinkPort("up"), 1);
  ASSERT_TRUE(builder.state.ports().AddNetwork(Network("blue", "up", 100)).ok());
  builder.AddPort(WebPort(), 2);
  dataplane::PortSpec blue = WebPort();
  blue.name = "blue";
  blue.network = "blue";
  builder.AddPort(blue, 3);
  const Snapshot snapshot = builder.Build();
  ASSERT_EQ(snapshot.networks.size(), 2u);
  EXPECT_THAT(snapshot.networks[0].members, ElementsAre(1, 2));
  EXPECT_THAT(snapshot.networks[1].members, ElementsAre(1, 3));
  EXPECT_EQ(snapshot.networks[1].vlan, 100);
  EXPECT_EQ(snapshot.networks[1].uplink, 1);
  EXPECT_THAT(snapshot.networks[1].macs, UnorderedElementsAre(Pair(WebPort().mac, 3)));
  EXPECT_THAT(snapshot.networks[1].local_addresses, UnorderedElementsAre(Pair(Ip("10.0.0.2"), 3)));
  EXPECT_THAT(snapshot.ports[1].vlans, UnorderedElementsAre(Pair(0, 0), Pair(100, 1)));
  EXPECT_EQ(snapshot.ports[3].network, 1);
}

TEST(SnapshotBuilderTest, TheHostPortIsNoSubjectAndItsAddressesAreTheNodes) {
  Builder builder;
  const dataplane::PortSpec host = HostPort("host", "02:00:00:00:00:fe", "10.0.0.1");
  builder.AddPort(host, 1);
  const Snapshot snapshot = builder.Build();
  EXPECT_EQ(snapshot.ports[1].subject, SubjectState::kNone);
  EXPECT_EQ(snapshot.ports[1].role, dataplane::PortRole::kHost);
  EXPECT_TRUE(snapshot.ports[1].admits_own);
  EXPECT_THAT(snapshot.networks[0].macs, UnorderedElementsAre(Pair(host.mac, 1)));
  EXPECT_THAT(snapshot.networks[0].local_addresses, UnorderedElementsAre(Pair(Ip("10.0.0.1"), 1)));
}

TEST(SnapshotBuilderTest, PortsSpreadOverWorkersAndStayWithTheirs) {
  Builder builder;
  builder.AddPort(WebPort(), 1);
  builder.AddPort(DbPort(), 2);
  builder.AddPort(UplinkPort("up"), 3);
  const Snapshot before = builder.Build();
  EXPECT_THAT(before.polled[0], UnorderedElementsAre(1, 3));
  EXPECT_THAT(before.polled[1], UnorderedElementsAre(2));
  ASSERT_TRUE(builder.state.ports().Remove("web").ok());
  builder.places.erase("web");
  const Snapshot after = builder.Build(&before);
  EXPECT_THAT(after.polled[0], ElementsAre(3));
  EXPECT_THAT(after.polled[1], ElementsAre(2));
}

TEST(SnapshotBuilderTest, TheEpochAlwaysRisesTheVerdictEpochOnlyWithVerdicts) {
  Builder builder;
  builder.AddPort(WebPort(), 1);
  builder.Apply(Pod("web", "10.0.0.9"));
  const Snapshot first = builder.Build();
  const Snapshot same = builder.Build(&first);
  EXPECT_EQ(same.epoch, first.epoch + 1);
  EXPECT_EQ(same.verdict_epoch, first.verdict_epoch);
  // Labels that no policy looks at change nobody's verdict.
  builder.Apply(Pod("web", "10.0.0.9", {{"pod-template-hash", "abc"}}));
  const Snapshot relabelled = builder.Build(&same);
  EXPECT_EQ(relabelled.verdict_epoch, first.verdict_epoch);
  builder.Apply(DenyAll("deny"));
  const Snapshot denied = builder.Build(&relabelled);
  EXPECT_GT(denied.verdict_epoch, first.verdict_epoch);
}

uint32_t StampOf(const Snapshot& snapshot, const std::string& address) {
  return snapshot.networks[0].stamps->At(Ip(address).bytes.data());
}

// Two local pods that know each other, and a policy for each; remote is known by address only.
Builder TwoPods() {
  Builder builder;
  builder.AddPort(WebPort(), 1);
  builder.AddPort(DbPort(), 2);
  builder.Apply(Pod("web", "", {{"app", "web"}}));
  builder.Apply(Pod("db", "", {{"app", "db"}}));
  builder.Apply(Pod("remote", "10.9.0.1", {{"app", "web"}}, "uid-1"));
  builder.Apply(DenyAll("web", {{"app", "web"}}));
  builder.Apply(DenyAll("db", {{"app", "db"}}));
  return builder;
}

TEST(SnapshotBuilderTest, APolicyStampsThePodsItSelectsAndNobodyElse) {
  Builder builder = TwoPods();
  const Snapshot before = builder.Build();
  acl::NetworkPolicy changed = Allow("web", {{"app", "db"}}, 80);
  changed.pod_selector.match_labels = {{"app", "web"}};
  builder.Apply(changed);
  const Snapshot after = builder.Build(&before);
  EXPECT_EQ(after.verdict_epoch, before.verdict_epoch + 1);
  EXPECT_EQ(after.ports[1].verdict_epoch, after.verdict_epoch);
  EXPECT_EQ(after.ports[2].verdict_epoch, before.ports[2].verdict_epoch);
  EXPECT_EQ(after.everything_epoch, before.everything_epoch);
  EXPECT_EQ(after.networks[0].stamps, before.networks[0].stamps);
}

TEST(SnapshotBuilderTest, ARemotePodThatChangesStampsItsAddressAndNoPort) {
  Builder builder = TwoPods();
  const Snapshot before = builder.Build();
  builder.Apply(Pod("remote", "10.9.0.1", {{"app", "db"}}, "uid-1"));
  const Snapshot after = builder.Build(&before);
  EXPECT_EQ(StampOf(after, "10.9.0.1"), after.verdict_epoch);
  EXPECT_LT(StampOf(after, "10.0.0.2"), after.verdict_epoch);
  EXPECT_LT(after.ports[1].verdict_epoch, after.verdict_epoch);
  EXPECT_LT(after.ports[2].verdict_epoch, after.verdict_epoch);
}

TEST(SnapshotBuilderTest, APortInAnothersSlotIsStampedWithItsAddresses) {
  Builder builder = TwoPods();
  const Snapshot before = builder.Build();
  builder.places["db"].attached.generation = 2;
  const Snapshot after = builder.Build(&before);
  EXPECT_EQ(after.verdict_epoch, before.verdict_epoch + 1);
  EXPECT_EQ(after.ports[2].verdict_epoch, after.verdict_epoch);
  EXPECT_EQ(StampOf(after, "10.0.0.3"), after.verdict_epoch);
  EXPECT_LT(after.ports[1].verdict_epoch, after.verdict_epoch);
}

TEST(SnapshotBuilderTest, KeepStampsOnlyNewOwnersOfAddresses) {
  Builder builder = TwoPods();
  builder.mode = OnPolicyChange::kKeep;
  const Snapshot before = builder.Build();
  EXPECT_TRUE(before.keep_established);
  builder.Apply(DenyAll("web"));
  builder.Apply(Pod("remote", "10.9.0.1", {{"app", "db"}}, "uid-1"));
  const Snapshot relabelled = builder.Build(&before);
  EXPECT_EQ(relabelled.verdict_epoch, before.verdict_epoch + 1);  // for those not established
  EXPECT_EQ(relabelled.ports[1].verdict_epoch, before.ports[1].verdict_epoch);
  EXPECT_LT(StampOf(relabelled, "10.9.0.1"), relabelled.verdict_epoch);
  builder.Apply(Pod("remote", "10.9.0.1", {{"app", "db"}}, "uid-2"));
  const Snapshot replaced = builder.Build(&relabelled);
  EXPECT_EQ(StampOf(replaced, "10.9.0.1"), replaced.verdict_epoch);
}

TEST(SnapshotBuilderTest, OldStampsStayWithinTheHorizonWhenEpochsWrap) {
  Builder builder = TwoPods();
  Snapshot before = builder.Build();
  before.verdict_epoch = 0x8000'0000;  // as after two billion changes that touched nobody here
  builder.Apply(DenyAll("web"));
  const Snapshot after = builder.Build(&before);
  for (const uint32_t stamp : {after.ports[2].verdict_epoch, after.everything_epoch}) {
    EXPECT_TRUE(dataplane::IsEarlierEpoch(stamp, after.verdict_epoch) ||
                stamp == after.verdict_epoch);
  }
}

TEST(SnapshotBuilderTest, APlaceThatNoPortWantsIsLeftOut) {
  Builder builder;
  builder.AddPort(WebPort(), 1);
  builder.places["gone"] = {{2, dataplane::PortIo(uint16_t{102}), 1}, 1};
  const Snapshot snapshot = builder.Build();
  EXPECT_EQ(snapshot.ports.size(), 2u);
  EXPECT_TRUE(snapshot.polled[1].empty());
}

}  // namespace
}  // namespace sluice::control
