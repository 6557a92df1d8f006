// What a policy change costs before the trie is built: Compile over whole clusters.
//
// A cluster has 50 pods a namespace by default, of 5 apps each, with a pod-template-hash and an
// index of their own; policies admit an app from another, a namespace, a block. `local` is one
// node's share of the pods.
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include "acl/compiler.h"
#include "acl/policy_diff.h"

namespace sluice::acl {
namespace {

constexpr int64_t kApps = 5;
constexpr int64_t kLocalOneIn = 50;

LabelSelector App(int64_t app) { return {.match_labels = {{"app", fmt::format("app-{}", app)}}}; }

NetworkPolicy Policy(int64_t number, int64_t namespaces) {
  NetworkPolicy policy{.namespace_name = fmt::format("ns-{}", number % namespaces),
                       .name = fmt::format("policy-{}", number),
                       .pod_selector = App(number / namespaces % kApps),
                       .policy_types = {"Ingress", "Egress"}};
  policy.ingress = {
      {.peers = {{.pod_selector = App((number + 1) % kApps)}},
       .ports = {{.protocol = "TCP", .port = int64_t{8080}}}},
      {.peers = {{.namespace_selector = LabelSelector{
                      .match_labels = {{"team", fmt::format("team-{}", number % 10)}}}}}}};
  policy.egress = {{.peers = {{.ip_block = IpBlock{fmt::format("203.0.{}.0/24", number % 256),
                                                   {fmt::format("203.0.{}.8/29", number % 256)}}}}},
                   {.ports = {{.protocol = "UDP", .port = int64_t{53}}}}};
  return policy;
}

PolicyInput Make(int64_t pods, int64_t policies, int64_t namespaces) {
  PolicyInput input;
  input.cluster_cidrs = {*Cidr::Parse("10.0.0.0/8")};
  for (int64_t i = 0; i < namespaces; ++i) {
    input.namespaces.push_back(
        {fmt::format("ns-{}", i), {{"team", fmt::format("team-{}", i % 10)}}});
  }
  for (int64_t i = 0; i < pods; ++i) {
    Endpoint pod{.namespace_name = fmt::format("ns-{}", i % namespaces),
                 .name = fmt::format("pod-{}", i)};
    pod.labels = {{"app", fmt::format("app-{}", i / namespaces % kApps)},
                  {"pod-template-hash", fmt::format("{:x}", i * 2654435761)},
                  {"apps.kubernetes.io/pod-index", std::to_string(i)}};
    pod.addresses = {
        *IpAddress::Parse(fmt::format("10.{}.{}.{}", i / 65536, i / 256 % 256, i % 256))};
    if (i % kLocalOneIn == 0) input.local.insert({pod.namespace_name, pod.name});
    input.endpoints.push_back(std::move(pod));
  }
  for (int64_t i = 0; i < policies; ++i) input.policies.push_back(Policy(i, namespaces));
  return input;
}

void BM_Compile(benchmark::State& state) {
  const PolicyInput input = Make(state.range(0), state.range(1), state.range(2));
  size_t rules = 0, classes = 0;
  for (auto _ : state) {
    const auto compiled = Compile(input);
    if (!compiled.ok()) {
      return state.SkipWithError(std::string(compiled.status().message()).c_str());
    }
    rules = compiled->table.rules.size();
    classes = compiled->classes.size();
  }
  state.counters["rules"] = static_cast<double>(rules);
  state.counters["classes"] = static_cast<double>(classes);
}

BENCHMARK(BM_Compile)
    ->ArgNames({"pods", "policies", "namespaces"})
    ->Args({100, 20, 4})
    ->Args({1000, 200, 20})
    ->Args({10000, 2000, 200})
    ->Args({10000, 2000, 1})
    ->Unit(benchmark::kMillisecond);

// What DiffPolicies costs when some namespaces are closed, in a cluster whose pods are all local.
void BM_DiffPolicies(benchmark::State& state) {
  PolicyInput before = Make(state.range(0), state.range(1), state.range(2));
  before.all_local = true;
  PolicyInput after = before;
  for (int64_t i = 0; i < state.range(3); ++i) {
    NetworkPolicy closed;
    closed.namespace_name = fmt::format("ns-{}", i);
    closed.name = "closed";
    closed.policy_types = {"Ingress", "Egress"};
    after.policies.push_back(closed);
  }
  uint64_t flips = 0;
  size_t rules = 0, classes = 0;
  for (auto _ : state) {
    const auto diff = DiffPolicies(before, after, 100);
    if (!diff.ok()) return state.SkipWithError(std::string(diff.status().message()).c_str());
    flips = diff->count;
    rules = diff->after.rules.size();
    classes = diff->universe->classes().size();
  }
  state.counters["flips"] = static_cast<double>(flips);
  state.counters["rules"] = static_cast<double>(rules);
  state.counters["classes"] = static_cast<double>(classes);
}

BENCHMARK(BM_DiffPolicies)
    ->ArgNames({"pods", "policies", "namespaces", "closed"})
    ->Args({3000, 600, 60, 1})
    ->Args({15000, 1400, 300, 1})
    ->Args({15000, 1400, 300, 300})
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace sluice::acl

BENCHMARK_MAIN();
