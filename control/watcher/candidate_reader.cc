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
  const auto types = spec.find("policyTypes");
  if (types != spec.end() && !types->empty()) {  // null is empty, too
    outline["policyTypes"] = *types;
  } else if (HasRules(spec, "egress")) {
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

// Options that cannot be read must not hide whom the policy selects.
void DropOptions(json* outline) {
  const json::json_pointer path("/metadata/annotations");
  if (!outline->contains(path) || !outline->at(path).is_object()) return;
  for (const char* option :
       {acl::kAuditAnnotation, acl::kDenyActionAnnotation, acl::kOwnNodeAnnotation}) {
    outline->at(path).erase(option);
  }
}

std::shared_ptr<const Object> ReadOutline(const WatchedKind& kind, const json& tree) {
  const auto spec = tree.find("spec");
  if (spec == tree.end() || !spec->is_object()) return nullptr;
  json outline = tree;
  outline["spec"] = kind.namespaced ? OutlineOfNamespaced(*spec) : OutlineOfClusterWide(*spec);
  absl::StatusOr<Object> object = kind.read(outline);
  if (!object.ok()) {
    DropOptions(&outline);
    object = kind.read(outline);
  }
  return object.ok() ? std::make_shared<const Object>(*std::move(object)) : nullptr;
}

}  // namespace

ObjectKey KeyOf(const WatchedKind& kind, const ObjectIdentity& identity) {
  return {kind.kind, {kind.namespaced ? identity.namespace_name : "", identity.name}};
}

Candidate ReadCandidate(const WatchedKind& kind, const StreamedObject& object) {
  ObjectKey key = KeyOf(kind, object.identity);
  absl::StatusOr<Object> read =
      object.status.ok() ? kind.read(object.tree) : absl::StatusOr<Object>(object.status);
  if (read.ok()) {
    Candidate candidate = Candidate::Of(*std::move(read));
    candidate.uid = object.identity.uid;
    return candidate;
  }
  Candidate candidate{std::move(key), object.identity.uid, absl::UnknownError("")};
  candidate.object = absl::InvalidArgumentError(
      fmt::format("{}: {}", candidate.key.ToString(), std::string(read.status().message())));
  if (object.status.ok() && IsPolicyKind(kind.kind))
    candidate.outline = ReadOutline(kind, object.tree);
  return candidate;
}

}  // namespace sluice::control
