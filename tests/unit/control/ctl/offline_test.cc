// Which network a probe means, and what is on it. No policy is judged here: tests/system/verdict.
#include "control/ctl/offline.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace sluice::ctl {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

acl::IpAddress Ip(const char* text) { return acl::IpAddress::Parse(text).value(); }

acl::Endpoint Pod(const std::string& name, std::vector<acl::Attachment> attachments) {
  return {.namespace_name = "x",
          .name = name,
          .addresses = {Ip("10.0.0.1")},
          .attachments = std::move(attachments),
          .node = "n1",
          .node_addresses = {Ip("192.0.2.1")}};
}

std::vector<control::Object> Objects() {
  acl::MultiNetworkPolicy multi;
  multi.policy.namespace_name = "x";
  multi.policy.name = "p";
  multi.networks = {"x/lonely", "x/fast"};
  acl::NetworkPolicy policy{.namespace_name = "x", .name = "np"};
  policy.legacy = true;
  acl::ClusterPolicy cluster;
  cluster.name = "c";
  return {Pod("a", {{"x/fast", {Ip("10.1.0.1")}}, {"x/twin", {Ip("10.2.0.1")}}}),
          Pod("b", {{"y/twin", {}}, {"default/plain", {}}, {"y/plain", {}}}),
          multi,
          policy,
          cluster,
          acl::Node{"n1", {}, {Ip("192.0.2.1"), Ip("fd00::1")}}};
}

struct NetworkCase {
  std::string asked;
  std::string error;  // empty: found
};

TEST(Offline, ANetworkIsFoundByItsNameOrByItsOnlyBareOne) {
  OfflineNetworks networks(Objects(), acl::LegacyPolicy::kAnnotation);
  const std::string known = "default, default/plain, x/fast, x/lonely, x/twin, y/plain, y/twin";
  const std::vector<NetworkCase> rows = {
      {"", ""},
      {"default", ""},
      {"x/fast", ""},
      {"fast", ""},
      {"lonely", ""},
      {"plain", ""},
      {"y/plain", ""},
      {"twin", "network: twin could be x/twin or y/twin"},
      {"slow", "network: there is no network slow, only " + known},
      {"y/fast", "network: there is no network y/fast, only " + known},
      {"ast", "network: there is no network ast, only " + known},
  };
  for (const NetworkCase& row : rows) {
    EXPECT_EQ(std::string(networks.Find(row.asked).status().message()), row.error) << row.asked;
  }
  EXPECT_EQ(*networks.Find("fast"), *networks.Find("x/fast"));
  EXPECT_EQ(*networks.Find("plain"), *networks.Find("default/plain"));
  EXPECT_EQ(*networks.Find(""), *networks.Find("default"));
  OfflineNetworks none({}, acl::LegacyPolicy::kAnnotation);
  EXPECT_EQ(std::string(none.Find("fast").status().message()),
            "network: there is no network fast, only default");
}

TEST(Offline, ThePrimaryNetworkTakesNetworkAndClusterPolicies) {
  OfflineNetworks networks(Objects(), acl::LegacyPolicy::kV1);
  const acl::PolicyInput& input = (*networks.Find(""))->input();
  EXPECT_EQ(input.policies.size(), 1u);
  EXPECT_EQ(input.cluster_policies.size(), 1u);
  EXPECT_THAT(input.multi_policies, IsEmpty());
  EXPECT_THAT(input.endpoints[0].addresses, ElementsAre(Ip("10.0.0.1")));
  EXPECT_EQ(input.legacy_policy, acl::LegacyPolicy::kV1);
}

TEST(Offline, OtherNetworksTakeMultiNetworkPoliciesThatNameThem) {
  OfflineNetworks networks(Objects(), acl::LegacyPolicy::kAnnotation);
  const acl::PolicyInput& fast = (*networks.Find("x/fast"))->input();
  EXPECT_THAT(fast.policies, IsEmpty());
  EXPECT_THAT(fast.cluster_policies, IsEmpty());
  EXPECT_EQ(fast.multi_policies.size(), 1u);
  EXPECT_EQ(fast.nodes.size(), 1u);
  EXPECT_TRUE(fast.all_local);
  EXPECT_THAT(fast.endpoints[0].addresses, ElementsAre(Ip("10.1.0.1")));
  EXPECT_THAT(fast.endpoints[1].addresses, IsEmpty());
  EXPECT_THAT((*networks.Find("x/twin"))->input().multi_policies, IsEmpty());
  const auto flow = (*networks.Find("fast"))->Resolve({"x/a", "x/b", "tcp", 80});
  EXPECT_EQ(std::string(flow.status().message()), "to: pod x/b has no address");
}

TEST(Offline, ASluicePolicyIsOfThePrimaryNetworkOrOfThoseItNames) {
  std::vector<control::Object> objects = Objects();
  acl::SluicePolicy policy;
  policy.namespace_name = "x";
  policy.name = "primary";
  objects.emplace_back(policy);
  policy.name = "others";
  policy.networks = {"x/fast", "x/seldom"};
  objects.emplace_back(policy);
  const auto name_on = [&](const std::string& network) {
    const auto input = InputOf(objects, acl::LegacyPolicy::kV1, network);
    return input.sluice_policies.size() == 1 ? input.sluice_policies[0].name : "";
  };
  EXPECT_EQ(name_on("default"), "primary");
  EXPECT_EQ(name_on("x/fast"), "others");
  EXPECT_EQ(name_on("x/seldom"), "others");
  EXPECT_EQ(name_on("x/twin"), "");
  EXPECT_TRUE(NetworksOf(objects).contains("x/seldom"));
}

TEST(Offline, EachNetworkIsMadeOfItsOwnObjects) {
  EXPECT_THAT(NetworksOf(Objects()), ElementsAre("default", "default/plain", "x/fast", "x/lonely",
                                                 "x/twin", "y/plain", "y/twin"));
  EXPECT_THAT(NetworksOf({}), ElementsAre("default"));
  OfflineNetworks networks(Objects(), acl::LegacyPolicy::kV1);
  for (const char* name : {"default", "x/fast"}) {
    EXPECT_EQ(InputOf(Objects(), acl::LegacyPolicy::kV1, name), (*networks.Find(name))->input());
  }
}

TEST(Offline, NodesAddAddressesToThoseOfTheirPods) {
  OfflineNetworks networks(Objects(), acl::LegacyPolicy::kAnnotation);
  for (const acl::Endpoint& endpoint : (*networks.Find(""))->input().endpoints) {
    EXPECT_THAT(endpoint.node_addresses, ElementsAre(Ip("192.0.2.1"), Ip("fd00::1")));
  }
}

TEST(Offline, WarningsAreOfThePrimaryNetwork) {
  OfflineNetworks networks(Objects(), acl::LegacyPolicy::kAnnotation);
  EXPECT_EQ(networks.Warnings().size(), 1u);
  OfflineNetworks v1(Objects(), acl::LegacyPolicy::kV1);
  EXPECT_THAT(v1.Warnings(), IsEmpty());
}

}  // namespace
}  // namespace sluice::ctl
