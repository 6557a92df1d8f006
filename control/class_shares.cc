#include "control/class_shares.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "acl/lowering.h"
#include "control/tenant_change.h"
#include "control/tenant_rules.h"

namespace sluice::control {
namespace {

using Predicates = std::set<acl::PredicateId>;

// Who asks about what.
class Census {
 public:
  explicit Census(const PolicyBuild& build) : universe_(*build.base.universe) {
    for (const acl::LoweredPolicy& policy : acl::Lower(*build.input)) {
      const std::vector<acl::PredicateId> asked = universe_.predicates().AskedBy(policy);
      const ObjectKey key = KeyOfPolicy(policy.name);
      Predicates& predicates = key.kind == "Namespace" ? of_nobody_ : asked_[key];
      predicates.insert(asked.begin(), asked.end());
    }
  }

  // For each tenant a figure that its classes cannot exceed: those that something holds of which
  // nobody else asks about.
  std::map<std::string, size_t> Bounds() const {
    const std::vector<std::optional<std::string>> owners = Owners();
    std::map<std::string, size_t> bounds;
    for (size_t id = 1; id < universe_.classes().size(); ++id) {
      std::set<std::string> own;
      for (const auto predicate : universe_.classes().signature(static_cast<acl::ClassId>(id))) {
        if (owners[predicate]) own.insert(*owners[predicate]);
      }
      for (const std::string& tenant : own) ++bounds[tenant];
    }
    return bounds;
  }

  // How many classes the policies `with` make beside all that are not the tenant's.
  size_t MadeBy(const std::string& tenant, const std::set<ObjectKey>& with) const {
    std::vector<bool> kept(universe_.predicates().all().size());
    for (const acl::PredicateId predicate : of_nobody_) kept[predicate] = true;
    const auto keep = [&](auto wanted) {
      for (const auto& [policy, predicates] : asked_) {
        if (!wanted(policy)) continue;
        for (const acl::PredicateId predicate : predicates) kept[predicate] = true;
      }
      return universe_.classes().CountWith(kept);
    };
    const size_t others =
        keep([&](const ObjectKey& policy) { return policy.name.first != tenant; });
    return keep([&](const ObjectKey& policy) { return with.contains(policy); }) - others;
  }

  // The tenant's.
  std::set<ObjectKey> PoliciesOf(const std::string& tenant) const {
    std::set<ObjectKey> policies;
    for (const auto& [policy, predicates] : asked_) {
      if (policy.name.first == tenant) policies.insert(policy);
    }
    return policies;
  }

 private:
  // By predicate: the one tenant that asks about it; nobody, if several do or none.
  std::vector<std::optional<std::string>> Owners() const {
    std::vector<std::set<std::string>> askers(universe_.predicates().all().size());
    for (const auto& [policy, predicates] : asked_) {
      for (const acl::PredicateId predicate : predicates) {
        askers[predicate].insert(policy.name.first);
      }
    }
    std::vector<std::optional<std::string>> owners(askers.size());
    for (acl::PredicateId i = 0; i < askers.size(); ++i) {
      if (askers[i].size() == 1 && !of_nobody_.contains(i)) owners[i] = *askers[i].begin();
    }
    return owners;
  }

  const acl::Universe& universe_;
  std::map<ObjectKey, Predicates> asked_;
  Predicates of_nobody_ = {acl::kAllPods};  // of namespaces' annotations, too
};

// One tenant in both states.
class Tenant {
 public:
  Tenant(std::string name, const ClassChange& change, const Census& census)
      : name_(std::move(name)), census_(census) {
    for (const ObjectKey& policy : census.PoliciesOf(name_)) {
      const bool old = IsStandIn(policy, change.now) ||
                       (change.before != nullptr && IsAsBefore(policy, *change.before, change.now));
      if (old) {
        kept_.insert(policy);
      } else {
        fresh_.push_back(policy);
      }
    }
  }

  // With the first `count` of those that came or changed.
  size_t Classes(size_t count) const {
    std::set<ObjectKey> with = kept_;
    with.insert(fresh_.begin(), fresh_.begin() + static_cast<ptrdiff_t>(count));
    return census_.MadeBy(name_, with);
  }
  size_t Classes() const { return Classes(fresh_.size()); }

  // Those that came or changed and have no room: behind the most that have it together.
  void AddCrossings(size_t share, const std::string& network, Crossings& crossings) const {
    size_t fit = 0, most = fresh_.size();
    while (fit < most) {
      const size_t middle = fit + (most - fit + 1) / 2;
      if (Classes(middle) <= share) {
        fit = middle;
      } else {
        most = middle - 1;
      }
    }
    for (size_t i = fit; i < fresh_.size(); ++i) {
      crossings[fresh_[i]] = absl::ResourceExhaustedError(fmt::format(
          "{}: spec: with the classes that it tells apart {} would make {} on network {}, more "
          "than {}",
          fresh_[i].ToString(), TenantText(name_), Classes(i + 1), network, share));
    }
  }

 private:
  std::string name_;
  const Census& census_;
  std::set<ObjectKey> kept_;
  std::vector<ObjectKey> fresh_;  // by name
};

size_t ClassesBefore(const std::string& tenant, const ClassChange& change) {
  if (change.build_before == nullptr) return 0;
  const Census census(*change.build_before);
  return census.MadeBy(tenant, census.PoliciesOf(tenant));
}

}  // namespace

absl::Status CheckClassShares(const ClassChange& change, const std::string& network,
                              Crossings& crossings) {
  const TenantShares& shares = change.now.limits().classes;
  const size_t classes = change.build_now.base.universe->classes().size() - 1;
  if (classes <= std::min(shares.a_namespace, shares.cluster_wide)) return absl::OkStatus();
  absl::Status status;
  const Census census(change.build_now);
  for (const auto& [name, bound] : census.Bounds()) {
    const size_t share = shares.Of(name);
    if (bound <= share) continue;
    if (change.before != nullptr && !HasChanged(name, *change.before, change.now)) continue;
    const Tenant tenant(name, change, census);
    const size_t made = tenant.Classes();
    if (made <= share || made <= ClassesBefore(name, change)) continue;
    Crossings own;
    tenant.AddCrossings(share, network, own);
    status.Update(own.empty() ? absl::ResourceExhaustedError(fmt::format(
                                    "{} would make {} classes on network {}, more than {}",
                                    TenantText(name), made, network, share))
                              : own.begin()->second);
    crossings.merge(own);
  }
  return status;
}

}  // namespace sluice::control
