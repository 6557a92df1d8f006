// Policies -> classes -> flat rules: the whole calculation for one network, from current state
// only.
//
//   PolicyInput --Lower--> policies in one form --Universe--> classes --Flatten--> rule tables
//
// A pure function: the same objects in any order give the same result, bit for bit.
#pragma once

#include <absl/container/flat_hash_map.h>
#include <absl/status/statusor.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "acl/address_map.h"
#include "acl/class_set.h"
#include "acl/flat_rule.h"
#include "acl/policy_input.h"
#include "acl/population.h"

namespace sluice::acl {

class Universe;

// What one class stands for, for `sluicectl get classes`.
struct ClassInfo {
  std::vector<std::string> selectors;  // selectors and CIDRs its members match, as text
  size_t endpoint_addresses = 0;       // members that are addresses of endpoints or nodes
  bool operator==(const ClassInfo&) const = default;
};

using Subjects = absl::flat_hash_map<MemberName, SubjectClasses>;

struct CompiledPolicy {
  RuleTable table;
  // What `table` were if audited policies were in force; absent if there are none.
  std::optional<RuleTable> audit_table;
  AddressMap addresses;
  Subjects subjects;               // of every endpoint; rules are made for the local ones
  std::vector<ClassInfo> classes;  // by ClassId
  bool operator==(const CompiledPolicy&) const = default;
};

struct RuleTables {
  RuleTable table;
  // What `table` were if audited policies were in force; absent if there are none.
  std::optional<RuleTable> audit_table;
};

// What Compile goes through, for whoever goes on from there (another endpoint, another set of rules
// over the same classes).
struct Compilation : RuleTables {
  Compilation();
  Compilation(Compilation&&) noexcept;
  Compilation& operator=(Compilation&&) noexcept;
  ~Compilation();

  std::unique_ptr<Universe> universe;
  Population population;
};

// Host-network endpoints and those without addresses are nobody's subject or peer. An address that
// two endpoints claim goes to the local one; between equals whose classes differ it is
// kUnknownClass. Exemptions (own node, the pod itself) are not in here: acl/exemption.h.
//
// Errors: ResourceExhausted when classes exceed kMaxClass or rules kMaxFlatRules, naming the
// figure; InvalidArgument for a policy that does not pass Validate and for two objects of one name.
absl::StatusOr<Compilation> CompileParts(const PolicyInput& input);

// The rules of `input`'s policies for `subjects` alone, over classes that there are already: of its
// objects only policies and namespaces are looked at. Absent: the policies tell apart what
// `universe` does not. Errors: CompileParts' about policies and rules.
absl::StatusOr<std::optional<RuleTables>> CompileOver(const Universe& universe,
                                                      const PolicyInput& input,
                                                      const ClassSet& subjects);

// What CompileParts asks of policies. Errors: InvalidArgument, as there.
absl::Status CheckPolicies(const PolicyInput& input);

// Cost: all of `addresses`.
std::vector<ClassInfo> ClassesOf(const Universe& universe, const AddressMap& addresses);

absl::StatusOr<CompiledPolicy> Compile(const PolicyInput& input);

}  // namespace sluice::acl
