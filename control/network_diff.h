// Which verdicts of one network a change of policies would flip, in words.
//
// acl/policy_diff.h computes it; here classes become selectors and pods, rulings become policies
// and rules, and a change of more than policies is refused.
#pragma once

#include <absl/status/statusor.h>

#include <cstdint>
#include <string>
#include <vector>

#include "acl/policy_input.h"
#include "control/verdict.h"

namespace sluice::control {

// Who cannot be told apart by the policies of before and after.
struct ClassText {
  acl::ClassId id = acl::kUnknownClass;  // of this diff alone
  std::vector<std::string> selectors;    // that match it
  std::vector<std::string> examples;     // up to kMaxExamples: "default/web (10.0.0.1, fd00::1)"
  size_t members = 0;                    // pods and nodes
  bool operator==(const ClassText&) const = default;
};
inline constexpr size_t kMaxExamples = 3;

struct FlipText {
  ClassText from, to;
  std::string protocol;  // "tcp", "any", "any but tcp, udp"
  uint16_t port_first = 0;
  uint16_t port_last = 0xffff;
  Verdict before, after;  // a side is absent if that end is no local pod
};

struct NetworkDiff {
  std::string network;
  uint64_t count = 0;  // of all flips
  uint64_t pairs = 0;  // of classes between which something flips
  std::vector<FlipText> flips;
};

// `after` has the pods, namespaces and nodes of `before`, or more. At most `most` flips are listed.
// Errors: acl::DiffPolicies'; InvalidArgument naming a pod, namespace or node that would change or
// go, which is no change of policies.
absl::StatusOr<NetworkDiff> DiffNetwork(const std::string& network, const acl::PolicyInput& before,
                                        const acl::PolicyInput& after, size_t most);

}  // namespace sluice::control
