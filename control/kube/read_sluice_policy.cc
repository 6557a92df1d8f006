#include <fmt/format.h>

#include <vector>

#include "acl/name_syntax.h"
#include "control/kube/annotations.h"
#include "control/kube/network_rule.h"
#include "control/kube/policy_parts.h"
#include "control/kube/readers.h"

namespace sluice::control {
namespace {

acl::TlsMatch ReadTls(ObjectReader tls) {
  acl::TlsMatch result;
  for (std::string& name : tls.Texts("serverNames")) {
    result.server_names.push_back(acl::NormalHost(std::move(name)));
  }
  tls.RefuseOtherFields();
  return result;
}

acl::HttpMatch ReadRequest(ObjectReader& request) {
  acl::HttpMatch result{.method = request.Text("method"),
                        .host = acl::NormalHost(request.Text("host")),
                        .path = request.Text("path")};
  request.RefuseOtherFields();
  return result;
}

acl::ContentPattern ReadPattern(ObjectReader& pattern) {
  acl::ContentPattern result{.pattern = pattern.Text("pattern"), .action = {}};
  const std::string action = pattern.Text("action");
  if (action == "alert") {
    result.action = acl::PatternAction::kAlert;
  } else if (!action.empty() && action != "deny") {
    pattern.Fail("action", fmt::format("{} is not supported: deny or alert", acl::Quoted(action)));
  }
  pattern.RefuseOtherFields();
  return result;
}

acl::Content ReadContent(ObjectReader& rule) {
  acl::Content content;
  if (rule.Has("tls")) content.tls = ReadTls(rule.Object("tls"));
  for (ObjectReader& request : rule.Objects("http")) content.http.push_back(ReadRequest(request));
  for (ObjectReader& pattern : rule.Objects("content")) {
    content.patterns.push_back(ReadPattern(pattern));
  }
  return content;
}

std::vector<acl::SluiceRule> ReadRules(ObjectReader& spec, std::string_view direction,
                                       std::string_view peers) {
  std::vector<acl::SluiceRule> rules;
  for (ObjectReader& rule : spec.Objects(direction)) {
    rules.push_back({.match = ReadNetworkRule(rule, peers),
                     .name = rule.Text("name"),
                     .action = rule.Text("action"),
                     .order = rule.Integer("order").value_or(acl::kDefaultRuleOrder),
                     .content = ReadContent(rule),
                     .log = rule.Boolean("log")});
    rule.RefuseOtherFields();
  }
  return rules;
}

void ReadSpec(ObjectReader spec, acl::SluicePolicy* policy) {
  policy->pod_selector = ReadSelector(spec.Object("podSelector"));
  policy->policy_types = spec.Texts("policyTypes");
  policy->ingress = ReadRules(spec, "ingress", "from");
  policy->egress = ReadRules(spec, "egress", "to");
  spec.RefuseOtherFields();
}

}  // namespace

absl::StatusOr<acl::SluicePolicy> ReadSluicePolicy(const nlohmann::json& tree) {
  absl::Status error;
  ObjectReader object(tree, "", &error);
  const Metadata metadata = ReadMetadata(object);
  acl::SluicePolicy policy;
  policy.namespace_name = metadata.namespace_name;
  policy.name = metadata.name;
  policy.options = ReadPolicyOptions(metadata, &error);
  policy.networks = ReadPolicyFor(metadata);
  ReadSpec(object.Object("spec"), &policy);
  for (const char* field : {"apiVersion", "kind", "status"}) object.Has(field);
  object.RefuseOtherFields();
  if (!error.ok()) return error;
  return policy;
}

}  // namespace sluice::control
