#include "acl/pattern_check.h"

#include <fmt/format.h>

#include "acl/checks.h"
#include "acl/pattern_set.h"

namespace sluice::acl {
namespace {

Finding CheckRules(const char* direction, const std::vector<SluiceRule>& rules) {
  for (size_t r = 0; r < rules.size(); ++r) {
    const std::vector<ContentPattern>& patterns = rules[r].content.patterns;
    for (size_t i = 0; i < patterns.size(); ++i) {
      const absl::Status status = CheckPattern(patterns[i].pattern);
      if (status.ok()) continue;
      return fmt::format("spec.{}[{}].content[{}].pattern: {}", direction, r, i,
                         std::string(status.message()));
    }
  }
  return std::nullopt;
}

}  // namespace

absl::Status CheckPatterns(const SluicePolicy& policy) {
  Finding finding = CheckRules("ingress", policy.ingress);
  if (!finding) finding = CheckRules("egress", policy.egress);
  return ToStatus(ObjectName("SluicePolicy", policy.namespace_name, policy.name), finding);
}

}  // namespace sluice::acl
