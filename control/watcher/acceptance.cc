#include "control/watcher/acceptance.h"

#include <fmt/format.h>

#include <algorithm>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>

#include "control/kube/one_line.h"
#include "control/kube/watch/json_at.h"

namespace sluice::control {
namespace {

using nlohmann::json;

constexpr char kTrue[] = "True";
constexpr char kFalse[] = "False";
constexpr size_t kMaxMessage = 1000;  // bytes; the API takes 32 KiB

int64_t NumberAt(const json& tree, std::initializer_list<const char*> path) {
  const json& value = At(tree, path);
  return value.is_number_integer() ? value.get<int64_t>() : 0;
}

std::string ClaimOf(const std::string& node) { return fmt::format("node {}: ", node); }

std::string RefusalText(const Refusal& refusal, const std::string& node) {
  const std::string why =
      refusal.field.empty() ? refusal.reason : refusal.field + ": " + refusal.reason;
  return ClaimOf(node) + OneLine(std::string_view(why).substr(0, kMaxMessage));
}

AcceptedCondition Turned(const std::optional<AcceptedCondition>& from, const char* status,
                         const std::string& now) {
  const bool same = from && from->status == status && !from->since.empty();
  return {status, 0, same ? from->since : now, ""};
}

}  // namespace

std::vector<Judgement> JudgementsOf(const ClusterSet::Batch& sent,
                                    const std::vector<Refusal>& refusals) {
  std::vector<Judgement> judgements;
  for (const ClusterSet::Item& item : sent.objects) {
    if (item.generation == 0) continue;
    Judgement judgement{item.candidate->key, item.uid, item.generation, std::nullopt};
    const auto refusal = std::ranges::find(refusals, judgement.key, &Refusal::key);
    if (refusal != refusals.end()) judgement.refusal = *refusal;
    judgements.push_back(std::move(judgement));
  }
  return judgements;
}

ObjectState StateOf(const StreamedObject& object) {
  ObjectState state{object.identity.uid, object.identity.resource_version,
                    NumberAt(object.tree, {"metadata", "generation"}), std::nullopt};
  for (const json& condition : At(object.tree, {"status", "conditions"})) {
    if (TextAt(condition, {"type"}) != kAcceptedCondition) continue;
    state.condition = {TextAt(condition, {"status"}), NumberAt(condition, {"observedGeneration"}),
                       TextAt(condition, {"lastTransitionTime"}), TextAt(condition, {"message"})};
  }
  return state;
}

std::optional<AcceptedCondition> WantedCondition(const ObjectState& object,
                                                 const Judgement& judgement,
                                                 const std::string& node, const std::string& now) {
  const bool same_object = object.uid == judgement.uid && object.generation == judgement.generation;
  if (!same_object || object.generation == 0) return std::nullopt;  // one of them is to come
  const auto& has = object.condition;
  if (has && has->generation > object.generation) return std::nullopt;
  const bool is_refused = has && has->status == kFalse;
  const bool is_current = has && has->generation == object.generation;
  AcceptedCondition wanted;
  if (judgement.refusal) {
    if (is_refused && is_current) return std::nullopt;
    wanted = Turned(has, kFalse, now);
    wanted.message = RefusalText(*judgement.refusal, node);
  } else {
    const bool is_ours = has && has->message.starts_with(ClaimOf(node));
    if (!is_refused || (is_current && !is_ours)) return std::nullopt;
    wanted = Turned(has, kTrue, now);
    wanted.message = "in force as it was written";
  }
  wanted.generation = object.generation;
  return wanted;
}

}  // namespace sluice::control
