#include "control/tenant_change.h"

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

}  // namespace

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

bool IsStandIn(const ObjectKey& policy, const DesiredState& now) {
  return VisitPolicy(policy, now, now, [](const auto&, const auto& table, const auto& name) {
    const auto found = table.find(name);
    return found != table.end() && found->second.stand_in;
  });
}

bool IsAsBefore(const ObjectKey& policy, const DesiredState& before, const DesiredState& now) {
  const auto same = [](const auto& old_table, const auto& new_table, const auto& name) {
    const auto was = old_table.find(name), is = new_table.find(name);
    return was != old_table.end() && is != new_table.end() && was->second == is->second;
  };
  return VisitPolicy(policy, before, now, same);
}

std::string TenantText(const std::string& tenant) {
  return tenant.empty() ? "cluster-wide policies" : "namespace " + tenant;
}

}  // namespace sluice::control
