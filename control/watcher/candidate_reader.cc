#include "control/watcher/candidate_reader.h"

#include <fmt/format.h>

#include <memory>
#include <utility>

#include "acl/annotations.h"

namespace sluice::control {
namespace {

using nlohmann::json;

constexpr std::pair<const char*, const char*> kDirections[] = {{"ingress", "from"},
                                                               {"egress", "to"}};

bool HasRules(const json& spec, const char* direction) {
  const auto rules = spec.find(direction);
  if (rules == spec.end() || rules->is_null()) return false;
  return !rules->is_array() || !rules->empty();
}

void Copy(const json& from, const char* field, json* to) {
  if (from.contains(field)) (*to)[field] = from[field];
}

// Directions are what types say, or else what there are rules for.
json OutlineOfNamespaced(const json& spec) {
  json outline = json::object();
  Copy(spec, "podSelector", &outline);
  Copy(spec, "policyTypes", &outline);
  if (!outline.contains("policyTypes") && HasRules(spec, "egress")) {
    outline["policyTypes"] = {"Ingress", "Egress"};
  }
  return outline;
}

// A direction with rules has one in the outline, whatever they are.
json OutlineOfClusterWide(const json& spec) {
  json outline = json::object();
  for (const char* field : {"tier", "priority", "subject"}) Copy(spec, field, &outline);
  for (const auto& [direction, peers] : kDirections) {
    if (!HasRules(spec, direction)) continue;
    const json everybody = json::array({{{"namespaces", json::object()}}});
    outline[direction] = json::array({{{"action", "Deny"}, {peers, everybody}}});
  }
  return outline;
}

std::shared_ptr<const Object> ReadOutline(const WatchedKind& kind, const json& tree) {
  const auto spec = tree.find("spec");
  if (spec == tree.end() || !spec->is_object()) return nullptr;
  // Of the annotations, whose value may be what is wrong, only the one that says where it acts.
  json outline = {{"metadata", json::object()}};
  for (const char* field : {"apiVersion", "kind"}) Copy(tree, field, &outline);
  const json metadata = tree.value("metadata", json::object());
  for (const char* field : {"name", "namespace"}) Copy(metadata, field, &outline["metadata"]);
  const json annotations = metadata.value("annotations", json::object());
  Copy(annotations, acl::kPolicyForAnnotation, &outline["metadata"]["annotations"]);
  outline["spec"] = kind.namespaced ? OutlineOfNamespaced(*spec) : OutlineOfClusterWide(*spec);
  absl::StatusOr<Object> object = kind.read(outline);
  return object.ok() ? std::make_shared<const Object>(*std::move(object)) : nullptr;
}

bool IsPolicy(const WatchedKind& kind) { return kind.kind.ends_with("NetworkPolicy"); }

}  // namespace

ObjectKey KeyOf(const WatchedKind& kind, const ObjectIdentity& identity) {
  return {kind.kind, {kind.namespaced ? identity.namespace_name : "", identity.name}};
}

Candidate ReadCandidate(const WatchedKind& kind, const StreamedObject& object) {
  ObjectKey key = KeyOf(kind, object.identity);
  absl::StatusOr<Object> read =
      object.status.ok() ? kind.read(object.tree) : absl::StatusOr<Object>(object.status);
  if (read.ok()) return Candidate::Of(*std::move(read));
  Candidate candidate{std::move(key), object.identity.uid, absl::UnknownError("")};
  candidate.object = absl::InvalidArgumentError(
      fmt::format("{}: {}", candidate.key.ToString(), std::string(read.status().message())));
  if (object.status.ok() && IsPolicy(kind)) candidate.outline = ReadOutline(kind, object.tree);
  return candidate;
}

}  // namespace sluice::control
