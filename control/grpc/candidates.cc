#include "control/grpc/candidates.h"

#include <fmt/core.h>

#include <memory>
#include <utility>
#include <variant>

#include "acl/pattern_check.h"
#include "acl/validate.h"
#include "control/grpc/convert.h"

namespace sluice::control {
namespace {

ObjectKey KeyOfUnread(const v1::Object& proto) {
  switch (proto.kind_case()) {
    case v1::Object::kNamespace:
      return {"Namespace", {"", proto.namespace_().name()}};
    case v1::Object::kEndpoint:
      return {"Endpoint", {proto.endpoint().namespace_(), proto.endpoint().name()}};
    case v1::Object::kNetworkPolicy:
      return {"NetworkPolicy",
              {proto.network_policy().namespace_(), proto.network_policy().name()}};
    case v1::Object::kNode:
      return {"Node", {"", proto.node().name()}};
    case v1::Object::kMultiNetworkPolicy: {
      const v1::NetworkPolicy& policy = proto.multi_network_policy().policy();
      return {"MultiNetworkPolicy", {policy.namespace_(), policy.name()}};
    }
    case v1::Object::kSluicePolicy:
      return {"SluicePolicy", {proto.sluice_policy().namespace_(), proto.sluice_policy().name()}};
    case v1::Object::kClusterPolicy:
      return {proto.cluster_policy().kind(), {"", proto.cluster_policy().name()}};
    case v1::Object::kRefused:
      return ToKey(proto.refused().object());
    case v1::Object::KIND_NOT_SET:
      break;
  }
  return {"Object", {"", ""}};
}

Candidate ToCandidate(const v1::RefusedObject& refused) {
  ObjectKey key = ToKey(refused.object());
  absl::Status why =
      absl::InvalidArgumentError(fmt::format("{}: {}", key.ToString(), refused.reason()));
  Candidate candidate{std::move(key), refused.uid(), std::move(why)};
  absl::StatusOr<Object> outline = UncheckedFromProto(refused.outline());
  if (outline.ok() && ObjectKey::Of(*outline) == candidate.key) {
    candidate.outline = std::make_shared<Object>(*std::move(outline));
  }
  return candidate;
}

// What an object that is acceptable otherwise may still be refused for. Its patterns are compiled
// here, on the caller's thread, and at no build.
absl::Status CheckOnEntry(const Object& object) {
  const auto* policy = std::get_if<acl::SluicePolicy>(&object);
  if (policy == nullptr || !acl::Validate(*policy).ok()) return absl::OkStatus();
  return acl::CheckPatterns(*policy);
}

}  // namespace

Candidate ToCandidate(const v1::Object& proto) {
  if (proto.kind_case() == v1::Object::kRefused) return ToCandidate(proto.refused());
  absl::StatusOr<Object> object = UncheckedFromProto(proto);
  const std::string& uid = proto.has_endpoint() ? proto.endpoint().uid() : proto.uid();
  if (!object.ok()) return {KeyOfUnread(proto), uid, object.status()};
  absl::Status entry = CheckOnEntry(*object);
  Candidate candidate = Candidate::Of(*std::move(object));
  candidate.uid = uid;
  if (!entry.ok()) {
    candidate.outline = std::make_shared<const Object>(*std::move(candidate.object));
    candidate.object = std::move(entry);
  }
  return candidate;
}

void WriteKey(const ObjectKey& key, v1::ObjectKey* out) {
  out->set_kind(key.kind);
  out->set_namespace_(key.name.first);
  out->set_name(key.name.second);
}

void WriteRefusal(const Refusal& refusal, v1::Refusal* out) {
  WriteKey(refusal.key, out->mutable_object());
  out->set_field(refusal.field);
  out->set_reason(refusal.reason);
}

void WriteCandidate(const Candidate& candidate, v1::Object* out) {
  if (candidate.object.ok()) {
    ToProto(*candidate.object, out);
    if (!out->has_endpoint() && !candidate.uid.empty()) out->set_uid(candidate.uid);
    return;
  }
  v1::RefusedObject& refused = *out->mutable_refused();
  WriteKey(candidate.key, refused.mutable_object());
  refused.set_uid(candidate.uid);
  const Refusal why = Refusal::From(candidate.key, candidate.object.status());
  refused.set_reason(why.field.empty() ? why.reason : why.field + ": " + why.reason);
  if (candidate.outline != nullptr) ToProto(*candidate.outline, refused.mutable_outline());
}

}  // namespace sluice::control
