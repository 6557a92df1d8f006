#include "acl/evaluator.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

#include "acl/evaluate_rule.h"
#include "acl/evaluate_text.h"

namespace sluice::acl {
namespace {

bool Lists(const std::vector<IpAddress>& addresses, const IpAddress& address) {
  return std::find(addresses.begin(), addresses.end(), address) != addresses.end();
}

bool IsItself(const RawAttempt& attempt) { return Lists(attempt.subject->addresses, attempt.peer); }

bool IsFromOwnNode(const RawAttempt& attempt) {
  return attempt.ingress && Lists(attempt.subject->node_addresses, attempt.peer);
}

bool Ignores(const PolicyOptions& options, bool audit_in_force) {
  return options.audit && !audit_in_force;
}

// "ingress[2]", or the name the rule has of its own.
std::string RuleName(const std::string& own, bool ingress, size_t index) {
  if (!own.empty()) return own;
  return fmt::format("{}[{}]", ingress ? "ingress" : "egress", index);
}

std::string NameOf(const ClusterPolicy& policy) {
  return fmt::format("{} {}", KindName(policy.kind), policy.name);
}

// SEMANTICS 1: without policyTypes Ingress always, Egress only with an egress rule.
template <typename Policy>
bool Isolates(const Policy& policy, bool ingress) {
  if (policy.policy_types.empty()) return ingress || !policy.egress.empty();
  const char* type = ingress ? "Ingress" : "Egress";
  return std::find(policy.policy_types.begin(), policy.policy_types.end(), type) !=
         policy.policy_types.end();
}

}  // namespace

void Evaluator::AddNetworkPolicy(const NetworkPolicy& policy, bool multi) {
  network_policies_.push_back(
      {&policy, multi,
       fmt::format("{} {}/{}", multi ? "MultiNetworkPolicy" : "NetworkPolicy",
                   policy.namespace_name, policy.name)});
}

Evaluator::Evaluator(const PolicyInput& input) : input_(input), world_(input) {
  SortClusterPolicies();
  SortNetworkPolicies();
  SortSluiceRules();
  for (const SluicePolicy& policy : input.sluice_policies) any_audit_ |= policy.options.audit;
  for (const ClusterPolicy& policy : input.cluster_policies) any_audit_ |= policy.options.audit;
  for (const Namespaced& one : network_policies_) any_audit_ |= one.policy->options.audit;
}

void Evaluator::SortClusterPolicies() {
  for (const ClusterPolicy& policy : input_.cluster_policies) {
    (policy.tier == "Admin" ? admin_ : baseline_).push_back(&policy);
  }
  // The baseline object without a priority comes after those with one.
  const auto order = [](const ClusterPolicy* policy) {
    const bool last = policy->kind == ClusterPolicyKind::kBaselineAdminNetworkPolicy;
    return std::tuple(last, last ? 0 : policy->priority, policy->name, policy->kind);
  };
  const auto before = [&order](const ClusterPolicy* a, const ClusterPolicy* b) {
    return order(a) < order(b);
  };
  std::sort(admin_.begin(), admin_.end(), before);
  std::sort(baseline_.begin(), baseline_.end(), before);
}

void Evaluator::SortNetworkPolicies() {
  for (const NetworkPolicy& policy : input_.policies) AddNetworkPolicy(policy, false);
  for (const MultiNetworkPolicy& multi : input_.multi_policies) {
    AddNetworkPolicy(multi.policy, true);
  }
  std::sort(network_policies_.begin(), network_policies_.end(),
            [](const Namespaced& a, const Namespaced& b) {
              return std::tie(a.policy->namespace_name, a.policy->name, a.multi) <
                     std::tie(b.policy->namespace_name, b.policy->name, b.multi);
            });
}

void Evaluator::SortSluiceRules() {
  for (const SluicePolicy& policy : input_.sluice_policies) {
    const std::string name = fmt::format("SluicePolicy {}/{}", policy.namespace_name, policy.name);
    for (const bool ingress : {false, true}) {
      const std::vector<SluiceRule>& rules = ingress ? policy.ingress : policy.egress;
      for (size_t i = 0; i < rules.size(); ++i) {
        sluice_rules_.push_back({&policy, &rules[i], ingress, i, name});
      }
    }
  }
  std::sort(
      sluice_rules_.begin(), sluice_rules_.end(), [](const SluiceEntry& a, const SluiceEntry& b) {
        return std::tie(a.rule->order, a.name, a.place) < std::tie(b.rule->order, b.name, b.place);
      });
}

RawVerdict Evaluator::Evaluate(const RawFlow& flow) const {
  RawVerdict verdict;
  verdict.egress = JudgeEgress(flow, AuditPolicies::kIgnored);
  verdict.ingress = JudgeIngress(flow, AuditPolicies::kIgnored);
  if (verdict.egress && !verdict.egress->allow) verdict.allow = false;
  if (verdict.ingress && !verdict.ingress->allow) verdict.allow = false;
  if (any_audit_) {
    verdict.audited_egress = JudgeEgress(flow, AuditPolicies::kInForce);
    verdict.audited_ingress = JudgeIngress(flow, AuditPolicies::kInForce);
  }
  return verdict;
}

bool Evaluator::IsJudged(const Endpoint* pod) const {
  if (pod == nullptr || pod->host_network) return false;
  return input_.all_local || input_.local.count({pod->namespace_name, pod->name}) != 0;
}

std::optional<RawSide> Evaluator::JudgeEgress(const RawFlow& flow, AuditPolicies audit) const {
  if (!IsJudged(flow.from.pod)) return std::nullopt;
  const Endpoint* pod = world_.PodAt(flow.to.address);
  return Judge({.subject = flow.from.pod,
                .peer = flow.to.address,
                .peer_pod = pod,
                .peer_unknown = world_.IsUnknown(flow.to.address),
                .destination = pod,
                .ingress = false,
                .protocol = flow.protocol,
                .port = flow.port,
                .facts = flow.facts},
               audit);
}

std::optional<RawSide> Evaluator::JudgeIngress(const RawFlow& flow, AuditPolicies audit) const {
  if (!IsJudged(flow.to.pod)) return std::nullopt;
  return Judge({.subject = flow.to.pod,
                .peer = flow.from.address,
                .peer_pod = world_.PodAt(flow.from.address),
                .peer_unknown = world_.IsUnknown(flow.from.address),
                .destination = flow.to.pod,
                .ingress = true,
                .protocol = flow.protocol,
                .port = flow.port,
                .facts = flow.facts},
               audit);
}

RawSide Evaluator::Judge(const RawAttempt& attempt, AuditPolicies audit) const {
  // A pod always reaches itself, and its own node reaches it unless its isolation says otherwise.
  if (IsItself(attempt)) return {};
  const RawSide side = JudgeTiers(attempt, audit);
  return IsFromOwnNode(attempt) && !side.own_node ? RawSide() : side;
}

RawSide Evaluator::JudgeTiers(const RawAttempt& attempt, AuditPolicies audit) const {
  if (auto side = JudgeTier(admin_, attempt, audit)) {
    if (side->allow) return *side;
    // What isolates the pod from its node does so beside a tier that denies before it, whatever is
    // said.
    const StreamFacts nothing;
    RawAttempt silent = attempt;
    silent.facts = &nothing;
    const auto isolated = JudgeNetworkPolicies(silent, audit);
    side->own_node = isolated && isolated->own_node;
    return *side;
  }
  if (auto side = JudgeNetworkPolicies(attempt, audit)) return *side;
  if (auto side = JudgeTier(baseline_, attempt, audit)) return *side;
  return {};
}

std::optional<RawSide> Evaluator::JudgeTier(const std::vector<const ClusterPolicy*>& tier,
                                            const RawAttempt& attempt, AuditPolicies audit) const {
  for (const ClusterPolicy* policy : tier) {
    if (Ignores(policy->options, audit == AuditPolicies::kInForce)) continue;
    if (!IsSubject(*policy, *attempt.subject)) continue;
    const auto& rules = attempt.ingress ? policy->ingress : policy->egress;
    for (size_t i = 0; i < rules.size(); ++i) {
      const RuleEffect effect = EffectOf(world_, rules[i], attempt);
      if (effect == RuleEffect::kNone) continue;
      if (effect == RuleEffect::kPass) return std::nullopt;
      const bool deny = effect == RuleEffect::kDeny;
      return RawSide{.allow = !deny,
                     .reject = deny && policy->options.reject,
                     .tier = policy->tier,
                     .policies = {NameOf(*policy)},
                     .rule = RuleName(rules[i].name, attempt.ingress, i)};
    }
  }
  return std::nullopt;
}

bool Evaluator::IsSubject(const ClusterPolicy& policy, const Endpoint& pod) const {
  return world_.SelectsNamespace(policy.subject.namespaces, pod.namespace_name) &&
         Selects(policy.subject.pods, pod.labels);
}

std::optional<RawSide> Evaluator::JudgeNetworkPolicies(const RawAttempt& attempt,
                                                       AuditPolicies audit) const {
  if (auto side = JudgeSluiceRules(attempt, audit)) return side;
  const bool by_annotation = AnnotationIsolates(attempt);
  std::vector<const SluicePolicy*> sluice_isolating;
  for (const SluicePolicy& policy : input_.sluice_policies) {
    if (IsSubject(policy, attempt, audit)) sluice_isolating.push_back(&policy);
  }
  std::vector<const Namespaced*> isolating;
  for (const Namespaced& one : network_policies_) {
    const NetworkPolicy& policy = *one.policy;
    const bool legacy = policy.legacy && input_.legacy_policy == LegacyPolicy::kAnnotation;
    if (Ignores(policy.options, audit == AuditPolicies::kInForce)) continue;
    if (policy.namespace_name != attempt.subject->namespace_name) continue;
    if (!Selects(policy.pod_selector, attempt.subject->labels)) continue;
    // SEMANTICS 16: what the annotation isolates, old policies open; nothing else.
    if (legacy ? !by_annotation : !Isolates(policy, attempt.ingress)) continue;
    if (!legacy) isolating.push_back(&one);
    const auto& rules = attempt.ingress ? policy.ingress : policy.egress;
    for (size_t i = 0; i < rules.size(); ++i) {
      if (!Admits(world_, policy, rules[i], attempt)) continue;
      return RawSide{.tier = "NetworkPolicy",
                     .policies = {one.name},
                     .rule = RuleName("", attempt.ingress, i)};
    }
  }
  if (isolating.empty() && sluice_isolating.empty() && !by_annotation) return std::nullopt;
  return DefaultDeny(isolating, sluice_isolating, attempt);
}

bool Evaluator::IsSubject(const SluicePolicy& policy, const RawAttempt& attempt,
                          AuditPolicies audit) const {
  if (Ignores(policy.options, audit == AuditPolicies::kInForce)) return false;
  if (policy.namespace_name != attempt.subject->namespace_name) return false;
  return Selects(policy.pod_selector, attempt.subject->labels) && Isolates(policy, attempt.ingress);
}

std::optional<RawSide> Evaluator::JudgeSluiceRules(const RawAttempt& attempt,
                                                   AuditPolicies audit) const {
  for (const SluiceEntry& entry : sluice_rules_) {
    if (entry.ingress != attempt.ingress || !IsSubject(*entry.policy, attempt, audit)) continue;
    const SluiceRule& rule = *entry.rule;
    if (!IsAbout(world_, *entry.policy, rule, attempt)) continue;
    if (attempt.facts != nullptr && !HasContent(rule, *attempt.facts)) continue;
    const bool open = AsksForContent(rule) && attempt.facts == nullptr;
    const bool deny = !open && rule.action == "deny";
    return RawSide{.allow = !deny,
                   .reject = deny && entry.policy->options.reject,
                   .tier = "NetworkPolicy",
                   .policies = {entry.name},
                   .rule = RuleName(rule.name, attempt.ingress, entry.place),
                   .conditional = open};
  }
  return std::nullopt;
}

bool Evaluator::AnnotationIsolates(const RawAttempt& attempt) const {
  return attempt.ingress && input_.legacy_policy == LegacyPolicy::kAnnotation &&
         world_.IsDefaultDeny(attempt.subject->namespace_name);
}

RawSide Evaluator::DefaultDeny(const std::vector<const Namespaced*>& isolating,
                               const std::vector<const SluicePolicy*>& sluice_isolating,
                               const RawAttempt& attempt) const {
  RawSide side{.allow = false, .tier = "NetworkPolicy"};
  for (const Namespaced* one : isolating) {
    side.policies.push_back(one->name);
    side.reject |= one->policy->options.reject;
    side.own_node |= attempt.ingress && one->policy->options.judges_own_node;
  }
  for (const SluicePolicy* policy : sluice_isolating) {
    side.policies.push_back(
        fmt::format("SluicePolicy {}/{}", policy->namespace_name, policy->name));
    side.reject |= policy->options.reject;
    side.own_node |= attempt.ingress && policy->options.judges_own_node;
  }
  if (AnnotationIsolates(attempt)) {
    side.policies.push_back("Namespace " + attempt.subject->namespace_name);
  }
  std::sort(side.policies.begin(), side.policies.end());
  return side;
}

}  // namespace sluice::acl
