#include "control/rule_shares.h"

#include <fmt/format.h>

#include "control/tenant_change.h"

namespace sluice::control {
namespace {

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
                    key.ToString(), own, TenantText(tenant), rules + own, network, share));
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
        fmt::format("{} would have {} flat rules on network {}, more than {}", TenantText(tenant),
                    ledger.all, network, share)));
  }
  return crossings.empty() ? status : crossings.begin()->second;
}

}  // namespace sluice::control
