#include "control/rule_shares.h"

#include <fmt/format.h>

#include "control/desired_state.h"

namespace sluice::control {
namespace {

// Whether some object of `tenant` in one of two tables is not the same in both.
template <typename Table, typename TenantOfEntry>
bool Differs(const Table& before, const Table& now, const std::string& tenant,
             TenantOfEntry tenant_of) {
  const auto others = [&](const Table& some, const Table& beside) {
    for (const auto& entry : some) {
      if (tenant_of(entry) != tenant) continue;
      const auto found = beside.find(entry.first);
      if (found == beside.end() || !(found->second == entry.second)) return true;
    }
    return false;
  };
  return others(before, now) || others(now, before);
}

bool HasChanged(const std::string& tenant, const DesiredState& before, const DesiredState& now) {
  if (tenant.empty()) return !(before.cluster_policies() == now.cluster_policies());
  const auto by_name = [](const auto& entry) { return entry.first.first; };
  return Differs(before.policies(), now.policies(), tenant, by_name) ||
         Differs(before.multi_policies(), now.multi_policies(), tenant, by_name) ||
         Differs(before.sluice_policies(), now.sluice_policies(), tenant, by_name) ||
         Differs(before.endpoints(), now.endpoints(), tenant, by_name) ||
         Differs(before.ports().specs(), now.ports().specs(), tenant,
                 [](const auto& entry) { return entry.second.pod_namespace; });
}

// As `visit` has it of the policy's table in both states and its name there.
template <typename Visit>
bool VisitPolicy(const ObjectKey& key, const DesiredState& before, const DesiredState& now,
                 Visit visit) {
  if (key.kind == "NetworkPolicy") return visit(before.policies(), now.policies(), key.name);
  if (key.kind == "MultiNetworkPolicy") {
    return visit(before.multi_policies(), now.multi_policies(), key.name);
  }
  if (key.kind == "SluicePolicy") {
    return visit(before.sluice_policies(), now.sluice_policies(), key.name);
  }
  return visit(before.cluster_policies(), now.cluster_policies(), key);
}

bool IsStandIn(const ObjectKey& key, const DesiredState& now) {
  return VisitPolicy(key, now, now, [](const auto&, const auto& table, const auto& name) {
    const auto found = table.find(name);
    return found != table.end() && found->second.stand_in;
  });
}

bool IsAsBefore(const ObjectKey& key, const DesiredState& before, const DesiredState& now) {
  const auto same = [](const auto& old_table, const auto& new_table, const auto& name) {
    const auto was = old_table.find(name), is = new_table.find(name);
    return was != old_table.end() && is != new_table.end() && was->second == is->second;
  };
  return VisitPolicy(key, before, now, same);
}

std::string TextOf(const std::string& tenant) {
  return tenant.empty() ? "cluster-wide policies" : "namespace " + tenant;
}

// One tenant's rules; what stands in for a refused policy is not its own.
struct Ledger {
  size_t kept = 0;                    // of policies that are as before
  std::map<ObjectKey, size_t> fresh;  // of those that came or changed
  size_t all = 0;
};

Ledger LedgerOf(const std::string& tenant, const acl::RuleTable& table, const ShareChange& change) {
  Ledger ledger;
  for (const auto& [key, rules] : CountByPolicy(table)) {
    if (key.name.first != tenant || IsStandIn(key, change.now)) continue;
    const bool kept = change.before != nullptr && IsAsBefore(key, *change.before, change.now);
    (kept ? ledger.kept : ledger.fresh[key]) += rules;
    ledger.all += rules;
  }
  return ledger;
}

// Which of the fresh policies do not fit beside the others: the first by name go first.
void AddCrossings(const Ledger& ledger, const std::string& tenant, size_t share,
                  const std::string& network, Crossings& crossings) {
  size_t rules = ledger.kept;
  for (const auto& [key, own] : ledger.fresh) {
    if (rules + own <= share) {
      rules += own;
      continue;
    }
    crossings[key] = absl::ResourceExhaustedError(
        fmt::format("{}: spec: with the {} flat rules that it becomes {} would have {} on network "
                    "{}, more than {}",
                    key.ToString(), own, TextOf(tenant), rules + own, network, share));
  }
}

}  // namespace

absl::Status CheckShares(const acl::RuleTable& table, const TenantRules& tenants,
                         const ShareChange& change, const std::string& network,
                         Crossings& crossings) {
  absl::Status status;
  for (const auto& [tenant, rules] : tenants) {
    const size_t share = change.now.limits().rules.Of(tenant);
    if (rules <= share) continue;
    const Ledger ledger = LedgerOf(tenant, table, change);
    const bool grows = change.rules_before == nullptr || !change.rules_before->contains(tenant) ||
                       ledger.all > change.rules_before->at(tenant);
    const bool own = change.before == nullptr || HasChanged(tenant, *change.before, change.now);
    if (ledger.all <= share || !grows || !own) continue;
    AddCrossings(ledger, tenant, share, network, crossings);
    status.Update(absl::ResourceExhaustedError(
        fmt::format("{} would have {} flat rules on network {}, more than {}", TextOf(tenant),
                    ledger.all, network, share)));
  }
  return crossings.empty() ? status : crossings.begin()->second;
}

}  // namespace sluice::control
