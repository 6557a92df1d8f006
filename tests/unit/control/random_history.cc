#include "tests/unit/control/random_history.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "tests/differential/random_cluster.h"
#include "tests/unit/control/objects.h"

namespace sluice::control {
namespace {

constexpr uint64_t kVersions = 3;  // of a whole cluster, in one pool

template <typename List>
void AddTo(std::vector<Object>& pool, const List& objects) {
  pool.insert(pool.end(), objects.begin(), objects.end());
}

struct Spoil {
  void operator()(acl::Namespace& ns) const { ns.labels["-"] = "bad key"; }
  void operator()(acl::Node& node) const { node.labels["-"] = "bad key"; }
  void operator()(acl::Endpoint& endpoint) const { endpoint.labels["-"] = "bad key"; }
  void operator()(acl::NetworkPolicy& policy) const {
    policy.ingress.push_back({{}, {{"TCP", int64_t{90}, int64_t{80}}}});
  }
  void operator()(acl::MultiNetworkPolicy& multi) const { (*this)(multi.policy); }
  void operator()(acl::SluicePolicy& policy) const { policy.ingress.emplace_back().order = -1; }
  void operator()(acl::ClusterPolicy& policy) const {
    policy.ingress.push_back({.name = "", .action = "Forbid", .peers = {acl::PodsPeer{}}});
  }
};

// The steps on each object, in the order of the keys of `order`; every key as often as in there.
History InOrder(const History& history, const std::vector<ObjectKey>& order) {
  std::map<ObjectKey, History> by_key;
  for (const Step& step : history) by_key[step.key].push_back(step);
  std::map<ObjectKey, size_t> next;
  History ordered;
  for (const ObjectKey& key : order) ordered.push_back(by_key[key][next[key]++]);
  return ordered;
}

// Half of the way to an object.
struct Halve {
  void operator()(acl::Namespace&) const {}
  void operator()(acl::Node&) const {}
  void operator()(acl::Endpoint& endpoint) const {
    endpoint.labels.clear();
    endpoint.named_ports.clear();
  }
  void operator()(acl::NetworkPolicy& policy) const {
    policy.pod_selector = {};
    policy.egress.clear();
  }
  void operator()(acl::MultiNetworkPolicy& multi) const { (*this)(multi.policy); }
  void operator()(acl::SluicePolicy& policy) const {
    policy.pod_selector = {};
    policy.egress.clear();
  }
  void operator()(acl::ClusterPolicy& policy) const {
    policy.subject = {};
    policy.egress.clear();
  }
};

}  // namespace

Object Spoiled(Object object) {
  std::visit(Spoil{}, object);
  return object;
}

RandomHistory::RandomHistory(uint64_t seed) : random_(seed) {
  for (uint64_t version = 0; version < kVersions; ++version) {
    acl::PolicyInput cluster =
        acl::RandomCluster(seed * kVersions + version, acl::RandomCluster::Kinds::kAll).Make();
    for (size_t i = 0; i < cluster.endpoints.size(); ++i) {
      acl::Endpoint& endpoint = cluster.endpoints[i];
      // The names are the same in all versions.
      endpoint.uid = fmt::format("u{}", random_.Below(2));
      if (random_.Chance(60)) endpoint.namespace_name = "a";
      if (!random_.Chance(40)) continue;
      endpoint.attachments = {{kSecondNetwork, {Ip(fmt::format("172.16.{}.{}", version, i + 1))}}};
    }
    AddTo(pool_, cluster.namespaces);
    AddTo(pool_, cluster.nodes);
    AddTo(pool_, cluster.policies);
    AddTo(pool_, cluster.multi_policies);
    for (acl::SluicePolicy& policy : cluster.sluice_policies) {
      if (random_.Chance(30)) policy.networks = {kSecondNetwork};
    }
    AddTo(pool_, cluster.sluice_policies);
    AddTo(pool_, cluster.cluster_policies);
    AddTo(endpoints_, cluster.endpoints);
  }
  AddTo(pool_, endpoints_);
}

Step RandomHistory::AnyStep(const HistoryConfig& config, bool endpoint) {
  Object object = random_.Pick(endpoint ? endpoints_ : pool_);
  const ObjectKey key = ObjectKey::Of(object);
  if (random_.Chance(25)) return {key, std::nullopt};
  if (config.refusals && random_.Chance(20)) object = Spoiled(std::move(object));
  return {key, std::move(object)};
}

History RandomHistory::Make(const HistoryConfig& config) {
  History history;
  for (size_t i = 0; i < config.steps; ++i) {
    history.push_back(AnyStep(config, config.only_endpoints && i > config.steps / 2));
  }
  return history;
}

std::vector<dataplane::PortSpec> RandomHistory::Ports() {
  std::vector<dataplane::PortSpec> specs = {
      RingPort("nobody", "nobody", "02:00:00:00:00:63", "10.0.1.99")};
  std::set<ObjectName> taken;
  for (unsigned number = 1; number <= 6; ++number) {
    const auto& pod = std::get<acl::Endpoint>(random_.Pick(endpoints_));
    if (!taken.insert({pod.namespace_name, pod.name}).second) continue;
    dataplane::PortSpec spec =
        RingPort(fmt::format("p{}", number), pod.name, fmt::format("02:00:00:00:00:0{}", number),
                 fmt::format("10.0.1.{}", 100 + number), random_.Chance(30) ? "u1" : "");
    spec.pod_namespace = pod.namespace_name;
    if (random_.Chance(30)) spec.network = kSecondNetwork;
    specs.push_back(spec);
  }
  return specs;
}

void Run(const Step& step, DesiredState& state) {
  if (step.object) {
    EXPECT_TRUE(
        state.Apply(kHistorySource, std::vector{Candidate::Of(*step.object)}, OnRefusal::kSkip)
            .ok());
  } else {
    EXPECT_TRUE(state.Delete(kHistorySource, std::vector{step.key}).ok());
  }
}

DesiredState Replay(const History& history, DesiredState state) {
  for (const Step& step : history) Run(step, state);
  return state;
}

std::vector<ObjectKey> KeysOf(const History& history) {
  std::vector<ObjectKey> keys;
  for (const Step& step : history) keys.push_back(step.key);
  return keys;
}

History Permuted(const History& history, std::mt19937_64& random) {
  std::vector<ObjectKey> order = KeysOf(history);
  std::shuffle(order.begin(), order.end(), random);
  return InOrder(history, order);
}

History Reversed(const History& history) {
  std::vector<ObjectKey> order = KeysOf(history);
  std::reverse(order.begin(), order.end());
  return InOrder(history, order);
}

History Doubled(const History& history) {
  History doubled;
  for (const Step& step : history) doubled.insert(doubled.end(), 2, step);
  return doubled;
}

History Churned(const History& history) {
  History churned;
  for (const Step& step : history) {
    churned.push_back(step);
    churned.push_back({step.key, std::nullopt});
    churned.push_back(step);
  }
  return churned;
}

History Split(const History& history) {
  History split;
  for (const Step& step : history) {
    if (step.object) {
      Object half = *step.object;
      std::visit(Halve{}, half);
      split.push_back({step.key, std::move(half)});
    }
    split.push_back(step);
  }
  return split;
}

History Squashed(const History& history) {
  std::map<ObjectKey, Step> last;
  for (const Step& step : history) last.insert_or_assign(step.key, step);
  History squashed;
  for (const auto& [key, step] : last) squashed.push_back(step);
  return squashed;
}

}  // namespace sluice::control
