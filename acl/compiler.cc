#include "acl/compiler.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

#include "acl/flatten.h"
#include "acl/lowering.h"
#include "acl/universe.h"
#include "acl/validate.h"

namespace sluice::acl {
namespace {

// Errors: InvalidArgument for two objects of one name.
absl::Status CheckDistinct(std::vector<std::string> names) {
  std::sort(names.begin(), names.end());
  const auto twin = std::adjacent_find(names.begin(), names.end());
  if (twin == names.end()) return absl::OkStatus();
  return absl::InvalidArgumentError(*twin + " is given twice");
}

bool IsAudited(const LoweredPolicy& policy) { return policy.options.audit; }

absl::Status FlattenInto(RuleTables& tables, std::span<const LoweredPolicy> policies,
                         const Universe& universe, const ClassSet& subjects) {
  absl::StatusOr<RuleTable> table = Flatten(policies, universe, subjects);
  if (!table.ok()) return table.status();
  tables.table = *std::move(table);
  if (std::none_of(policies.begin(), policies.end(), IsAudited)) return absl::OkStatus();
  absl::StatusOr<RuleTable> audit = Flatten(policies, universe, subjects, WithAudit::kYes);
  if (!audit.ok()) return audit.status();
  tables.audit_table = *std::move(audit);
  return absl::OkStatus();
}

Subjects SubjectsOf(const PolicyInput& input, const Population& population) {
  Subjects subjects;
  for (const Endpoint& endpoint : input.endpoints) {
    const MemberName name{endpoint.namespace_name, endpoint.name};
    const Member* member = population.Find(name);
    if (member != nullptr) subjects[name] = member->subject;
  }
  return subjects;
}

}  // namespace

Compilation::Compilation() = default;
Compilation::Compilation(Compilation&&) noexcept = default;
Compilation& Compilation::operator=(Compilation&&) noexcept = default;
Compilation::~Compilation() = default;

absl::Status CheckPolicies(const PolicyInput& input) {
  std::vector<std::string> names;
  const auto add = [&](const char* kind, const NetworkPolicy& policy) {
    names.push_back(fmt::format("{} {}/{}", kind, policy.namespace_name, policy.name));
  };
  for (const NetworkPolicy& policy : input.policies) {
    if (absl::Status valid = Validate(policy); !valid.ok()) return valid;
    add("NetworkPolicy", policy);
  }
  for (const MultiNetworkPolicy& multi : input.multi_policies) {
    if (absl::Status valid = Validate(multi); !valid.ok()) return valid;
    add("MultiNetworkPolicy", multi.policy);
  }
  for (const SluicePolicy& policy : input.sluice_policies) {
    if (absl::Status valid = Validate(policy); !valid.ok()) return valid;
    names.push_back(fmt::format("SluicePolicy {}/{}", policy.namespace_name, policy.name));
  }
  for (const ClusterPolicy& policy : input.cluster_policies) {
    if (absl::Status valid = Validate(policy); !valid.ok()) return valid;
    names.push_back(fmt::format("{} {}", KindName(policy.kind), policy.name));
  }
  return CheckDistinct(std::move(names));
}

absl::StatusOr<Compilation> CompileParts(const PolicyInput& input) {
  if (absl::Status valid = CheckPolicies(input); !valid.ok()) return valid;
  const std::vector<LoweredPolicy> policies = Lower(input);
  Compilation parts;
  auto universe = Universe::Build(input, policies, &parts.population);
  if (!universe.ok()) return universe.status();
  parts.universe = *std::move(universe);
  absl::Status made = FlattenInto(parts, policies, *parts.universe, parts.universe->local());
  if (!made.ok()) return made;
  return parts;
}

absl::StatusOr<std::optional<RuleTables>> CompileOver(const Universe& universe,
                                                      const PolicyInput& input,
                                                      const ClassSet& subjects) {
  if (absl::Status valid = CheckPolicies(input); !valid.ok()) return valid;
  const std::vector<LoweredPolicy> policies = Lower(input);
  if (!universe.predicates().Covers(policies)) return std::nullopt;
  RuleTables tables;
  if (absl::Status made = FlattenInto(tables, policies, universe, subjects); !made.ok())
    return made;
  return tables;
}

std::vector<ClassInfo> ClassesOf(const Universe& universe, const AddressMap& addresses) {
  std::vector<ClassInfo> classes;
  for (std::vector<std::string>& selectors : universe.Describe()) {
    classes.push_back({.selectors = std::move(selectors)});
  }
  const std::vector<size_t> counts = addresses.CountExact(classes.size());
  for (size_t id = 0; id < classes.size(); ++id) classes[id].endpoint_addresses = counts[id];
  return classes;
}

absl::StatusOr<CompiledPolicy> Compile(const PolicyInput& input) {
  absl::StatusOr<Compilation> parts = CompileParts(input);
  if (!parts.ok()) return parts.status();
  CompiledPolicy result;
  result.classes = ClassesOf(*parts->universe, parts->population.addresses());
  result.subjects = SubjectsOf(input, parts->population);
  result.table = std::move(parts->table);
  result.audit_table = std::move(parts->audit_table);
  result.addresses = parts->population.addresses();
  return result;
}

}  // namespace sluice::acl
