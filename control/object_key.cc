#include "control/object_key.h"

#include <fmt/core.h>

#include "acl/name_syntax.h"

namespace sluice::control {
namespace {

ObjectKey KeyOfKind(const acl::Namespace& ns) { return {"Namespace", {"", ns.name}}; }
ObjectKey KeyOfKind(const acl::Node& node) { return {"Node", {"", node.name}}; }
ObjectKey KeyOfKind(const acl::Endpoint& endpoint) {
  return {"Endpoint", {endpoint.namespace_name, endpoint.name}};
}
ObjectKey KeyOfKind(const acl::NetworkPolicy& policy) {
  return {"NetworkPolicy", {policy.namespace_name, policy.name}};
}

ObjectKey KeyOfKind(const acl::MultiNetworkPolicy& multi) {
  return {"MultiNetworkPolicy", {multi.policy.namespace_name, multi.policy.name}};
}
ObjectKey KeyOfKind(const acl::SluicePolicy& policy) {
  return {"SluicePolicy", {policy.namespace_name, policy.name}};
}
ObjectKey KeyOfKind(const acl::ClusterPolicy& policy) {
  return {acl::KindName(policy.kind), {"", policy.name}};
}

// As acl::Validate names an object: a name that is none in quotes.
ObjectKey Quoted(ObjectKey key) {
  for (std::string* name : {&key.name.first, &key.name.second}) {
    if (acl::CheckDnsSubdomain(*name)) *name = acl::Quoted(*name);
  }
  return key;
}

}  // namespace

std::optional<acl::ClusterPolicyKind> ClusterPolicyKindOf(std::string_view kind) {
  for (const auto candidate :
       {acl::ClusterPolicyKind::kClusterNetworkPolicy, acl::ClusterPolicyKind::kAdminNetworkPolicy,
        acl::ClusterPolicyKind::kBaselineAdminNetworkPolicy}) {
    if (kind == acl::KindName(candidate)) return candidate;
  }
  return std::nullopt;
}

bool IsObjectKind(std::string_view kind) {
  return kind == "Namespace" || kind == "Node" || kind == "Endpoint" || IsPolicyKind(kind);
}

bool IsPolicyKind(std::string_view kind) {
  return kind == "NetworkPolicy" || kind == "MultiNetworkPolicy" || kind == "SluicePolicy" ||
         ClusterPolicyKindOf(kind).has_value();
}

bool IsNamespacedKind(std::string_view kind) {
  return IsObjectKind(kind) && kind != "Namespace" && kind != "Node" && !ClusterPolicyKindOf(kind);
}

ObjectKey ObjectKey::Of(const Object& object) {
  return std::visit([](const auto& value) { return KeyOfKind(value); }, object);
}

std::string ObjectKey::ToString() const {
  const bool cluster_scoped = IsObjectKind(kind) && !IsNamespacedKind(kind);
  if (cluster_scoped) return fmt::format("{} {}", kind, name.second);
  // Who reads an error knows an endpoint as a pod; so do acl/validate.h's errors.
  return fmt::format("{} {}/{}", kind == "Endpoint" ? "Pod" : kind, name.first, name.second);
}

Candidate Candidate::Of(Object object) {
  ObjectKey key = ObjectKey::Of(object);
  const auto* endpoint = std::get_if<acl::Endpoint>(&object);
  std::string uid = endpoint != nullptr ? endpoint->uid : "";
  return {std::move(key), std::move(uid), std::move(object), nullptr};
}

Refusal Refusal::From(const ObjectKey& key, const absl::Status& status) {
  std::string text(status.message());
  std::string prefix = key.ToString() + ": ";
  if (!text.starts_with(prefix)) prefix = Quoted(key).ToString() + ": ";
  if (!text.starts_with(prefix)) return {key, "", text};
  text.erase(0, prefix.size());
  const size_t colon = text.find(": ");
  if (colon == std::string::npos) return {key, "", text};
  return {key, text.substr(0, colon), text.substr(colon + 2)};
}

}  // namespace sluice::control
