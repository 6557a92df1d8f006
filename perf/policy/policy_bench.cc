// What policy costs, from a thousand flat rules to a cluster of ten thousand pods.
//
//   policy_bench [--quick] [PART ...]
//
// PARTs, all by default: compile classify pods policies. A line of JSON for each figure:
// {name, unit, value, samples, params}.
//
// Everything goes through the publisher, with one worker that polls: a figure called "in force"
// ends when the worker runs the new epoch. `value` is the median, or the percentile that the name
// says. edit.policy.cpu is what an edit takes of the thread that makes it, with nothing beside it:
// on a machine with neighbours it says more than the time it took. What is compiled, loaded,
// changed or looked up stands beside the naive twin (perf/policy/naive.h): naive_beside is how many
// times as long that takes, for changes their medians; what nothing is proven of and no worker
// waits for.
#include <fmt/format.h>
#include <malloc.h>
#include <rte_cycles.h>
#include <sched.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "control/controller.h"
#include "control/kube/manifest.h"
#include "control/policy_build.h"
#include "control/process.h"
#include "control/publisher.h"
#include "dataplane/eal.h"
#include "dataplane/switch.h"
#include "perf/policy/cluster.h"
#include "perf/policy/manifest_text.h"
#include "perf/policy/naive.h"

namespace sluice::perf {
namespace {

using nlohmann::json;
using Clock = std::chrono::steady_clock;

constexpr char kSource[] = "bench";

double SecondsSince(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

[[noreturn]] void Die(const std::string& why) {
  fmt::print(stderr, "policy_bench: {}\n", why);
  std::exit(1);
}

template <typename T>
T Must(absl::StatusOr<T> value) {
  if (!value.ok()) Die(std::string(value.status().message()));
  return *std::move(value);
}

double Percentile(std::vector<double> samples, double share) {
  std::sort(samples.begin(), samples.end());
  const auto place = static_cast<size_t>(share * static_cast<double>(samples.size() - 1));
  return samples[place];
}

void Report(const std::string& name, const char* unit, double value,
            const std::vector<double>& samples, json params) {
  fmt::print("{}\n", json{{"name", name},
                          {"unit", unit},
                          {"value", value},
                          {"samples", samples},
                          {"params", std::move(params)}}
                         .dump());
  std::fflush(stdout);
}

size_t ResidentBytes() {
  malloc_trim(0);
  std::ifstream file("/proc/self/statm");
  size_t total = 0, resident = 0;
  file >> total >> resident;
  return resident * static_cast<size_t>(sysconf(_SC_PAGESIZE));
}

// A switch with a polling worker and the pods that are local, on vhost-user ports without peers.
class Bed {
 public:
  // Without a controller, changes are made on the caller's thread and nothing is built beside them.
  enum class Controlled : uint8_t { kNo, kYes };

  explicit Bed(int worker_core, Controlled controlled = Controlled::kYes) {
    dataplane::SwitchConfig config;
    config.worker_cores = {worker_core};
    config.connection_capacity = 1024;
    config.packet_buffers = 8192;
    switch_ = Must(dataplane::Switch::Create(config));
    control::PublisherConfig settings;
    settings.policy.cluster_cidrs = {*acl::Cidr::Parse("10.0.0.0/8")};
    if (controlled == Controlled::kYes) {
      controller_ = Must(control::Controller::Create(*switch_, settings));
    } else {
      publisher_ = Must(control::Publisher::Create(*switch_, settings));
    }
  }

  // Any thread, if there is a controller.
  void Do(const control::Command& command) {
    Must(controller_ != nullptr ? controller_->Execute(command)
                                : publisher_->Process({&command, 1})[0]);
  }
  void Apply(std::vector<control::Object> objects) {
    control::ApplyCommand apply{.source = kSource, .objects = {}};
    for (control::Object& object : objects) {
      apply.objects.push_back(control::Candidate::Of(std::move(object)));
    }
    Do(std::move(apply));
  }
  void AddPort(const acl::Endpoint& pod, unsigned number) {
    dataplane::PortSpec spec;
    spec.name = fmt::format("p{}", number);
    spec.kind = dataplane::PortKind::kVhostServer;
    spec.path = sockets_ / spec.name;
    spec.role = dataplane::PortRole::kPod;
    spec.pod_namespace = pod.namespace_name;
    spec.pod_name = pod.name;
    spec.pod_uid = pod.uid;
    spec.mac = {{2, 0, 0, 0, static_cast<uint8_t>(number >> 8), static_cast<uint8_t>(number)}};
    spec.addresses = pod.addresses;
    Do(control::AddPortCommand{spec});
  }
  void AddPorts(const Cluster& cluster) {
    for (unsigned i = 0; i < cluster.size().local_pods; ++i) AddPort(cluster.Pod(i), i);
  }

  // Namespaces, pods and policies, and the ports.
  void Load(Cluster& cluster) {
    std::vector<control::Object> objects;
    acl::PolicyInput input = cluster.Input();
    for (auto& ns : input.namespaces) objects.emplace_back(std::move(ns));
    for (const auto& pod : input.endpoints) objects.emplace_back(pod);
    for (auto& policy : input.policies) objects.emplace_back(std::move(policy));
    AddPorts(cluster);
    Apply(std::move(objects));
  }
  // What a controller has built in the background.
  void Rebuild() {
    Do(control::AdoptCommand{std::make_shared<control::Rebuilt>(control::Rebuild(view(), {}))});
  }

  std::shared_ptr<const control::View> view() const {
    return controller_ != nullptr ? controller_->view() : publisher_->view();
  }

 private:
  // Of the sockets.
  struct Directory {
    std::filesystem::path path;
    Directory() {
      std::string pattern = std::filesystem::temp_directory_path() / "policy-bench-XXXXXX";
      if (mkdtemp(pattern.data()) == nullptr) Die("no directory " + pattern);
      path = pattern;
    }
    ~Directory() { std::filesystem::remove_all(path); }
    std::filesystem::path operator/(const std::string& name) const { return path / name; }
  };

  Directory sockets_;
  std::unique_ptr<dataplane::Switch> switch_;
  std::unique_ptr<control::Controller> controller_;  // or
  std::unique_ptr<control::Publisher> publisher_;
};

// A cluster that compiles to about `rules` flat rules.
Cluster ClusterOf(size_t rules, uint64_t seed, unsigned local_pods = 100) {
  ClusterSize size{.local_pods = local_pods};
  size.policies = static_cast<unsigned>(std::max<size_t>(rules / 5, 10));
  for (int i = 0; i < 4; ++i) {
    Cluster cluster(size, seed);
    const auto compiled = Must(acl::CompileParts(cluster.Input()));
    const double ratio = static_cast<double>(rules) /
                         static_cast<double>(std::max<size_t>(compiled.table.rules.size(), 1));
    if (0.97 < ratio && ratio < 1.03) break;
    size.policies = static_cast<unsigned>(size.policies * ratio) + 1;
  }
  return Cluster(size, seed);
}

json CostOf(const control::PolicyBuild& build) {
  const control::BuildCost& cost = build.base.cost;
  const control::TrieCost& tries = build.base.in_force.cost;
  return {{"rules", build.base.in_force.rules->rules.size()},
          {"classes", build.base.universe->classes().size()},
          {"compile", cost.compile_seconds},
          {"trie", tries.build_seconds},
          {"proof", tries.proof_seconds},
          {"atoms", tries.proof.atoms},
          {"keys", tries.proof.keys},
          {"exhaustive", tries.proof.exhaustive},
          {"probes", cost.probes}};
}

void FullCompile(const std::string& name, size_t rules, unsigned sets) {
  std::vector<double> samples, naive;
  json params;
  size_t pairs = 0;
  for (unsigned seed = 1; seed <= sets; ++seed) {
    Cluster cluster = ClusterOf(rules, seed);
    const acl::PolicyInput input = cluster.Input();
    acl::PolicyInput copy = input;
    const auto start = Clock::now();
    const control::PolicyBuild build = Must(control::BuildPolicy(std::move(copy), nullptr, {}));
    samples.push_back(SecondsSince(start));
    params = CostOf(build);
    const auto naive_start = Clock::now();
    pairs = ExpandByPod(input).size();
    naive.push_back(SecondsSince(naive_start));
  }
  const double median = Percentile(samples, 0.5);
  params["worst_beside_median"] = Percentile(samples, 1) / median;
  params["naive_rules"] = pairs;
  params["naive_beside"] = Percentile(naive, 0.5) / median;
  Report("compile." + name, "seconds", median, samples, params);
}

// Pods that have a port here.
constexpr unsigned kPorts = 100;
constexpr ClusterSize kLarge = {.pods = 10'000,
                                .namespaces = 1000,
                                .policies = 2000,
                                .local_pods = kPorts,
                                .rules_a_policy = 4};

// The first snapshot of a large cluster, from its manifests.
void Load(Bed& bed, Cluster& cluster) {
  const std::string text = ManifestText(cluster);
  const size_t before = ResidentBytes();
  const auto start = Clock::now();
  control::Manifest manifest = Must(control::ParseManifest("cluster.json", text));
  const double parsed = SecondsSince(start);
  bed.Apply(std::move(manifest.objects));
  const double loaded = SecondsSince(start);
  const double resident = static_cast<double>(ResidentBytes());
  json params = CostOf(*bed.view()->policy);
  const acl::PolicyInput& input = *bed.view()->policy->input;
  const auto naive_start = Clock::now();
  params["naive_rules"] = ExpandByPod(input).size();
  params["naive_beside"] = (parsed + SecondsSince(naive_start)) / loaded;
  params["parse"] = parsed;
  params["manifest_bytes"] = text.size();
  params["ports"] = kPorts;
  Report("load.10kpods", "seconds", loaded, {loaded}, params);
  Report("rss.10kpods", "bytes", resident, {resident},
         {{"before_load", before}, {"of", "the process, DPDK's memory included"}});
}

std::vector<double> Time(unsigned count, const std::function<void(unsigned)>& change) {
  std::vector<double> samples;
  for (unsigned i = 0; i < count; ++i) {
    const auto start = Clock::now();
    change(i);
    samples.push_back(SecondsSince(start));
  }
  return samples;
}

void ReportPercentiles(const std::string& name, std::vector<double> samples, json params) {
  params["p50"] = Percentile(samples, 0.5);
  params["worst"] = Percentile(samples, 1);
  params["changes"] = samples.size();
  const double p99 = Percentile(samples, 0.99);
  Report(name, "seconds", p99, {params["p50"], p99, params["worst"]}, params);
}

// `command` applies or deletes pods and NetworkPolicies.
void Follow(const control::Command& command, NaiveTwin& twin) {
  if (const auto* apply = std::get_if<control::ApplyCommand>(&command)) {
    for (const control::Candidate& candidate : apply->objects) {
      const control::Object& object = *candidate.object;
      if (const auto* pod = std::get_if<acl::Endpoint>(&object)) twin.Put(*pod);
      if (const auto* policy = std::get_if<acl::NetworkPolicy>(&object)) twin.Put(*policy);
    }
    return;
  }
  for (const auto& [kind, name] : std::get<control::DeleteCommand>(command).objects) {
    kind == "Endpoint" ? twin.DeletePod(name.first, name.second)
                       : twin.DeletePolicy(name.first, name.second);
  }
}

// The twin beside changes that take `samples`, by the first changes of the same kind.
void AddTwin(const acl::PolicyInput& input, const std::vector<double>& samples,
             const std::function<control::Command(unsigned)>& change, json& params) {
  constexpr unsigned kChanges = 30;
  NaiveTwin twin(input);
  std::vector<control::Command> changes;
  for (unsigned i = 0; i < kChanges; ++i) changes.push_back(change(i));
  const auto naive = Time(kChanges, [&](unsigned i) { Follow(changes[i], twin); });
  params["naive_rules"] = twin.rules().size();
  params["naive_changes"] = kChanges;
  params["naive_p50"] = Percentile(naive, 0.5);
  params["naive_beside"] = Percentile(naive, 0.5) / Percentile(samples, 0.5);
}

control::Command ApplyOf(control::Object object) {
  return control::ApplyCommand{.source = kSource,
                               .objects = {control::Candidate::Of(std::move(object))}};
}

// A pod without a port here is relabelled, goes, comes, in turn.
control::Command PodChange(const Cluster& cluster, unsigned i) {
  const ClusterSize& size = cluster.size();
  acl::Endpoint pod = cluster.Pod(size.local_pods + i / 3 % (size.pods - size.local_pods));
  if (i % 3 == 0) pod.labels["app"] = "app-1";
  if (i % 3 != 1) return ApplyOf(std::move(pod));
  return control::DeleteCommand{.source = kSource,
                                .objects = {{"Endpoint", {pod.namespace_name, pod.name}}}};
}

// Pods that come, go and are relabelled into classes that are there.
void PodChurn(Bed& bed, const Cluster& cluster, unsigned count) {
  const auto tries = bed.view()->policy->base.in_force.classifier;
  const acl::PolicyInput before = *bed.view()->policy->input;
  const auto change = [&](unsigned i) { return PodChange(cluster, i); };
  const auto samples = Time(count, [&](unsigned i) { bed.Do(change(i)); });
  const bool built = bed.view()->policy->base.in_force.classifier != tries;
  json params = {{"pods", cluster.size().pods}, {"built_a_trie", built}};
  AddTwin(before, samples, change, params);
  ReportPercentiles("churn.pod.p99", samples, std::move(params));
}

// Policies of local pods that come, change and go, in turn.
class PolicyEdits {
 public:
  explicit PolicyEdits(Cluster& cluster) : cluster_(cluster), first_new_(cluster.size().policies) {}

  control::Command Next() {
    const unsigned i = next_++;
    acl::NetworkPolicy policy = cluster_.DrawPolicy(first_new_ + i / 3);
    const acl::Endpoint pod = cluster_.Pod(i / 3 % kPorts);  // one that has a port here
    policy.namespace_name = pod.namespace_name;
    policy.pod_selector.match_labels = {{"app", pod.labels.at("app")}};
    if (i % 3 == 2) {
      return control::DeleteCommand{
          .source = kSource, .objects = {{"NetworkPolicy", {policy.namespace_name, policy.name}}}};
    }
    return ApplyOf(std::move(policy));
  }

 private:
  Cluster& cluster_;
  const unsigned first_new_;
  unsigned next_ = 0;
};

// Edits at about ten thousand flat rules, one after the other. What is left patched is built anew
// in the background meanwhile.
void PolicyChurn(int worker_core, unsigned count) {
  Bed bed(worker_core);
  Cluster cluster = ClusterOf(10'000, 1, kPorts);
  bed.Load(cluster);
  json params = CostOf(*bed.view()->policy);
  const acl::PolicyInput before = *bed.view()->policy->input;
  PolicyEdits edits(cluster);
  const auto samples = Time(count, [&](unsigned) { bed.Do(edits.Next()); });
  PolicyEdits twins(cluster);
  AddTwin(
      before, samples, [&](unsigned) { return twins.Next(); }, params);
  ReportPercentiles("churn.policy.p99", samples, std::move(params));
}

double ThreadCpuSeconds() {
  timespec now = {};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

// Where the time of overlays goes.
class OverlayParts {
 public:
  void Add(const control::LayerBuild& layer) {
    const control::TrieCost& tries = layer.in_force.cost;
    Add({{"rules", static_cast<double>(layer.in_force.rules->rules.size())},
         {"compile", layer.cost.compile_seconds},
         {"trie", tries.build_seconds},
         {"proof", tries.proof_seconds},
         {"keys", static_cast<double>(tries.proof.keys)},
         {"meaning", layer.cost.meaning_seconds}});
  }
  json Medians() const {
    json medians;
    for (const auto& [name, samples] : samples_) medians[name] = Percentile(samples, 0.5);
    return medians;
  }

 private:
  void Add(const std::map<std::string, double>& parts) {
    for (const auto& [name, value] : parts) samples_[name].push_back(value);
  }

  std::map<std::string, std::vector<double>> samples_;
};

// The same edits; the network is built whole after each dozen.
void PolicyCpu(int worker_core, unsigned count) {
  constexpr unsigned kBetweenRebuilds = 12;
  Bed bed(worker_core, Bed::Controlled::kNo);
  Cluster cluster = ClusterOf(10'000, 1, kPorts);
  bed.Load(cluster);
  json params = CostOf(*bed.view()->policy);
  PolicyEdits edits(cluster);
  std::vector<double> samples;
  OverlayParts parts;
  for (unsigned i = 0; i < count; ++i) {
    if (i % kBetweenRebuilds == kBetweenRebuilds - 1) bed.Rebuild();
    const control::Command edit = edits.Next();
    const double start = ThreadCpuSeconds();
    bed.Do(edit);
    samples.push_back(ThreadCpuSeconds() - start);
    parts.Add(bed.view()->policy->overlays.back().layer);
  }
  params["overlay"] = parts.Medians();
  params["changes"] = count;
  params["p99"] = Percentile(samples, 0.99);
  const double median = Percentile(samples, 0.5);
  Report("edit.policy.cpu", "seconds", median, samples, std::move(params));
}

// Pod events at a steady rate, from callers that each wait for their own: what comes while a change
// is under way goes into force together. Nothing is lost, and memory stays.
void Storm(Bed& bed, const Cluster& cluster, double seconds) {
  constexpr double kRate = 100'000.0 / 60;
  constexpr unsigned kCallers = 8;
  const ClusterSize& size = cluster.size();
  const auto before = static_cast<double>(ResidentBytes());
  const uint64_t first_epoch = bed.view()->snapshot->epoch;
  const auto start = Clock::now();
  const auto events = static_cast<unsigned>(kRate * seconds);
  std::array<double, kCallers> latest = {};
  const auto call = [&](unsigned caller) {
    for (unsigned i = caller; i < events; i += kCallers) {
      const double due = i / kRate;
      const double now = SecondsSince(start);
      if (now < due) std::this_thread::sleep_for(std::chrono::duration<double>(due - now));
      acl::Endpoint pod = cluster.Pod(size.local_pods + i * 7 % (size.pods - size.local_pods));
      pod.labels["app"] = i / 2 % 2 == 0 ? "app-1" : "app-2";
      bed.Apply({pod});
      latest[caller] = std::max(latest[caller], SecondsSince(start) - due);
    }
  };
  std::vector<std::thread> callers;
  for (unsigned caller = 0; caller < kCallers; ++caller) callers.emplace_back(call, caller);
  for (std::thread& caller : callers) caller.join();
  const double took = SecondsSince(start);
  const auto after = static_cast<double>(ResidentBytes());
  Report("storm.pod_events", "1/s", events / took, {events / took},
         {{"events", events},
          {"callers", kCallers},
          {"changes", bed.view()->snapshot->epoch - first_epoch},
          {"worst_in_force_seconds", *std::max_element(latest.begin(), latest.end())},
          {"rss_growth_bytes", after - before},
          {"endpoints", bed.view()->state->endpoints().size()}});
}

const acl::FlatRule& AnyOf(const std::vector<acl::FlatRule>& rules, acl::Direction direction,
                           std::mt19937_64& random) {
  for (;;) {
    const acl::FlatRule& rule = rules[random() % rules.size()];
    if (rule.direction == direction) return rule;
  }
}

// All tiers and both directions of ten thousand rules, 32 packets at a time; beside the linear
// search of the naive twin.
void Classify() {
  Cluster cluster = ClusterOf(10'000, 1);
  acl::PolicyInput input = cluster.Input();
  acl::ClusterPolicy admin{.name = "admin", .tier = "Admin"};
  admin.egress = {{.action = "Deny", .peers = {acl::NetworksPeer{{"198.51.100.0/24"}}}}};
  acl::ClusterPolicy baseline{.name = "baseline", .tier = "Baseline"};
  baseline.ingress = {{.action = "Deny", .peers = {acl::PodsPeer{}}}};
  input.cluster_policies = {admin, baseline};
  const control::PolicyBuild build = Must(control::BuildPolicy(input, nullptr, {}));
  const std::vector<acl::FlatRule>& rules = build.base.in_force.rules->rules;
  constexpr size_t kPackets = 32, kBursts = 4096;
  std::mt19937_64 random(1);
  // Two a packet, as the switch asks: who may send, in the one's classes, who may receive, in the
  // other's.
  std::vector<acl::ClassifyKey> keys;
  for (size_t i = 0; i < 2 * kPackets * kBursts; ++i) {
    const auto direction = static_cast<acl::Direction>(i % acl::kDirections);
    const acl::FlatRule& rule = AnyOf(rules, direction, random);
    keys.push_back(acl::ClassifyKey::Make(6, rule.src.first, rule.dst.first, rule.port_first,
                                          acl::Only(direction)));
  }
  std::vector<uint32_t> hits(2 * kPackets * acl::kMaxCategories);
  std::vector<double> samples;
  for (size_t burst = 0; burst < kBursts; ++burst) {
    const uint64_t start = rte_rdtsc();
    build.base.in_force.classifier->Classify({&keys[2 * kPackets * burst], 2 * kPackets}, hits);
    samples.push_back(static_cast<double>(rte_rdtsc() - start) / kPackets);
  }
  const std::vector<PairRule> pairs = ExpandByPod(input);
  std::vector<double> naive;
  int64_t found = 0;
  for (int i = 0; i < 200 && !pairs.empty(); ++i) {
    const PairRule& rule = pairs[random() % pairs.size()];
    const uint64_t start = rte_rdtsc();
    found += FindFirst(pairs, rule.subject, rule.peer.base, rule.ingress, rule.protocol,
                       rule.port_first);
    naive.push_back(static_cast<double>(rte_rdtsc() - start));
  }
  const double median = Percentile(samples, 0.5);
  Report("classify.10k", "cycles", median,
         {Percentile(samples, 0.05), median, Percentile(samples, 0.95)},
         {{"rules", rules.size()},
          {"burst", kPackets},
          {"keys_a_packet", 2},
          {"naive_rules", pairs.size()},
          {"naive_beside", (naive.empty() ? 0 : Percentile(naive, 0.5)) / median},
          {"found", found}});
}

void Compile(bool quick) {
  FullCompile("1k", 1000, quick ? 3 : 11);
  FullCompile("10k", 10'000, quick ? 2 : 7);
  if (!quick) FullCompile("100k", 100'000, 3);
}

void Pods(int worker_core, bool quick) {
  Bed bed(worker_core);
  Cluster cluster(kLarge, 1);
  bed.AddPorts(cluster);
  Load(bed, cluster);
  PodChurn(bed, cluster, quick ? 300 : 3000);
  Storm(bed, cluster, quick ? 5 : 60);
}

// `parts`: all, if there are none.
void Run(bool quick, const std::set<std::string>& parts, int worker_core) {
  const auto wanted = [&](const char* part) { return parts.empty() || parts.contains(part); };
  if (wanted("compile")) Compile(quick);
  if (wanted("classify")) Classify();
  if (wanted("pods")) Pods(worker_core, quick);
  if (wanted("policies")) {
    PolicyCpu(worker_core, quick ? 15 : 60);
    PolicyChurn(worker_core, quick ? 15 : 150);
  }
}

}  // namespace
}  // namespace sluice::perf

int main(int argc, char** argv) {
  std::set<std::string> parts(argv + 1, argv + argc);
  const bool quick = parts.erase("--quick") > 0;
  sluice::control::KeepLargeBlocksApart();  // as sluiced does
  const std::vector<int> cores = sluice::dataplane::AllowedCpus();
  sluice::dataplane::EalConfig config;
  config.file_prefix = fmt::format("sluice-policy-bench-{}", getpid());
  config.huge_pages = sluice::dataplane::HugePages::kOff;
  config.memory_mb = 2048;
  config.worker_cores = {cores.back()};
  const auto eal = sluice::dataplane::Eal::Start(config);
  if (!eal.ok()) {
    fmt::print(stderr, "{}\n", std::string(eal.status().message()));
    return 1;
  }
  sluice::perf::Run(quick, parts, cores.back());
  return 0;
}
