// What a change of policy or pods costs established traffic, in the worker's own time.
//
//   churn  10,000 established flows between two pods, while other pods come and go, 1,000 a second
//          of the worker's time; beside the same flows without (quiet), in turns A B A B
//   swap   the same flows, while two sets of 10,000 flat rules for both pods take each other's
//   place
//          every 100 ms: each flow is judged again after each swap
//
// One thread turns the worker by hand and counts only its turns (TSC). On a switch another core
// builds the snapshots; here the building takes the worker's caches away, so in quiet they are
// built too, and thrown away. A turn is a burst of 32 packets; nothing a packet waits for inside
// the switch takes longer than its turn. The output is one JSON object a line: {name, unit, value,
// samples, params}.
#include <fmt/format.h>
#include <rte_cycles.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <utility>
#include <vector>

#include "control/policy_build.h"
#include "control/verdict_stamps.h"
#include "dataplane/eal.h"
#include "tests/support/testbed.h"

namespace sluice {
namespace {

constexpr unsigned kFlows = 10'000;
constexpr unsigned kRemotePods = 1'000;
constexpr unsigned kRounds = 9;
constexpr double kRoundSeconds = 0.25;
constexpr double kEventsPerSecond = 1'000;
constexpr unsigned kRules = 10'000;
constexpr double kSwapSeconds = 0.1;

template <typename T>
T Must(absl::StatusOr<T> value) {
  if (value.ok()) return *std::move(value);
  fmt::print(stderr, "{}\n", std::string(value.status().message()));
  std::exit(1);
}

acl::Endpoint Pod(const std::string& name, acl::Labels labels, const std::string& address) {
  acl::Endpoint pod{.namespace_name = "default", .name = name, .labels = std::move(labels)};
  pod.addresses = {Must(acl::IpAddress::Parse(address))};
  return pod;
}

// Pods a and b, which hold their rules, and a crowd that no rule of theirs looks at closely.
class Cluster {
 public:
  Cluster() {
    for (const char pod : {'a', 'b'}) {
      const std::string name(1, pod);
      input_.endpoints.push_back(Pod(name, {{"name", name}}, test::Testbed::V4(pod)));
      input_.local.insert({"default", name});
    }
    for (unsigned i = 0; i < kRemotePods; ++i) AddRemote();
    input_.policies.push_back(Policy("admit", 1));
  }

  // `rules` flat rules or so for both pods; all of them admit what a sends to b.
  static acl::NetworkPolicy Policy(const std::string& name, unsigned rules) {
    acl::NetworkPolicy policy{.namespace_name = "default", .name = name};
    policy.policy_types = {"Ingress"};
    policy.ingress.push_back(test::Admit("a", "UDP"));
    for (unsigned i = 0; i + 1 < rules; ++i) {
      policy.ingress.push_back(test::Admit("", "TCP", 1 + static_cast<int64_t>(i)));
    }
    return policy;
  }

  void AddRemote() {
    const unsigned n = next_remote_++;
    input_.endpoints.push_back(
        Pod(fmt::format("remote-{}", n), {{"app", "crowd"}},
            fmt::format("10.{}.{}.{}", 1 + n / 65536 % 200, n / 256 % 256, n % 256)));
  }
  // The eldest goes, another one comes: two pod events.
  void ReplaceRemote() {
    input_.endpoints.erase(input_.endpoints.begin() + 2);
    AddRemote();
  }
  void SetPolicy(acl::NetworkPolicy policy) { input_.policies = {std::move(policy)}; }

  const acl::PolicyInput& input() const { return input_; }

 private:
  acl::PolicyInput input_;
  unsigned next_remote_ = 0;
};

class Bench {
 public:
  Bench() : bed_({.pods = "ab", .connections = 4 * kFlows}) {
    Install(Build());
    for (unsigned flow = 0; flow < kFlows; ++flow) {
      frames_.push_back(test::Testbed::From('a', 'b').Udp(Port(flow), Served(flow)).bytes());
      const test::Bytes reply = test::Testbed::From('b', 'a').Udp(Served(flow), Port(flow)).bytes();
      bed_.Send('a', frames_.back());
      bed_.Turn();
      bed_.Send('b', reply);
      bed_.Turn();
      bed_.Received('a');
      bed_.Received('b');
    }
    if (bed_.connections() != kFlows) Fail("not every flow was established");
  }

  void RunChurn() {
    std::vector<double> quiet, churn, ratios;
    for (unsigned round = 0; round < kRounds; ++round) {
      quiet.push_back(CyclesPerPacket(/*publish=*/false));
      churn.push_back(CyclesPerPacket(/*publish=*/true));
      ratios.push_back(quiet.back() / churn.back());
    }
    Print("change.quiet.cycles", "cycles/packet", quiet);
    Print("change.churn.cycles", "cycles/packet", churn);
    Print("change.churn.rate_ratio", "ratio", ratios);
  }

  void RunSwap() {
    cluster_.SetPolicy(Cluster::Policy("one", kRules));
    const auto one = std::make_shared<control::PolicyBuild>(Build());
    cluster_.SetPolicy(Cluster::Policy("two", kRules));
    const auto two = std::make_shared<control::PolicyBuild>(Build());
    std::vector<double> turns_us;
    for (unsigned swap = 0; swap < kRounds; ++swap) {
      Install(swap % 2 == 0 ? *one : *two);
      const uint64_t asked = bed_.tally(0).classified.Read();
      for (const double limit = Cycles(kSwapSeconds); spent_ < limit;) {
        turns_us.push_back(1e6 * Burst() / static_cast<double>(rte_get_tsc_hz()));
      }
      spent_ = 0;
      if (bed_.tally(0).classified.Read() - asked < kFlows) Fail("a swap left flows unjudged");
    }
    std::sort(turns_us.begin(), turns_us.end());
    const auto at = [&](double share) {
      return turns_us[static_cast<size_t>(share * static_cast<double>(turns_us.size() - 1))];
    };
    Print("change.swap.turn_p50", "us", {at(0.5)});
    Print("change.swap.turn_p99", "us", {at(0.99)});
    Print("change.swap.turn_p999", "us", {at(0.999)});
    Print("change.swap.turn_max", "us", {at(1)});
  }

 private:
  [[noreturn]] static void Fail(const char* why) {
    fmt::print(stderr, "change_bench: {}\n", why);
    std::exit(1);
  }
  static uint16_t Port(unsigned flow) { return static_cast<uint16_t>(1024 + flow); }
  // Neighbours ask for different ports: what a run of packets asks alike is asked once.
  static uint16_t Served(unsigned flow) { return static_cast<uint16_t>(9 + flow % 2); }
  static double Cycles(double seconds) { return seconds * static_cast<double>(rte_get_tsc_hz()); }

  control::PolicyBuild Build() {
    return Must(control::BuildPolicy(cluster_.input(), last_.input ? &last_ : nullptr, {}));
  }

  // As control's publisher does, on the testbed's ports.
  void Install(control::PolicyBuild build) {
    const control::VerdictScope scope =
        control::CompareBuilds(last_.input ? &last_ : nullptr, build);
    dataplane::Snapshot& next = bed_.next();
    ++next.epoch;
    dataplane::NetworkView& network = next.networks[0];
    const control::RuleSet& rules = build.base.in_force;
    network.layers[dataplane::kBase] = {
        build.base.addresses, {rules.rules, rules.rule_ids, rules.classifier}, {}};
    network.rule_ids = build.names.in_force;
    std::set<dataplane::PortId> subjects;
    for (size_t id = 1; id < next.ports.size(); ++id) {
      const std::string name(1, next.ports[id].mac == test::Testbed::Mac('a') ? 'a' : 'b');
      const acl::SubjectClasses subject = build.base.population.Find({"default", name})->subject;
      next.ports[id].classes[dataplane::kBase] = {subject.v4, subject.v6};
      if (scope.subjects.contains({"default", name})) {
        subjects.insert(static_cast<dataplane::PortId>(id));
      }
    }
    const dataplane::Snapshot before = next;  // its epochs are the published one's
    control::StampVerdicts(scope, subjects, last_.input ? &before : nullptr, next);
    bed_.Publish();
    last_ = std::move(build);
  }

  // Sends the next 32 packets of all flows in turn; the cycles that the worker's turn took.
  double Burst() {
    for (unsigned i = 0; i < dataplane::kBurstSize; ++i) {
      bed_.Send('a', frames_[next_frame_++ % kFlows]);
    }
    const uint64_t start = rte_rdtsc_precise();
    bed_.Turn();
    const auto cycles = static_cast<double>(rte_rdtsc_precise() - start);
    if (bed_.Received('b').size() != dataplane::kBurstSize) Fail("packets were lost");
    spent_ += cycles;
    return cycles;
  }

  double CyclesPerPacket(bool publish) {
    constexpr double kEventsAChange = 2;  // a pod goes, a pod comes
    const double between = Cycles(kEventsAChange / kEventsPerSecond);
    double bursts = 0, built = 0;
    while (spent_ < Cycles(kRoundSeconds)) {
      Burst();
      ++bursts;
      if (spent_ < (built + 1) * between) continue;
      ++built;
      cluster_.ReplaceRemote();
      control::PolicyBuild build = Build();
      if (publish) Install(std::move(build));
    }
    return std::exchange(spent_, 0) / bursts / dataplane::kBurstSize;
  }

  static void Print(const char* name, const char* unit, std::vector<double> samples) {
    std::vector<double> sorted = samples;
    std::sort(sorted.begin(), sorted.end());
    fmt::print(
        "{{\"name\": \"{}\", \"unit\": \"{}\", \"value\": {:.4g}, \"samples\": [{:.4g}], "
        "\"params\": {{\"flows\": {}, \"pods\": {}, \"rules\": {}, \"events_per_second\": {}}}}}\n",
        name, unit, sorted[sorted.size() / 2], fmt::join(samples, ", "), kFlows, kRemotePods,
        kRules, kEventsPerSecond);
  }

  Cluster cluster_;
  control::PolicyBuild last_;
  test::Testbed bed_;
  std::vector<test::Bytes> frames_;
  size_t next_frame_ = 0;
  double spent_ = 0;
};

}  // namespace
}  // namespace sluice

int main() {
  sluice::dataplane::EalConfig config;
  config.file_prefix = fmt::format("sluice-change-bench-{}", getpid());
  auto eal = sluice::dataplane::Eal::Start(config);
  if (!eal.ok()) {
    fmt::print(stderr, "{}\n", std::string(eal.status().message()));
    return 1;
  }
  sluice::Bench bench;
  bench.RunChurn();
  bench.RunSwap();
  return 0;
}
