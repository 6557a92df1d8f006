#include "control/ctl/policy_row.h"

#include <algorithm>
#include <string_view>
#include <utility>

namespace sluice::ctl {
namespace {

// "app=web,tier NotIn (db)"; "<all>" for an empty selector.
std::string SelectorText(const v1::LabelSelector& selector) {
  std::string text = JoinLabels(selector.match_labels());
  for (const v1::LabelSelectorRequirement& requirement : selector.match_expressions()) {
    text +=
        fmt::format("{}{} {}", text.empty() ? "" : ",", requirement.key(), requirement.operator_());
    if (requirement.values_size() > 0) text += fmt::format(" ({})", Join(requirement.values()));
  }
  return text.empty() ? "<all>" : text;
}

std::string RulesText(int count) { return fmt::format("{} rules", count); }

// The directions that a policy isolates, with its rules there; the API's defaults where it names
// none.
template <typename Policy>
std::string Direction(const Policy& policy, const char* type, int rules) {
  const auto& types = policy.policy_types();
  const bool named = std::ranges::find(types, type) != types.end();
  const bool by_default = types.empty() && (rules > 0 || std::string_view(type) == "Ingress");
  return named || by_default ? RulesText(rules) : "";
}

std::string OptionsText(const v1::PolicyOptions& options) {
  return fmt::format("{}{}{}", options.audit() ? "audit" : "",
                     options.audit() && options.reject() ? "," : "",
                     options.reject() ? "reject" : "");
}

struct Row {
  std::string kind, namespace_name, name, subject, place, ingress, egress, options;
};

Row RowOf(const std::string& kind, const v1::NetworkPolicy& policy) {
  return {kind,
          policy.namespace_(),
          policy.name(),
          SelectorText(policy.pod_selector()),
          policy.legacy() ? "extensions/v1beta1" : "",
          Direction(policy, "Ingress", policy.ingress_size()),
          Direction(policy, "Egress", policy.egress_size()),
          OptionsText(policy.options())};
}

Row RowOf(const v1::MultiNetworkPolicy& multi) {
  Row row = RowOf("MultiNetworkPolicy", multi.policy());
  row.place = Join(multi.networks());
  return row;
}

Row RowOf(const v1::SluicePolicy& policy) {
  return {"SluicePolicy",
          policy.namespace_(),
          policy.name(),
          SelectorText(policy.pod_selector()),
          Join(policy.networks()),
          Direction(policy, "Ingress", policy.ingress_size()),
          Direction(policy, "Egress", policy.egress_size()),
          OptionsText(policy.options())};
}

Row RowOf(const v1::ClusterPolicy& policy) {
  const bool baseline = policy.kind() == "BaselineAdminNetworkPolicy";
  return {policy.kind(),
          "",
          policy.name(),
          fmt::format("{} in {}", SelectorText(policy.subject().pods()),
                      SelectorText(policy.subject().namespaces())),
          baseline ? policy.tier() : fmt::format("{} {}", policy.tier(), policy.priority()),
          policy.ingress_size() > 0 ? RulesText(policy.ingress_size()) : "",
          policy.egress_size() > 0 ? RulesText(policy.egress_size()) : "",
          OptionsText(policy.options())};
}

Row RowOf(const v1::Object& object) {
  if (object.has_network_policy()) return RowOf("NetworkPolicy", object.network_policy());
  if (object.has_multi_network_policy()) return RowOf(object.multi_network_policy());
  if (object.has_sluice_policy()) return RowOf(object.sluice_policy());
  if (object.has_cluster_policy()) return RowOf(object.cluster_policy());
  return {};
}

}  // namespace

std::vector<std::string> PolicyHeaders() {
  return {"KIND",    "NAMESPACE", "NAME",    "PODS",   "TIER/NETWORKS",
          "INGRESS", "EGRESS",    "OPTIONS", "SOURCE", "STATE"};
}

std::vector<std::string> PolicyRow(const v1::ListedObject& listed) {
  Row row = RowOf(listed.object());
  return {std::move(row.kind),   std::move(row.namespace_name),
          std::move(row.name),   std::move(row.subject),
          std::move(row.place),  std::move(row.ingress),
          std::move(row.egress), std::move(row.options),
          listed.source(),       listed.stand_in() ? "refused, isolating" : "accepted"};
}

}  // namespace sluice::ctl
