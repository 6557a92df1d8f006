#include "control/network_diff.h"

#include <gmock/gmock.h>

#include <functional>
#include <string>
#include <vector>

namespace sluice::control {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

acl::IpAddress Ip(const char* text) { return acl::IpAddress::Parse(text).value(); }

acl::Endpoint Pod(const char* name, const char* app, const char* address) {
  return {.namespace_name = "default",
          .name = name,
          .labels = {{"app", app}},
          .addresses = {Ip(address)},
          .node = "n1"};
}

acl::NetworkPolicy Db(std::vector<acl::NetworkPolicyPort> ports) {
  acl::NetworkPolicy policy;
  policy.namespace_name = "default";
  policy.name = "db";
  policy.pod_selector.match_labels = {{"app", "db"}};
  policy.policy_types = {"Ingress"};
  acl::NetworkPolicyPeer web;
  web.pod_selector = acl::LabelSelector{{{"app", "web"}}, {}};
  policy.ingress = {{{web}, std::move(ports)}};
  return policy;
}

acl::PolicyInput Cluster(std::vector<acl::NetworkPolicyPort> ports) {
  acl::PolicyInput input;
  input.all_local = true;
  input.namespaces = {{"default", {{"team", "a"}}}};
  input.nodes = {{"n1", {}, {Ip("192.0.2.1")}}};
  input.endpoints = {Pod("db", "db", "10.0.0.1"), Pod("w1", "web", "10.0.0.2"),
                     Pod("w2", "web", "10.0.0.3"), Pod("w3", "web", "10.0.0.4"),
                     Pod("w4", "web", "10.0.0.5")};
  input.policies = {Db(std::move(ports))};
  return input;
}

acl::NetworkPolicyPort Tcp(int64_t port) { return {"TCP", port, std::nullopt}; }

TEST(NetworkDiff, AFlipNamesItsClassesPortsAndWhatDecides) {
  const auto diff = DiffNetwork("default", Cluster({Tcp(80), Tcp(81)}), Cluster({Tcp(443)}), 10);
  ASSERT_TRUE(diff.ok()) << diff.status();
  EXPECT_EQ(diff->count, 2u);
  EXPECT_EQ(diff->pairs, 1u);
  ASSERT_EQ(diff->flips.size(), 2u);
  const FlipText& lost = diff->flips[0];
  EXPECT_THAT(lost.from.examples, ElementsAre("default/w1 (10.0.0.2)", "default/w2 (10.0.0.3)",
                                              "default/w3 (10.0.0.4)"));
  EXPECT_EQ(lost.from.members, 4u);
  EXPECT_THAT(lost.from.selectors,
              ElementsAre("all pods", "pods of namespace default with app=web"));
  EXPECT_THAT(lost.to.examples, ElementsAre("default/db (10.0.0.1)"));
  EXPECT_EQ(lost.protocol, "tcp");
  EXPECT_EQ(lost.port_first, 80);
  EXPECT_EQ(lost.port_last, 81) << "neighbours of one verdict are one";
  const Side allowed{true, acl::Tier::kNetworkPolicy, {"NetworkPolicy default/db"}, "ingress[0]"};
  const Side denied{false, acl::Tier::kNetworkPolicy, {"NetworkPolicy default/db"}, ""};
  EXPECT_EQ(lost.before, (Verdict{true, Side{}, allowed}));
  EXPECT_EQ(lost.after, (Verdict{false, Side{}, denied}));
  EXPECT_EQ(diff->flips[1].port_first, 443);
  EXPECT_EQ(diff->flips[1].before.ingress, denied);
  EXPECT_EQ(diff->flips[1].after.ingress, allowed);
}

TEST(NetworkDiff, ProtocolsThatAreAlikeAreOneAndTheOthersAreNamed) {
  acl::PolicyInput open = Cluster({});
  open.policies.clear();
  const auto closed = DiffNetwork("default", open, Cluster({Tcp(80)}), 100);
  ASSERT_TRUE(closed.ok());
  std::vector<std::string> of_web, of_others;
  for (const FlipText& flip : closed->flips) {
    const std::string text = flip.protocol + " " + std::to_string(flip.port_first) + "-" +
                             std::to_string(flip.port_last);
    const bool web = !flip.from.examples.empty() && flip.from.examples[0].starts_with("default/w");
    (web ? of_web : of_others).push_back(text);
  }
  EXPECT_THAT(of_web, ElementsAre("tcp 0-79", "tcp 81-65535", "any but tcp 0-65535"));
  EXPECT_THAT(of_others, testing::Each("any 0-65535"));
  EXPECT_FALSE(of_others.empty()) << "the node and outside addresses";
}

TEST(NetworkDiff, EndsThatAreNoLocalPodsHaveNoSide) {
  acl::PolicyInput before = Cluster({Tcp(80)});
  before.all_local = false;
  before.local = {{"default", "db"}};
  acl::PolicyInput after = before;
  after.policies.clear();
  const auto diff = DiffNetwork("default", before, after, 1);
  ASSERT_TRUE(diff.ok());
  ASSERT_EQ(diff->flips.size(), 1u);
  EXPECT_GT(diff->count, 1u);
  EXPECT_EQ(diff->flips[0].from.members, 4u) << "the database reaches itself anyway";
  EXPECT_FALSE(diff->flips[0].before.egress);
  EXPECT_TRUE(diff->flips[0].before.ingress);
}

TEST(NetworkDiff, TheSamePoliciesFlipNothing) {
  const auto diff = DiffNetwork("blue", Cluster({Tcp(80)}), Cluster({Tcp(80)}), 10);
  ASSERT_TRUE(diff.ok());
  EXPECT_EQ(diff->network, "blue");
  EXPECT_EQ(diff->count, 0u);
  EXPECT_THAT(diff->flips, IsEmpty());
}

struct WorldCase {
  std::function<void(acl::PolicyInput&)> change;  // of what is after
  std::string error;                              // up to the second colon; empty: none
};

TEST(NetworkDiff, AChangeOfPodsNamespacesOrNodesIsRefusedByName) {
  const std::vector<WorldCase> rows = {
      {[](auto& input) { input.endpoints[1].labels["app"] = "x"; }, "Pod default/w1: would change"},
      {[](auto& input) { input.endpoints.pop_back(); }, "Pod default/w4: would go"},
      {[](auto& input) { input.namespaces[0].labels["team"] = "b"; },
       "Namespace default: its labels would change"},
      {[](auto& input) { input.namespaces.clear(); }, "Namespace default: its labels would change"},
      {[](auto& input) { input.nodes[0].labels["zone"] = "z"; }, "Node n1: would change"},
      {[](auto& input) { input.nodes.clear(); }, "Node n1: would come or go"},
      {[](auto& input) { input.endpoints.push_back(Pod("w5", "web", "10.0.0.6")); }, ""},
      {[](auto& input) {
         input.namespaces.push_back({"new", {{"team", "c"}}});
       },
       ""},
      {[](auto& input) {
         input.nodes.push_back({"n2", {}, {Ip("192.0.2.2")}});
       },
       ""},
      {[](auto& input) { input.namespaces[0].labels["kubernetes.io/metadata.name"] = "default"; },
       ""}};
  for (const WorldCase& row : rows) {
    acl::PolicyInput after = Cluster({Tcp(80)});
    row.change(after);
    const auto diff = DiffNetwork("default", Cluster({Tcp(80)}), after, 10);
    if (row.error.empty()) {
      EXPECT_TRUE(diff.ok()) << diff.status();
    } else {
      EXPECT_THAT(std::string(diff.status().message()), testing::StartsWith(row.error + ": "));
    }
  }
}

TEST(NetworkDiff, ABadPolicyIsTheError) {
  const auto diff = DiffNetwork("default", Cluster({Tcp(80)}), Cluster({Tcp(0)}), 10);
  EXPECT_THAT(std::string(diff.status().message()),
              testing::StartsWith("NetworkPolicy default/db: spec.ingress[0].ports[0].port: "));
}

}  // namespace
}  // namespace sluice::control
