// SluicePolicies. Names of hosts are read into the form that acl/content.h has them in.
#include "acl/name_syntax.h"
#include "control/grpc/convert_parts.h"

namespace sluice::control {
namespace {

void WriteContent(const acl::Content& content, v1::SluiceRule* out) {
  if (content.tls) {
    const std::vector<std::string>& names = content.tls->server_names;
    out->mutable_tls()->mutable_server_names()->Assign(names.begin(), names.end());
  }
  if (content.dns) {
    const std::vector<std::string>& names = content.dns->names;
    out->mutable_dns()->mutable_names()->Assign(names.begin(), names.end());
  }
  for (const acl::HttpMatch& match : content.http) {
    v1::HttpMatch* added = out->add_http();
    added->set_method(match.method);
    added->set_host(match.host);
    added->set_path(match.path);
  }
  for (const acl::ContentPattern& pattern : content.patterns) {
    v1::ContentPattern* added = out->add_content();
    added->set_pattern(pattern.pattern);
    added->set_action(pattern.action == acl::PatternAction::kAlert ? v1::ALERT : v1::DENY);
  }
}

std::vector<std::string> ReadHosts(const google::protobuf::RepeatedPtrField<std::string>& names) {
  std::vector<std::string> hosts;
  for (const std::string& name : names) hosts.push_back(acl::NormalHost(name));
  return hosts;
}

// An action that this program does not know is the stricter one.
acl::Content ReadContent(const v1::SluiceRule& proto) {
  acl::Content content;
  if (proto.has_tls()) content.tls = acl::TlsMatch{ReadHosts(proto.tls().server_names())};
  if (proto.has_dns()) content.dns = acl::DnsMatch{ReadHosts(proto.dns().names())};
  for (const v1::HttpMatch& match : proto.http()) {
    content.http.push_back({match.method(), acl::NormalHost(match.host()), match.path()});
  }
  for (const v1::ContentPattern& pattern : proto.content()) {
    const bool alert = pattern.action() == v1::ALERT;
    content.patterns.push_back(
        {pattern.pattern(), alert ? acl::PatternAction::kAlert : acl::PatternAction::kDeny});
  }
  return content;
}

}  // namespace

void Write(const acl::SluiceRule& rule, v1::SluiceRule* out) {
  Write(rule.match, out->mutable_match());
  out->set_name(rule.name);
  out->set_action(rule.action);
  out->set_order(rule.order);
  WriteContent(rule.content, out);
  out->set_log(rule.log);
}

acl::SluiceRule Read(const v1::SluiceRule& proto) {
  return {.match = Read(proto.match()),
          .name = proto.name(),
          .action = proto.action(),
          .order = proto.has_order() ? proto.order() : acl::kDefaultRuleOrder,
          .content = ReadContent(proto),
          .log = proto.log()};
}

void Write(const acl::SluicePolicy& policy, v1::SluicePolicy* out) {
  WriteNamespaced(policy, out);
  out->mutable_networks()->Assign(policy.networks.begin(), policy.networks.end());
}

acl::SluicePolicy Read(const v1::SluicePolicy& proto) {
  auto policy = ReadNamespaced<acl::SluicePolicy>(proto);
  policy.networks = {proto.networks().begin(), proto.networks().end()};
  return policy;
}

}  // namespace sluice::control
