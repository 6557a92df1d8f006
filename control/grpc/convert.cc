#include "control/grpc/convert.h"

#include <variant>

#include "acl/validate.h"
#include "control/grpc/convert_parts.h"

namespace sluice::control {
namespace {

struct ObjectWriter {
  v1::Object* out;
  void operator()(const acl::Namespace& ns) { Write(ns, out->mutable_namespace_()); }
  void operator()(const acl::Node& node) { Write(node, out->mutable_node()); }
  void operator()(const acl::Endpoint& endpoint) { Write(endpoint, out->mutable_endpoint()); }
  void operator()(const acl::NetworkPolicy& policy) {
    Write(policy, out->mutable_network_policy());
  }
  void operator()(const acl::MultiNetworkPolicy& multi) {
    Write(multi, out->mutable_multi_network_policy());
  }
  void operator()(const acl::SluicePolicy& policy) { Write(policy, out->mutable_sluice_policy()); }
  void operator()(const acl::ClusterPolicy& policy) {
    Write(policy, out->mutable_cluster_policy());
  }
};

template <typename T>
absl::StatusOr<Object> ToObject(absl::StatusOr<T> value) {
  if (!value.ok()) return value.status();
  return Object(*std::move(value));
}

}  // namespace

void ToProto(const Object& object, v1::Object* out) { std::visit(ObjectWriter{out}, object); }

absl::StatusOr<Object> UncheckedFromProto(const v1::Object& proto) {
  switch (proto.kind_case()) {
    case v1::Object::kNamespace:
      return Read(proto.namespace_());
    case v1::Object::kNode:
      return ToObject(Read(proto.node()));
    case v1::Object::kEndpoint:
      return ToObject(Read(proto.endpoint()));
    case v1::Object::kNetworkPolicy:
      return Read(proto.network_policy());
    case v1::Object::kMultiNetworkPolicy:
      return Read(proto.multi_network_policy());
    case v1::Object::kSluicePolicy:
      return Read(proto.sluice_policy());
    case v1::Object::kClusterPolicy:
      return ToObject(Read(proto.cluster_policy()));
    case v1::Object::kRefused:  // control/grpc/candidates.h
    case v1::Object::KIND_NOT_SET:
      break;
  }
  return absl::InvalidArgumentError("Object: kind: is not set, or newer than this program");
}

absl::StatusOr<Object> FromProto(const v1::Object& proto) {
  absl::StatusOr<Object> object = UncheckedFromProto(proto);
  if (!object.ok()) return object;
  absl::Status valid = std::visit([](const auto& value) { return acl::Validate(value); }, *object);
  if (!valid.ok()) return valid;
  return object;
}

v1::ObjectKey KeyOf(const Object& object) {
  const ObjectKey of = ObjectKey::Of(object);
  v1::ObjectKey key;
  key.set_kind(of.kind);
  key.set_namespace_(of.name.first);
  key.set_name(of.name.second);
  return key;
}

}  // namespace sluice::control
