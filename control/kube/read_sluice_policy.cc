#include <fmt/format.h>

#include "acl/name_syntax.h"
#include "control/kube/annotations.h"
#include "control/kube/network_rule.h"
#include "control/kube/policy_parts.h"
#include "control/kube/readers.h"

namespace sluice::control {
namespace {

// `field` is all that is in `match`.
std::vector<std::string> ReadHosts(ObjectReader match, const char* field) {
  std::vector<std::string> names = match.Texts(field);
  for (std::string& name : names) name = acl::NormalHost(std::move(name));
  match.RefuseOtherFields();
  return names;
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
  if (rule.Has("tls")) content.tls = acl::TlsMatch{ReadHosts(rule.Object("tls"), "serverNames")};
  if (rule.Has("dns")) content.dns = acl::DnsMatch{ReadHosts(rule.Object("dns"), "names")};
  for (ObjectReader& request : rule.Objects("http")) content.http.push_back(ReadRequest(request));
  for (ObjectReader& pattern : rule.Objects("content")) {
    content.patterns.push_back(ReadPattern(pattern));
  }
  return content;
}

acl::SluiceRule ReadSluiceRule(ObjectReader& rule, std::string_view peers) {
  return {.match = ReadNetworkRule(rule, peers),
          .name = rule.Text("name"),
          .action = rule.Text("action"),
          .order = rule.Integer("order").value_or(acl::kDefaultRuleOrder),
          .content = ReadContent(rule),
          .log = rule.Boolean("log")};
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
  ReadNetworkSpec(object.Object("spec"), ReadSluiceRule, &policy);
  for (const char* field : {"apiVersion", "kind", "status"}) object.Has(field);
  object.RefuseOtherFields();
  if (!error.ok()) return error;
  return policy;
}

}  // namespace sluice::control
