// What a look-up costs: class keys in the trie and, as its baseline, in the linear oracle; and what
// building the trie costs.
//
// The table has the shape of compiled NetworkPolicies: for each subject class a default deny below
// allows from one class, a range of classes or every pod, on one port, a range or any. Keys hit
// and miss the allows about evenly. "cycles" are TSC cycles a key, all categories answered: the
// median over bursts, which a busy neighbour disturbs less than the mean.
#include <benchmark/benchmark.h>
#include <fmt/format.h>
#include <rte_cycles.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "acl/linear_classifier.h"
#include "acl/trie_classifier.h"
#include "dataplane/eal.h"

namespace sluice::acl {
namespace {

constexpr size_t kKeys = 4096;
constexpr size_t kRulesASubject = 10;
constexpr uint64_t kSeed = 1;
constexpr size_t kMaxSamples = 1'000'000;

struct Workload {
  RuleTable table;
  std::vector<ClassifyKey> keys;
};

FlatRule Allow(std::mt19937_64& random, ClassId subject, ClassId classes) {
  const auto below = [&random](size_t limit) { return static_cast<uint16_t>(random() % limit); };
  FlatRule rule{.direction = static_cast<Direction>(random() % kDirections),
                .action = Action::kAllow,
                .protocol = 6};
  ClassInterval peer{1, classes};
  const auto first = static_cast<ClassId>(1 + below(classes));
  if (below(10) < 8) peer = {first, std::min(static_cast<ClassId>(first + below(4)), classes)};
  const bool ingress = rule.direction == Direction::kIngress;
  rule.src = ingress ? peer : ClassInterval{subject, subject};
  rule.dst = ingress ? ClassInterval{subject, subject} : peer;
  if (below(10) < 9) {
    rule.port_first = static_cast<uint16_t>(1024 + below(64));
    rule.port_last = static_cast<uint16_t>(rule.port_first + (below(10) == 0 ? below(100) : 0));
  }
  return rule;
}

Workload Make(size_t rules) {
  std::mt19937_64 random(kSeed);
  const auto subjects = static_cast<ClassId>(std::max<size_t>(rules / kRulesASubject, 1));
  const auto classes = static_cast<ClassId>(subjects + 10);
  Workload work;
  for (ClassId subject = 1; subject <= subjects; ++subject) {
    for (size_t i = 0; i + 2 < kRulesASubject; ++i) {
      work.table.rules.push_back(Allow(random, subject, classes));
    }
  }
  for (ClassId subject = 1; subject <= subjects; ++subject) {
    work.table.rules.push_back({.direction = Direction::kIngress, .dst = {subject, subject}});
    work.table.rules.push_back({.direction = Direction::kEgress, .src = {subject, subject}});
  }
  auto priority = static_cast<int32_t>(work.table.rules.size());
  for (FlatRule& rule : work.table.rules) rule.priority = priority--;
  for (size_t i = 0; i < kKeys; ++i) {
    const FlatRule& hit = work.table.rules[random() % work.table.rules.size()];
    const bool ingress = hit.direction == Direction::kIngress;
    const bool miss = random() % 2 == 0;
    const auto stranger = static_cast<ClassId>(1 + random() % classes);
    work.keys.push_back(ClassifyKey::Make(6, ingress && miss ? stranger : hit.src.first,
                                          !ingress && miss ? stranger : hit.dst.first,
                                          hit.port_first));
  }
  return work;
}

// Asks for all keys, `burst` at a time.
template <typename Classifier>
void Measure(benchmark::State& state, const Classifier& classifier, const Workload& work,
             size_t burst) {
  std::vector<uint32_t> hits(burst * kMaxCategories);
  std::vector<uint64_t> samples;
  size_t first = 0;
  for (auto _ : state) {
    const uint64_t start = rte_rdtsc();
    classifier.Classify({&work.keys[first], burst}, hits);
    const uint64_t cycles = rte_rdtsc() - start;
    benchmark::DoNotOptimize(hits.data());
    if (samples.size() < kMaxSamples) samples.push_back(cycles);
    first = (first + burst) % kKeys;
  }
  const auto median = samples.begin() + static_cast<ptrdiff_t>(samples.size() / 2);
  std::nth_element(samples.begin(), median, samples.end());
  state.counters["cycles"] = static_cast<double>(*median) / static_cast<double>(burst);
  state.counters["rules"] = static_cast<double>(work.table.rules.size());
}

void BM_Trie(benchmark::State& state) {
  const Workload work = Make(static_cast<size_t>(state.range(0)));
  const auto trie = TrieClassifier::Build(work.table, {.simd = static_cast<Simd>(state.range(2))});
  if (!trie.ok()) return state.SkipWithError(std::string(trie.status().message()).c_str());
  Measure(state, **trie, work, static_cast<size_t>(state.range(1)));
}

void BM_Linear(benchmark::State& state) {
  const Workload work = Make(static_cast<size_t>(state.range(0)));
  Measure(state, LinearClassifier(work.table), work, static_cast<size_t>(state.range(1)));
}

void BM_TrieBuild(benchmark::State& state) {
  const Workload work = Make(static_cast<size_t>(state.range(0)));
  for (auto _ : state) {
    const auto trie = TrieClassifier::Build(work.table);
    if (!trie.ok()) return state.SkipWithError(std::string(trie.status().message()).c_str());
  }
}

constexpr int64_t kBest = static_cast<int64_t>(Simd::kAvx512);
BENCHMARK(BM_Trie)
    ->ArgNames({"rules", "burst", "simd"})
    ->ArgsProduct({{100, 1000, 10000}, {4, 32}, {kBest}})
    ->ArgsProduct({{10000}, {32}, {0, 1, 2}});
BENCHMARK(BM_Linear)->ArgNames({"rules", "burst"})->ArgsProduct({{100, 1000, 10000}, {32}});
BENCHMARK(BM_TrieBuild)
    ->ArgName("rules")
    ->Arg(100)
    ->Arg(1000)
    ->Arg(10000)
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace sluice::acl

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  sluice::dataplane::EalConfig config;
  config.file_prefix = fmt::format("sluice-bench-{}", getpid());
  const auto eal = sluice::dataplane::Eal::Start(config);
  if (!eal.ok()) {
    fmt::print(stderr, "{}\n", std::string(eal.status().message()));
    return 1;
  }
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
