// Two tenants, one of them telling too many apart: what makes too many classes is refused, by name
// and with the figure, and the other goes on.
#include "control/class_shares.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/spdlog.h>

#include <memory>
#include <utility>
#include <vector>

#include "control/publisher.h"
#include "tests/unit/control/objects.h"
#include "tests/unit/control/switch_fixture.h"

namespace sluice::control {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr char kSource[] = "test";
constexpr unsigned kPods = 12;

acl::Endpoint PodIn(const std::string& tenant, unsigned number) {
  acl::Endpoint pod = Pod(fmt::format("pod-{}", number),
                          fmt::format("10.0.{}.{}", tenant == "greedy" ? 1 : 2, number + 1),
                          {{"number", fmt::format("{}", number)}});
  pod.namespace_name = tenant;
  return pod;
}

enum class Whose : uint8_t { kOwn, kAll };

// Tells its own namespace apart, and in there, or in every namespace, the pods `first` to `last`.
acl::NetworkPolicy Apart(const std::string& tenant, const std::string& name, unsigned first,
                         unsigned last, Whose whose = Whose::kOwn) {
  acl::NetworkPolicy policy = DenyAll(name);
  policy.namespace_name = tenant;
  for (unsigned number = first; number <= last; ++number) {
    acl::NetworkPolicyPeer peer;
    if (whose == Whose::kAll) peer.namespace_selector = acl::LabelSelector{};
    peer.pod_selector = acl::LabelSelector{{{"number", fmt::format("{}", number)}}, {}};
    policy.ingress.push_back({{peer}, {{"TCP", int64_t{number} + 1, std::nullopt}}});
  }
  return policy;
}

// A switch with a dozen pods of each tenant, which may make six classes.
class ClassSharesTest : public ::testing::Test {
 protected:
  ClassSharesTest() {
    spdlog::set_level(spdlog::level::off);
    PublisherConfig config;
    config.state.classes = {.a_namespace = 6, .cluster_wide = 3};
    auto created = Publisher::Create(fixture_.data_plane(), config);
    EXPECT_TRUE(created.ok()) << created.status();
    publisher_ = *std::move(created);
    for (const char* tenant : {"greedy", "meek"}) {
      for (unsigned number = 0; number < kPods; ++number) Must(Apply({PodIn(tenant, number)}));
    }
  }
  ~ClassSharesTest() override { spdlog::set_level(spdlog::level::info); }

  Result Apply(std::vector<Object> objects, OnRefusal mode = OnRefusal::kRefuseAll) {
    ApplyCommand apply{kSource, {}, mode};
    for (Object& object : objects) apply.objects.push_back(Candidate::Of(std::move(object)));
    const Command command = apply;
    return std::move(publisher_->Process({&command, 1})[0]);
  }

  static void Must(const Result& result) { EXPECT_TRUE(result.ok()) << result.status(); }
  static void ExpectCrosses(const Result& result, const std::string& text) {
    EXPECT_EQ(result.status().code(), absl::StatusCode::kResourceExhausted) << result.status();
    EXPECT_THAT(std::string(result.status().message()), HasSubstr(text));
  }
  static std::vector<std::string> NamesOf(const std::vector<Refusal>& refusals) {
    std::vector<std::string> names;
    for (const Refusal& refusal : refusals) names.push_back(refusal.key.ToString());
    return names;
  }

 private:
  SwitchFixture fixture_;
  std::unique_ptr<Publisher> publisher_;
};

TEST_F(ClassSharesTest, TheGreedyTenantIsRefusedAndTheOtherGoesOn) {
  ExpectCrosses(Apply({Apart("greedy", "a", 0, 6)}),
                "NetworkPolicy greedy/a: spec: with the classes that it tells apart namespace "
                "greedy would make 8 on network default, more than 6");
  Must(Apply({Apart("greedy", "a", 0, 4)}));
  ExpectCrosses(Apply({Apart("greedy", "b", 6, 7)}), "NetworkPolicy greedy/b");
  Must(Apply({Apart("meek", "a", 7, 11)}));
}

TEST_F(ClassSharesTest, WhatAnotherTellsApartTooIsNobodys) {
  Must(Apply({Apart("meek", "a", 0, 1, Whose::kAll)}));
  Must(Apply({Apart("greedy", "a", 0, 1, Whose::kAll)}));
  Must(Apply({Apart("greedy", "b", 2, 3, Whose::kAll)}));
  ExpectCrosses(Apply({Apart("greedy", "c", 4, 5, Whose::kAll)}),
                "greedy would make 8 on network default");
}

TEST_F(ClassSharesTest, OfSeveralAtOnceTheFirstByNameFit) {
  const Result result = Apply({Apart("greedy", "c", 4, 7), Apart("greedy", "a", 0, 1),
                               Apart("meek", "a", 8, 10), Apart("greedy", "b", 2, 3)},
                              OnRefusal::kSkip);
  Must(result);
  EXPECT_THAT(NamesOf(result->refusals), ElementsAre("NetworkPolicy greedy/c"));
}

TEST_F(ClassSharesTest, ATenantAboveItsShareByOthersDoingMayTellLessApart) {
  Must(Apply({Apart("greedy", "a", 0, 1, Whose::kAll), Apart("meek", "a", 0, 3, Whose::kAll)}));
  Must(Apply({Apart("greedy", "b", 2, 3, Whose::kAll)}));
  Must(Apply({Apart("greedy", "c", 4, 6, Whose::kAll)}));
  Must(Apply({Apart("meek", "a", 0, 1, Whose::kAll)}));  // 2 and 3 are greedy's own from here on
  ExpectCrosses(Apply({Apart("greedy", "d", 7, 7)}), "greedy would make 11 on network default");
  Must(Apply({Apart("greedy", "b", 2, 2, Whose::kAll)}));
  ExpectCrosses(Apply({Apart("greedy", "d", 7, 7)}), "greedy would make 9 on network default");
}

TEST_F(ClassSharesTest, ClusterWidePoliciesHaveAShareOfTheirOwn) {
  acl::ClusterPolicy admin{.name = "wide", .tier = "Admin"};
  admin.ingress = {{.action = "Deny", .peers = {}}};
  for (unsigned number = 0; number < 4; ++number) {
    acl::PodsPeer peer;
    peer.pods = acl::LabelSelector{{{"number", fmt::format("{}", number)}}, {}};
    admin.ingress[0].peers.emplace_back(peer);
  }
  ExpectCrosses(Apply({admin}),
                "ClusterNetworkPolicy wide: spec: with the classes that it tells apart "
                "cluster-wide policies would make 4 on network default, more than 3");
}

}  // namespace
}  // namespace sluice::control
