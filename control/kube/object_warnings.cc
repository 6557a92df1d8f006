#include "control/kube/object_warnings.h"

#include <fmt/format.h>

#include "acl/annotations.h"
#include "control/kube/one_line.h"

namespace sluice::control {
namespace {

void AddUnknown(const std::string& object, const acl::ClusterRule& rule,
                const acl::UnknownKind& unknown, std::vector<std::string>* warnings) {
  warnings->push_back(fmt::format(
      "{}: {}: is of a kind that is not known here, so the rule {}", object, OneLine(unknown.field),
      rule.action == "Accept" ? "accepts nothing" : "denies everything in its direction"));
}

void AddRules(const std::string& object, const char* direction, const char* peers,
              const std::vector<acl::ClusterRule>& rules, std::vector<std::string>* warnings) {
  for (size_t r = 0; r < rules.size(); ++r) {
    for (size_t i = 0; i < rules[r].peers.size(); ++i) {
      const acl::ClusterPeer& peer = rules[r].peers[i];
      if (const auto* unknown = std::get_if<acl::UnknownKind>(&peer)) {
        AddUnknown(object, rules[r], *unknown, warnings);
      } else if (std::holds_alternative<acl::DomainNamesPeer>(peer)) {
        warnings->push_back(fmt::format(
            "{}: spec.{}[{}].{}[{}].domainNames: needs name inspection, matches nothing until then",
            object, direction, r, peers, i));
      }
    }
    for (const acl::ClusterPort& port : rules[r].ports) {
      const auto* unknown = std::get_if<acl::UnknownKind>(&port);
      if (unknown != nullptr) AddUnknown(object, rules[r], *unknown, warnings);
    }
  }
}

std::vector<std::string> WarningsOf(const acl::Namespace&) { return {}; }
std::vector<std::string> WarningsOf(const acl::Node&) { return {}; }
std::vector<std::string> WarningsOf(const acl::Endpoint&) { return {}; }
std::vector<std::string> WarningsOf(const acl::NetworkPolicy&) { return {}; }
std::vector<std::string> WarningsOf(const acl::SluicePolicy&) { return {}; }

}  // namespace

std::vector<std::string> WarningsOf(const acl::MultiNetworkPolicy& multi) {
  if (!multi.networks.empty()) return {};
  return {fmt::format("MultiNetworkPolicy {}/{}: {}: names no network, so the policy acts on none",
                      multi.policy.namespace_name, multi.policy.name,
                      acl::AnnotationPath(acl::kPolicyForAnnotation))};
}

std::vector<std::string> WarningsOf(const acl::ClusterPolicy& policy) {
  const std::string object = fmt::format("{} {}", acl::KindName(policy.kind), policy.name);
  std::vector<std::string> warnings;
  AddRules(object, "ingress", "from", policy.ingress, &warnings);
  AddRules(object, "egress", "to", policy.egress, &warnings);
  return warnings;
}

std::vector<std::string> WarningsOf(const Object& object) {
  return std::visit([](const auto& value) { return WarningsOf(value); }, object);
}

}  // namespace sluice::control
