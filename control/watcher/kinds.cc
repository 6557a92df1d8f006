#include "control/watcher/kinds.h"

#include <utility>

#include "acl/annotations.h"
#include "control/kube/readers.h"

namespace sluice::control {
namespace {

using Shape = FieldShape;

constexpr char kPolicyGroup[] = "policy.networking.k8s.io";
constexpr char kMultiGroup[] = "k8s.cni.cncf.io";
constexpr char kSluiceGroup[] = "sluice.io";

template <auto kRead>
absl::StatusOr<Object> ReadAs(const nlohmann::json& tree) {
  auto object = kRead(tree);
  if (!object.ok()) return object.status();
  return Object(*std::move(object));
}

absl::StatusOr<Object> ReadMultiPolicy(const nlohmann::json& tree) {
  const auto version = tree.find("apiVersion");
  const bool old = version != tree.end() && *version == "k8s.cni.cncf.io/v1beta1";
  return old ? ReadAs<ReadMultiPolicyV1Beta1>(tree) : ReadAs<ReadMultiPolicyV1Beta2>(tree);
}

// Of a status, the conditions: the one that says whether the object is accepted is among them.
Shape Conditions() {
  return Shape::Only(
      "status", {Shape::Only("conditions", {Shape::All("type"), Shape::All("status"),
                                            Shape::All("message"), Shape::All("observedGeneration"),
                                            Shape::All("lastTransitionTime")})});
}

// Of metadata, what some reader looks at. managedFields alone can be most of an object, and so can
// the annotation that kubectl apply leaves.
Shape Metadata() {
  Shape annotations = Shape::None("annotations");
  for (const char* name :
       {acl::kAuditAnnotation, acl::kDenyActionAnnotation, acl::kOwnNodeAnnotation,
        acl::kIsolationAnnotation, acl::kPolicyForAnnotation, acl::kNetworkStatusAnnotation,
        kInitialEventsEnd}) {
    annotations.fields.push_back(Shape::All(name));
  }
  return Shape::Only("metadata",
                     {Shape::All("name"), Shape::All("namespace"), Shape::All("uid"),
                      Shape::All("labels"), Shape::All("generation"), std::move(annotations)});
}

// `fields` beside metadata, and those of a Status, which a watch may send in place of an object.
Shape Only(std::vector<Shape> fields) {
  fields.push_back(Metadata());
  fields.push_back(Shape::All("code"));
  fields.push_back(Shape::All("message"));
  return Shape::Only("", std::move(fields));
}

// Everything that could say something: a field that is not known must be seen, to be refused.
Shape Policy(Shape status) { return {"", true, {Metadata(), std::move(status)}}; }

Shape PodShape() {
  const Shape containers = Shape::Only("containers", {Shape::All("ports")});
  const Shape init_containers =
      Shape::Only("initContainers", {Shape::All("ports"), Shape::All("restartPolicy")});
  return Only(
      {Shape::Only("spec", {Shape::All("nodeName"), Shape::All("hostNetwork"), containers,
                            init_containers}),
       Shape::Only("status", {Shape::All("phase"), Shape::All("podIP"), Shape::All("podIPs"),
                              Shape::All("hostIP"), Shape::All("hostIPs")})});
}

WatchedKind CoreKind(const char* kind, const char* api_kind, const char* resource, bool namespaced,
                     Shape shape, absl::StatusOr<Object> (*read)(const nlohmann::json&)) {
  return {kind,  api_kind,
          "v1",  namespaced,
          false, {resource, "", {std::string("/api/v1/") + resource}, false, std::move(shape)},
          read};
}

// The first of `versions` is the preferred one.
WatchedKind PolicyKind(const char* kind, const char* resource, const std::string& group,
                       const std::vector<std::string>& versions, bool namespaced,
                       absl::StatusOr<Object> (*read)(const nlohmann::json&)) {
  const bool has_condition = group == kPolicyGroup || group == kSluiceGroup;
  WatchedKind row{kind, kind, group + "/" + versions.front(), namespaced, has_condition, {}, read};
  row.resource.name = resource;
  row.resource.group = group;
  for (const std::string& version : versions) {
    row.resource.paths.push_back("/apis/" + group + "/" + version + "/" + resource);
  }
  row.resource.may_be_absent = has_condition || group == kMultiGroup;
  row.resource.shape = Policy(has_condition ? Conditions() : Shape::None("status"));
  return row;
}

std::vector<WatchedKind> MakeKinds() {
  WatchedKind attachments =
      PolicyKind("NetworkAttachmentDefinition", "network-attachment-definitions", kMultiGroup,
                 {"v1"}, true, nullptr);
  attachments.resource.shape = Only({});
  return {
      CoreKind("Namespace", "Namespace", "namespaces", false, Only({}), ReadAs<ReadNamespace>),
      CoreKind("Node", "Node", "nodes", false,
               Only({Shape::Only("status", {Shape::All("addresses")})}), ReadAs<ReadNode>),
      CoreKind("Endpoint", "Pod", "pods", true, PodShape(), ReadAs<ReadPod>),
      PolicyKind("NetworkPolicy", "networkpolicies", "networking.k8s.io", {"v1"}, true,
                 ReadAs<ReadNetworkPolicy>),
      PolicyKind("ClusterNetworkPolicy", "clusternetworkpolicies", kPolicyGroup, {"v1alpha2"},
                 false, ReadAs<ReadClusterNetworkPolicy>),
      PolicyKind("AdminNetworkPolicy", "adminnetworkpolicies", kPolicyGroup, {"v1alpha1"}, false,
                 ReadAs<ReadAdminNetworkPolicy>),
      PolicyKind("BaselineAdminNetworkPolicy", "baselineadminnetworkpolicies", kPolicyGroup,
                 {"v1alpha1"}, false, ReadAs<ReadBaselineAdminNetworkPolicy>),
      PolicyKind("MultiNetworkPolicy", "multi-networkpolicies", kMultiGroup, {"v1beta2", "v1beta1"},
                 true, ReadMultiPolicy),
      PolicyKind("SluicePolicy", "sluicepolicies", kSluiceGroup, {"v1alpha1"}, true,
                 ReadAs<ReadSluicePolicy>),
      std::move(attachments),
  };
}

}  // namespace

const std::vector<WatchedKind>& WatchedKinds() {
  static const std::vector<WatchedKind> kinds = MakeKinds();
  return kinds;
}

}  // namespace sluice::control
