// Histories through the publisher, which builds as little as it can: what is in force in the end
// decides every flow as a build from scratch would.
//
// Class numbers of two builds differ; verdicts may not. Seeds: 1 to kSeeds, and SLUICE_SEED.
#include <fmt/core.h>
#include <gtest/gtest.h>
#include <spdlog/spdlog.h>

#include <functional>
#include <ostream>
#include <random>
#include <set>
#include <tuple>
#include <utility>

#include "control/probe.h"
#include "control/publisher.h"
#include "control/verdict.h"
#include "tests/differential/random_cluster.h"
#include "tests/unit/control/objects.h"
#include "tests/unit/control/random_history.h"
#include "tests/unit/control/switch_fixture.h"

namespace sluice::control {
namespace {

constexpr uint64_t kSeeds = 10;
constexpr size_t kSteps = 60;

constexpr char kNotJudged[] = "not judged here";

// Addresses of nobody, and of nodes.
constexpr const char* kElsewhere[] = {"203.0.113.1", "10.0.1.77",   "192.168.0.1", "192.168.0.2",
                                      "192.168.0.3", "192.168.0.4", "10.0.9.1",    "10.0.9.2",
                                      "10.0.9.3",    "2001:db8::1", "fd01::1",     "fd01::2",
                                      "fd01::3"};

Command CommandOf(const Step& step) {
  if (!step.object) return DeleteCommand{kHistorySource, {step.key}};
  return ApplyCommand{kHistorySource, {Candidate::Of(*step.object)}, OnRefusal::kSkip};
}

// Every address that a flow may have on the network.
std::vector<acl::IpAddress> AddressesOf(const acl::PolicyInput& input) {
  std::set<acl::IpAddress> all;
  for (const char* text : kElsewhere) all.insert(Ip(text));
  for (const acl::Endpoint& endpoint : input.endpoints) {
    all.insert(endpoint.addresses.begin(), endpoint.addresses.end());
  }
  return {all.begin(), all.end()};
}

// What `build` says of a flow that enters by the port of `pod`, or leaves by it.
class Judgement {
 public:
  explicit Judgement(const PolicyBuild& build) : build_(build) {}

  std::string Of(const acl::Endpoint& pod, const acl::IpAddress& own, const acl::IpAddress& peer,
                 bool outwards, uint8_t protocol, uint16_t port) const {
    Flow flow{.source = {}, .destination = {}, .protocol = protocol, .port = port};
    End& subject = outwards ? flow.source : flow.destination;
    (outwards ? flow.destination : flow.source).address = peer;
    subject.address = own;
    const LayerBuild& layer = build_.LayerOf({pod.namespace_name, pod.name});
    const acl::Member* member = layer.population.Find({pod.namespace_name, pod.name});
    if (member == nullptr || member->owner != acl::Owner::kLocal) return kNotJudged;
    subject.subject = own.family == acl::Family::kIpv4 ? member->subject.v4 : member->subject.v6;
    const Verdict verdict =
        Judge(flow, *layer.addresses, *layer.in_force.rules, *layer.in_force.classifier);
    const Side& side = outwards ? *verdict.egress : *verdict.ingress;
    return fmt::format("{} {} {} {}", side.allow, static_cast<int>(side.tier),
                       side.policies.empty() ? "" : side.policies[0], side.rule);
  }

 private:
  const PolicyBuild& build_;
};

// How many flows were compared.
size_t ExpectSameVerdicts(const PolicyBuild& seen, const PolicyBuild& fresh) {
  const Judgement as_seen(seen), as_fresh(fresh);
  const acl::PolicyInput& input = *fresh.input;
  size_t compared = 0;
  for (const acl::Endpoint& pod : input.endpoints) {
    for (const acl::IpAddress& own : pod.addresses) {
      for (const acl::IpAddress& peer : AddressesOf(input)) {
        if (peer.family != own.family) continue;
        for (const uint16_t port : {80, 53, 8080}) {
          for (const bool outwards : {false, true}) {
            const uint8_t protocol = port == 53 ? 17 : 6;
            const std::string expected = as_fresh.Of(pod, own, peer, outwards, protocol, port);
            if (expected != kNotJudged) ++compared;
            EXPECT_EQ(as_seen.Of(pod, own, peer, outwards, protocol, port), expected)
                << pod.namespace_name << "/" << pod.name << " " << own.ToString()
                << (outwards ? " -> " : " <- ") << peer.ToString() << " port " << port;
          }
        }
      }
    }
  }
  return compared;
}

class PublisherHistory : public ::testing::Test {
 protected:
  PublisherHistory() {
    spdlog::set_level(spdlog::level::off);  // what policies are warned of is no matter here
    auto created = Publisher::Create(fixture_.data_plane(), {});
    EXPECT_TRUE(created.ok()) << created.status();
    publisher_ = *std::move(created);
  }
  ~PublisherHistory() override { spdlog::set_level(spdlog::level::info); }

  void Do(std::vector<Command> batch) {
    for (const Result& result : publisher_->Process(batch)) {
      EXPECT_TRUE(result.ok()) << result.status();
    }
  }

  // Rebuilds begin at one change and are adopted some changes later.
  void DoBesideRebuilds(std::vector<Command> batch) {
    Do(std::move(batch));
    if (rebuilt_ == nullptr && !IsWhole(*publisher_->view())) {
      rebuilt_ = std::make_shared<Rebuilt>(Rebuild(publisher_->view(), {}));
      until_adopted_ = 3;
    }
    if (rebuilt_ == nullptr || until_adopted_-- > 0) return;
    const Command adopt = AdoptCommand{std::exchange(rebuilt_, nullptr)};
    const Result result = publisher_->Process({&adopt, 1})[0];
    EXPECT_TRUE(result.ok() || absl::IsAborted(result.status())) << result.status();
    adopted_ += result.ok() ? 1 : 0;
  }

  // Every network as a build of the end state alone has it.
  size_t ExpectAsBuiltFromScratch() {
    const auto view = publisher_->view();
    size_t compared = 0;
    for (const auto& [network, build] : view->networks) {
      auto fresh = BuildPolicy(MakePolicyInput(*view->state, {}, network), nullptr, {});
      EXPECT_TRUE(fresh.ok()) << fresh.status();
      if (!fresh.ok()) continue;
      EXPECT_TRUE(*build.policy->input == *fresh->input) << network;
      compared += ExpectSameVerdicts(*build.policy, *fresh);
    }
    return compared;
  }

  SwitchFixture fixture_;
  std::unique_ptr<Publisher> publisher_;
  std::shared_ptr<Rebuilt> rebuilt_;
  int until_adopted_ = 0;
  unsigned adopted_ = 0;
};

std::vector<Command> SetUpOf(uint64_t seed) {
  std::vector<Command> setup = {AddNetworkCommand{Network(kSecondNetwork)}};
  for (dataplane::PortSpec& spec : RandomHistory(seed).Ports()) {
    setup.push_back(AddPortCommand{std::move(spec)});
  }
  return setup;
}

// Half the steps are of any kind, then of endpoints alone: those need no build of their own.
History HistoryOf(uint64_t seed, bool refusals) {
  return RandomHistory(seed).Make({.steps = kSteps, .refusals = refusals, .only_endpoints = true});
}

void RunHistory(uint64_t seed, size_t batch_size,
                const std::function<void(std::vector<Command>)>& run) {
  run(SetUpOf(seed));
  std::vector<Command> batch;
  for (const Step& step : HistoryOf(seed, true)) {
    batch.push_back(CommandOf(step));
    if (batch.size() == batch_size) run(std::exchange(batch, {}));
  }
  if (!batch.empty()) run(std::move(batch));
}

class PublisherHistoryOf : public PublisherHistory, public testing::WithParamInterface<uint64_t> {};

TEST_P(PublisherHistoryOf, OneChangeAfterTheOtherEndsAsABuildFromScratch) {
  RunHistory(GetParam(), 1, [&](std::vector<Command> batch) { Do(std::move(batch)); });
  EXPECT_GT(ExpectAsBuiltFromScratch(), 0u);
}

TEST_P(PublisherHistoryOf, ChangesInBatchesEndAsABuildFromScratch) {
  RunHistory(GetParam(), 7, [&](std::vector<Command> batch) { Do(std::move(batch)); });
  EXPECT_GT(ExpectAsBuiltFromScratch(), 0u);
}

TEST_P(PublisherHistoryOf, RebuildsBetweenChangesEndAsABuildFromScratch) {
  RunHistory(GetParam(), 1, [&](std::vector<Command> batch) {
    DoBesideRebuilds(std::move(batch));
    ExpectAsBuiltFromScratch();
  });
  EXPECT_GT(ExpectAsBuiltFromScratch(), 0u);
  RecordProperty("adopted", static_cast<int>(adopted_));
}

// Another way to where a history ends.
struct Way {
  const char* name;
  bool refusals;
  std::function<History(const History&)> of;
};
void PrintTo(const Way& way, std::ostream* out) { *out << way.name; }

const Way kWays[] = {
    {"Permuted", true,
     [](const History& history) {
       std::mt19937_64 random(history.size());
       return Permuted(history, random);
     }},
    {"Reversed", true, Reversed},
    {"Doubled", true, Doubled},
    {"DeletedBetween", false, Churned},
    {"EachChangeInTwo", false, Split},
    {"Squashed", false, Squashed},
    {"SquashedAndReversed", false,
     [](const History& history) { return Reversed(Squashed(history)); }},
};

class PublisherWayOf : public PublisherHistory,
                       public testing::WithParamInterface<std::tuple<uint64_t, Way>> {};

TEST_P(PublisherWayOf, EndsInTheSameStateAndAsABuildFromScratch) {
  const auto& [seed, way] = GetParam();
  SCOPED_TRACE(fmt::format("SLUICE_SEED={}", seed));
  Do(SetUpOf(seed));
  History history = HistoryOf(seed, way.refusals);
  for (const dataplane::PortSpec& spec : RandomHistory(seed).Ports()) {  // there in the end
    acl::Endpoint pod = Pod(spec.pod_name, "", {}, spec.pod_uid);
    pod.namespace_name = spec.pod_namespace;
    history.push_back({ObjectKey::Of(pod), std::move(pod)});
  }
  const DesiredState expected = Replay(history, *publisher_->view()->state);
  size_t steps = 0;
  for (const Step& step : way.of(history)) {
    DoBesideRebuilds({CommandOf(step)});
    if (++steps % 16 == 0) ExpectAsBuiltFromScratch();
  }
  EXPECT_TRUE(*publisher_->view()->state == expected);
  EXPECT_GT(ExpectAsBuiltFromScratch(), 0u);
}

INSTANTIATE_TEST_SUITE_P(Seeds, PublisherWayOf,
                         testing::Combine(testing::ValuesIn(acl::Seeds(kSeeds)),
                                          testing::ValuesIn(kWays)),
                         [](const auto& run) {
                           return fmt::format("{}_{}", std::get<1>(run.param).name,
                                              std::get<0>(run.param));
                         });

// Without Node objects a node is what its pods say: with the last of them it is gone.
TEST_F(PublisherHistory, ANodeGoesWithTheLastPodThatNamesIt) {
  acl::ClusterPolicy policy;
  policy.name = "no-nodes";
  policy.tier = "Admin";
  policy.egress = {{.name = "", .action = "Deny", .peers = {acl::NodesPeer{}}}};
  acl::Endpoint passing = Pod("passing", "10.0.0.11");
  passing.node = "n";
  passing.node_addresses = {Ip("192.168.0.1")};
  Do({AddPortCommand{RingPort("web", "web", "02:00:00:00:00:01", "10.0.0.10")}});
  for (Object object : {Object(policy), Object(Pod("web", "10.0.0.10")), Object(passing)}) {
    Do({ApplyCommand{kHistorySource, {Candidate::Of(std::move(object))}, OnRefusal::kRefuseAll}});
  }
  EXPECT_GT(ExpectAsBuiltFromScratch(), 0u);
  Do({DeleteCommand{kHistorySource, {PodKey("passing")}}});
  EXPECT_GT(ExpectAsBuiltFromScratch(), 0u);
}

INSTANTIATE_TEST_SUITE_P(Seeds, PublisherHistoryOf, testing::ValuesIn(acl::Seeds(kSeeds)));

}  // namespace
}  // namespace sluice::control
