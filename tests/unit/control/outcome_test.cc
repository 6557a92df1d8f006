// Rejected and audited packets in `drops` and in `monitor`: told from the others, and named.
#include <gmock/gmock.h>

#include "control/drop_listing.h"
#include "control/monitor.h"
#include "tests/unit/control/live_switch.h"

namespace sluice::control {
namespace {

using dataplane::EventKind;
using dataplane::NetworkView;
using dataplane::Outcome;
using dataplane::Snapshot;

// A pod that one policy shuts off, as it was compiled; then the test has it say something else.
class OutcomeTest : public LiveSwitch {
 protected:
  OutcomeTest() {
    Apply({DenyAll("one", {{"app", "b"}})});
    AwaitWhole();
  }

  void PutInForce(const std::function<void(NetworkView&)>& edit) {
    view_ = std::make_shared<View>(*controller_->view());
    auto snapshot = std::make_shared<Snapshot>(*view_->snapshot);
    edit(snapshot->networks[0]);
    ++snapshot->epoch;
    view_->snapshot = snapshot;
    fixture_.data_plane().Publish(std::make_unique<const Snapshot>(*snapshot));
  }

  static void Reject(NetworkView& network) {
    dataplane::RulesView& in_force = network.layers[dataplane::kBase].in_force;
    auto rules = std::make_shared<acl::RuleTable>(*in_force.rules);
    for (acl::FlatRule& rule : rules->rules) rule.action = acl::Action::kReject;
    in_force.rules = rules;
  }

  static void Audit(NetworkView& network) {
    dataplane::PolicyLayer& layer = network.layers[dataplane::kBase];
    layer.audit = std::exchange(layer.in_force, {});
    auto nothing = acl::TrieClassifier::Build({});
    ASSERT_TRUE(nothing.ok()) << nothing.status();
    layer.in_force = {std::make_shared<acl::RuleTable>(), acl::RuleIds::Next(nullptr, {}),
                      *std::move(nothing)};
    network.audit_rule_ids = layer.audit.rule_ids;
    network.rule_ids = layer.in_force.rule_ids;
  }

  // The only row there is.
  DropRow OnlyRow() {
    const std::vector<DropRow> rows = ListDrops(*view_, fixture_.data_plane());
    EXPECT_EQ(rows.size(), 1u);
    return rows.empty() ? DropRow() : rows[0];
  }

  // The first event of `kind` that a packet makes.
  MonitorEvent Told(EventKind kind) {
    Monitor monitor(fixture_.data_plane(), [this] { return view_; });
    auto subscription = monitor.Subscribe({.port = "", .pod = "", .kinds = {kind}});
    EXPECT_TRUE(subscription.ok()) << subscription.status();
    Send('a', Syn('a', 'b', 80));
    const auto batch = (*subscription)->Next(std::chrono::seconds(20));
    EXPECT_EQ(batch.events.size(), 1u);
    return batch.events.empty() ? MonitorEvent() : *batch.events[0];
  }

  const std::vector<std::string> policy_{"NetworkPolicy default/one"};
  std::shared_ptr<View> view_;
};

TEST_F(OutcomeTest, ARejectedPacketIsADropOfItsPolicyAndSaysSo) {
  PutInForce(Reject);
  const MonitorEvent event = Told(EventKind::kRejected);
  ASSERT_TRUE(event.ingress.has_value());
  EXPECT_EQ(event.ingress->policies, policy_);
  EXPECT_EQ(Received('b'), 0u);
  const DropRow row = OnlyRow();
  EXPECT_EQ(row.outcome, Outcome::kRejected);
  EXPECT_EQ(row.packets, 1u);
  EXPECT_EQ(row.rule.policies, policy_);
  const dataplane::PortId port = view_->places.at("a").attached.id;
  EXPECT_EQ(fixture_.data_plane().ReadPortCounters(port).answered, 1u);
  ASSERT_EQ(Drops().drops_size(), 1);
  EXPECT_TRUE(Drops().drops(0).rejected());
}

TEST_F(OutcomeTest, AnAuditedPacketPassesUnderTheNameOfItsAuditedPolicy) {
  PutInForce(Audit);
  const MonitorEvent event = Told(EventKind::kAudited);
  ASSERT_TRUE(event.ingress.has_value());
  EXPECT_EQ(event.ingress->policies, policy_);
  EXPECT_EQ(Received('b'), 1u);
  const DropRow row = OnlyRow();
  EXPECT_EQ(row.outcome, Outcome::kAudited);
  EXPECT_EQ(row.packets, 1u);
  EXPECT_EQ(row.rule.policies, policy_);
  EXPECT_TRUE(row.in_force);
  ASSERT_EQ(Drops().drops_size(), 1);
  EXPECT_TRUE(Drops().drops(0).audited());
}

}  // namespace
}  // namespace sluice::control
