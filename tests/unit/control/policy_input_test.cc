#include "control/policy_input.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "tests/unit/control/objects.h"

namespace sluice::control {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

constexpr char kMac[] = "02:00:00:00:00:01";

DesiredState StateOf(std::vector<acl::Endpoint> pods, std::vector<dataplane::PortSpec> ports) {
  DesiredState state;
  for (acl::Endpoint& pod : pods) {
    EXPECT_TRUE(state.Apply("test", Candidates(pod), OnRefusal::kRefuseAll).ok());
  }
  for (const dataplane::PortSpec& port : ports) EXPECT_TRUE(state.ports().Add(port).ok());
  return state;
}

TEST(PolicyInputTest, ALocalPodHasItsPortsAddressesAndTheApisLabels) {
  acl::Endpoint pod = Pod("web", "10.0.0.9", {{"app", "web"}});
  pod.named_ports = {{"http", "TCP", 80}};
  const acl::PolicyInput input =
      MakePolicyInput(StateOf({pod}, {RingPort("p", "web", kMac, "10.0.0.2")}), {});
  ASSERT_EQ(input.endpoints.size(), 1u);
  EXPECT_THAT(input.endpoints[0].addresses, ElementsAre(Ip("10.0.0.2")));
  EXPECT_EQ(input.endpoints[0].labels, pod.labels);
  EXPECT_EQ(input.endpoints[0].named_ports, pod.named_ports);
  EXPECT_THAT(input.local, ElementsAre(Pair("default", "web")));
}

struct MatchCase {
  const char* name;
  const char* port_uid;
  const char* api_uid;
  bool local;
};

class UidMatchTest : public ::testing::TestWithParam<MatchCase> {};

TEST_P(UidMatchTest, UidsMustAgreeWhereBothSidesKnowOne) {
  const MatchCase& row = GetParam();
  const DesiredState state = StateOf({Pod("web", "10.0.0.9", {}, row.api_uid)},
                                     {RingPort("p", "web", kMac, "10.0.0.2", row.port_uid)});
  EXPECT_EQ(MakePolicyInput(state, {}).local.size(), row.local ? 1u : 0u);
}

INSTANTIATE_TEST_SUITE_P(Cases, UidMatchTest,
                         ::testing::Values(MatchCase{"Same", "u1", "u1", true},
                                           MatchCase{"Different", "u1", "u2", false},
                                           MatchCase{"PortHasNone", "", "u1", true},
                                           MatchCase{"ApiHasNone", "u1", "", true},
                                           MatchCase{"NeitherHasOne", "", "", true}),
                         [](const auto& row) { return row.param.name; });

TEST(PolicyInputTest, TheApiCannotTakeALocalPortsAddress) {
  const acl::PolicyInput input = MakePolicyInput(
      StateOf({Pod("thief", "10.0.0.2")}, {RingPort("p", "web", kMac, "10.0.0.2")}), {});
  ASSERT_EQ(input.endpoints.size(), 1u);
  EXPECT_THAT(input.endpoints[0].addresses, IsEmpty());
  EXPECT_THAT(input.local, IsEmpty());
}

TEST(PolicyInputTest, APodWithoutApiObjectIsASubjectOnlyIfTheSettingSaysSo) {
  const DesiredState state = StateOf({}, {RingPort("p", "web", kMac, "10.0.0.2")});
  EXPECT_THAT(MakePolicyInput(state, {}).endpoints, IsEmpty());
  PolicySettings settings;
  settings.unlisted_pods = UnlistedPods::kDefaultClass;
  const acl::PolicyInput input = MakePolicyInput(state, settings);
  ASSERT_EQ(input.endpoints.size(), 1u);
  EXPECT_THAT(input.endpoints[0].labels, IsEmpty());
  EXPECT_THAT(input.endpoints[0].addresses, ElementsAre(Ip("10.0.0.2")));
  EXPECT_THAT(input.local, ElementsAre(Pair("default", "web")));
}

TEST(PolicyInputTest, APodListedUnderAnotherUidIsNotAnUnlistedPod) {
  PolicySettings settings;
  settings.unlisted_pods = UnlistedPods::kDefaultClass;
  const DesiredState state =
      StateOf({Pod("web", "10.0.0.9", {}, "old")}, {RingPort("p", "web", kMac, "10.0.0.2", "new")});
  EXPECT_THAT(MakePolicyInput(state, settings).local, IsEmpty());
}

TEST(PolicyInputTest, HostNetworkPodsAreNobodysSubject) {
  acl::Endpoint pod = Pod("web", "");
  pod.host_network = true;
  const DesiredState state = StateOf({pod}, {RingPort("p", "web", kMac, "10.0.0.2")});
  EXPECT_THAT(MakePolicyInput(state, {}).local, IsEmpty());
}

TEST(PolicyInputTest, TheApiCannotTakeTheNodesAddress) {
  const acl::PolicyInput input = MakePolicyInput(
      StateOf({Pod("thief", "10.0.0.1")}, {HostPort("host", kMac, "10.0.0.1")}), {});
  EXPECT_THAT(input.endpoints[0].addresses, IsEmpty());
  EXPECT_THAT(input.local, IsEmpty());
}

TEST(PolicyInputTest, SingleAllowedAddressesArePodsAddressesBlocksAreNot) {
  dataplane::PortSpec port = RingPort("p", "web", kMac, "10.0.0.2");
  port.allowed = {Allowed("10.0.0.9"), Allowed("10.7.0.0/16"), Allowed("10.0.0.2")};
  const acl::PolicyInput input = MakePolicyInput(StateOf({Pod("web", "10.0.0.2")}, {port}), {});
  EXPECT_THAT(input.endpoints[0].addresses, ElementsAre(Ip("10.0.0.2"), Ip("10.0.0.9")));
}

// A pod lives on another node, moves here, and moves away again.
TEST(PolicyInputTest, TheLocalPortsWordCountsWhileThePortIsThere) {
  DesiredState state = StateOf({Pod("vm", "10.0.0.2")}, {});
  const acl::PolicyInput remote = MakePolicyInput(state, {});
  EXPECT_THAT(remote.endpoints[0].addresses, ElementsAre(Ip("10.0.0.2")));
  EXPECT_THAT(remote.local, IsEmpty());

  // It arrives, and another pod's object still has its address.
  ASSERT_TRUE(state.Apply("test", Candidates(Pod("stale", "10.0.0.2")), OnRefusal::kSkip).ok());
  ASSERT_TRUE(state.ports().Add(RingPort("p", "vm", kMac, "10.0.0.2")).ok());
  const acl::PolicyInput here = MakePolicyInput(state, {});
  EXPECT_THAT(here.local, ElementsAre(Pair("default", "vm")));
  for (const acl::Endpoint& endpoint : here.endpoints) {
    EXPECT_EQ(endpoint.addresses.empty(), endpoint.name == "stale");
  }

  ASSERT_TRUE(state.ports().Remove("p").ok());
  const acl::PolicyInput gone = MakePolicyInput(state, {});
  EXPECT_THAT(gone.local, IsEmpty());
  for (const acl::Endpoint& endpoint : gone.endpoints) {
    EXPECT_THAT(endpoint.addresses, ElementsAre(Ip("10.0.0.2"))) << "the API's word counts again";
  }
}

TEST(PolicyInputTest, OtherNetworksKnowTheirOwnPodsAndNoPolicy) {
  DesiredState state = StateOf({Pod("web", "10.0.0.2"), Pod("db", "10.0.0.3")},
                               {RingPort("p", "web", kMac, "10.0.0.2")});
  ASSERT_TRUE(state.Apply("test", Candidates(DenyAll("deny")), OnRefusal::kRefuseAll).ok());
  ASSERT_TRUE(state.ports().AddNetwork(Network("blue")).ok());
  dataplane::PortSpec blue = RingPort("b", "db", kMac, "10.0.0.2");
  blue.network = "blue";
  ASSERT_TRUE(state.ports().Add(blue).ok());
  const acl::PolicyInput input = MakePolicyInput(state, {}, "blue");
  ASSERT_EQ(input.endpoints.size(), 1u);
  EXPECT_EQ(input.endpoints[0].name, "db");
  EXPECT_THAT(input.endpoints[0].addresses, ElementsAre(Ip("10.0.0.2")));
  EXPECT_THAT(input.local, ElementsAre(Pair("default", "db")));
  EXPECT_THAT(input.policies, IsEmpty());
  EXPECT_THAT(MakePolicyInput(state, {}).local, ElementsAre(Pair("default", "web")));
}

acl::Endpoint Attached(const std::string& name, const std::string& network,
                       const std::string& address) {
  acl::Endpoint pod = Pod(name, "10.0.0.9");
  pod.attachments = {{"x/other", {Ip("10.9.0.9")}}, {network, {Ip(address)}}};
  return pod;
}

dataplane::PortSpec PortOn(const std::string& network, const std::string& pod,
                           const std::string& address) {
  dataplane::PortSpec port = RingPort("port-" + pod, pod, kMac, address);
  port.network = network;
  return port;
}

// Networks that policies know as x/blue and default/red, and one object of every kind.
DesiredState StateOfEveryKind() {
  DesiredState state;
  acl::ClusterPolicy cluster;
  cluster.name = "c";
  cluster.tier = "Admin";
  const auto applied =
      state.Apply("test",
                  Candidates(acl::Namespace{"default", {{"a", "b"}}},
                             acl::Node{"n", {}, {Ip("192.0.2.1")}}, DenyAll("np"), cluster,
                             acl::MultiNetworkPolicy{DenyAll("blue"), {"x/blue", "y/green"}},
                             acl::MultiNetworkPolicy{DenyAll("red"), {"default/red"}},
                             acl::MultiNetworkPolicy{DenyAll("none"), {}}),
                  OnRefusal::kRefuseAll);
  EXPECT_TRUE(applied.ok()) << applied.status();
  EXPECT_TRUE(state.ports().AddNetwork(Network("x/blue")).ok());
  EXPECT_TRUE(state.ports().AddNetwork(Network("red")).ok());
  return state;
}

std::vector<std::string> NamesOf(const acl::PolicyInput& input) {
  std::vector<std::string> names;
  for (const auto& policy : input.policies) names.push_back("network " + policy.name);
  for (const auto& policy : input.cluster_policies) names.push_back("cluster " + policy.name);
  for (const auto& multi : input.multi_policies) {
    names.push_back("multi " + multi.policy.name);
    for (const std::string& network : multi.networks) names.push_back("on " + network);
  }
  for (const auto& policy : input.sluice_policies) {
    names.push_back("sluice " + policy.name);
    for (const std::string& network : policy.networks) names.push_back("on " + network);
  }
  return names;
}

TEST(PolicyInputTest, EachNetworkTakesTheKindsThatActOnIt) {
  const DesiredState state = StateOfEveryKind();
  EXPECT_THAT(NamesOf(MakePolicyInput(state, {})), ElementsAre("network np", "cluster c"));
  EXPECT_THAT(NamesOf(MakePolicyInput(state, {}, "x/blue")),
              ElementsAre("multi blue", "on x/blue"));
  EXPECT_THAT(NamesOf(MakePolicyInput(state, {}, "red")),
              ElementsAre("multi red", "on default/red"));
  for (const char* network : {"default", "x/blue", "red"}) {
    const acl::PolicyInput input = MakePolicyInput(state, {}, network);
    EXPECT_EQ(input.namespaces.size(), 1u) << network;
    EXPECT_EQ(input.nodes.size(), 1u) << network;
  }
}

TEST(PolicyInputTest, ANetworkMayChooseItsKinds) {
  DesiredState state = StateOfEveryKind();
  NetworkSpec all = Network("y/green");
  all.policies = {"network", "cluster", "multi"};
  ASSERT_TRUE(state.ports().AddNetwork(all).ok());
  EXPECT_THAT(NamesOf(MakePolicyInput(state, {}, "y/green")),
              ElementsAre("network np", "cluster c", "multi blue", "on y/green"));
  NetworkSpec primary = Network("default");
  primary.policies = {"cluster"};
  ASSERT_TRUE(state.ports().AddNetwork(primary).ok());
  EXPECT_THAT(NamesOf(MakePolicyInput(state, {})), ElementsAre("cluster c"));
}

TEST(PolicyInputTest, AStandInForEveryNetworkActsOnEachThatTakesItsKind) {
  DesiredState state = StateOfEveryKind();
  acl::MultiNetworkPolicy bad{DenyAll("bad"), {"no network"}};
  ASSERT_TRUE(state.Apply("test", Candidates(bad), OnRefusal::kSkip).ok());
  EXPECT_THAT(NamesOf(MakePolicyInput(state, {}, "red")),
              ElementsAre("multi bad", "on default/red", "multi red", "on default/red"));
  EXPECT_THAT(NamesOf(MakePolicyInput(state, {})), ElementsAre("network np", "cluster c"));
}

TEST(PolicyInputTest, ASluicePolicyActsWhereNetworkPoliciesDoOrOnTheNetworksItNames) {
  DesiredState state = StateOfEveryKind();
  ASSERT_TRUE(state
                  .Apply("test",
                         Candidates(AllowName("here", "a.org"),
                                    AllowName("there", "a.org", {"x/blue", "y/green"})),
                         OnRefusal::kRefuseAll)
                  .ok());
  EXPECT_THAT(NamesOf(MakePolicyInput(state, {})),
              ElementsAre("network np", "cluster c", "sluice here"));
  EXPECT_THAT(NamesOf(MakePolicyInput(state, {}, "x/blue")),
              ElementsAre("multi blue", "on x/blue", "sluice there", "on x/blue"));
  EXPECT_THAT(NamesOf(MakePolicyInput(state, {}, "red")),
              ElementsAre("multi red", "on default/red"));
  NetworkSpec both = Network("y/green");
  both.policies = {"network", "multi"};
  ASSERT_TRUE(state.ports().AddNetwork(both).ok());
  EXPECT_THAT(NamesOf(MakePolicyInput(state, {}, "y/green")),
              ElementsAre("network np", "multi blue", "on y/green", "sluice here", "sluice there",
                          "on y/green"));
}

TEST(PolicyInputTest, AStandInForASluicePolicyOfUnknownNetworksActsOnAll) {
  DesiredState state = StateOfEveryKind();
  const acl::SluicePolicy bad = AllowName("bad", "a.org", {"no network"});
  ASSERT_TRUE(state.Apply("test", Candidates(bad), OnRefusal::kSkip).ok());
  EXPECT_THAT(NamesOf(MakePolicyInput(state, {})),
              ElementsAre("network np", "cluster c", "sluice bad"));
  EXPECT_THAT(NamesOf(MakePolicyInput(state, {}, "red")),
              ElementsAre("multi red", "on default/red", "sluice bad", "on default/red"));
}

TEST(PolicyInputTest, EditsOfASluicePolicyAreItsAndItsPods) {
  DesiredState before = StateOf({Pod("web", "10.0.0.2")}, {RingPort("p", "web", kMac, "10.0.0.2")});
  ASSERT_TRUE(before.ports().AddNetwork(Network("x/blue")).ok());
  ASSERT_TRUE(
      before.Apply("test", Candidates(AllowName("s", "a.org")), OnRefusal::kRefuseAll).ok());
  DesiredState now = before;
  ASSERT_TRUE(now.Apply("test", Candidates(AllowName("s", "b.org")), OnRefusal::kRefuseAll).ok());
  const std::set<ObjectKey> touched = {{"SluicePolicy", {"default", "s"}}};
  const PolicyEdits edits = EditsOf(before, now, {}, "default", touched);
  EXPECT_THAT(edits.policies, ElementsAre("SluicePolicy default/s"));
  EXPECT_THAT(edits.subjects, ElementsAre(Pair("default", "web")));
  EXPECT_THAT(EditsOf(before, now, {}, "x/blue", touched).policies, IsEmpty());
  EXPECT_THAT(EditsOf(now, now, {}, "default", touched).policies, IsEmpty());
  const acl::PolicyInput overlay = MakeOverlayInput(now, {}, "default", edits.subjects);
  EXPECT_THAT(NamesOf(overlay), ElementsAre("sluice s"));
  EXPECT_THAT(NamesOf(MakeOverlayInput(now, {}, "default", {})), IsEmpty());
  EXPECT_THAT(NamesOf(PoliciesOn(now, {}, "default", &touched)), ElementsAre("sluice s"));
}

TEST(PolicyInputTest, PodsOfOtherNetworksHaveTheirAttachmentsAddresses) {
  DesiredState state = StateOfEveryKind();
  ASSERT_TRUE(state
                  .Apply("test",
                         Candidates(Attached("web", "x/blue", "10.1.0.1"),
                                    Attached("remote", "x/blue", "10.1.0.2"),
                                    Attached("thief", "x/blue", "10.1.0.3"), Pod("no", "10.0.0.8")),
                         OnRefusal::kRefuseAll)
                  .ok());
  ASSERT_TRUE(state.ports().Add(PortOn("x/blue", "web", "10.1.0.3")).ok());
  const acl::PolicyInput input = MakePolicyInput(state, {}, "x/blue");
  ASSERT_EQ(input.endpoints.size(), 3u);
  std::map<std::string, std::vector<acl::IpAddress>> addresses;
  for (const acl::Endpoint& endpoint : input.endpoints) {
    EXPECT_THAT(endpoint.attachments, IsEmpty());
    addresses[endpoint.name] = endpoint.addresses;
  }
  EXPECT_THAT(addresses["web"], ElementsAre(Ip("10.1.0.3")));
  EXPECT_THAT(addresses["remote"], ElementsAre(Ip("10.1.0.2")));
  EXPECT_THAT(addresses["thief"], IsEmpty());
  EXPECT_THAT(input.local, ElementsAre(Pair("default", "web")));
}

TEST(PolicyInputTest, ABareNetworkIsThatOfNamespaceDefault) {
  DesiredState state = StateOfEveryKind();
  ASSERT_TRUE(
      state.Apply("test", Candidates(Attached("web", "default/red", "10.1.0.1")), OnRefusal::kSkip)
          .ok());
  EXPECT_EQ(MakePolicyInput(state, {}, "red").endpoints.size(), 1u);
  EXPECT_THAT(MakePolicyInput(state, {}, "x/blue").endpoints, IsEmpty());
  EXPECT_EQ(std::string(state.ports().AddNetwork(Network("default/red")).message()),
            "network default/red: is what policies call network red already");
}

TEST(PolicyInputTest, TheLegacySettingIsPassedOn) {
  PolicySettings settings;
  EXPECT_EQ(MakePolicyInput({}, settings).legacy_policy, acl::LegacyPolicy::kAnnotation);
  settings.legacy_policy = acl::LegacyPolicy::kV1;
  EXPECT_EQ(MakePolicyInput({}, settings).legacy_policy, acl::LegacyPolicy::kV1);
}

TEST(PolicyInputTest, UplinksMakeNobodyLocal) {
  EXPECT_THAT(MakePolicyInput(StateOf({Pod("web", "10.0.0.2")}, {UplinkPort("up")}), {}).local,
              IsEmpty());
}

}  // namespace
}  // namespace sluice::control
