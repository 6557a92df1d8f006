#include "control/watcher/condition_writer.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "control/kube/watch/http_status.h"
#include "control/watcher/kinds.h"
#include "control/watcher/wall_time.h"

namespace sluice::control {
namespace {

using nlohmann::json;

constexpr char kFieldManager[] = "sluice-watcher";

// "/apis/GROUP/VERSION/[namespaces/NAMESPACE/]RESOURCE/NAME".
std::string PathOf(const WatchedKind& kind, const ObjectName& name) {
  std::string path = kind.resource.paths.front();
  if (kind.namespaced) {
    path.insert(path.rfind('/'), "/namespaces/" + EscapeQuery(name.first));
  }
  return path + "/" + EscapeQuery(name.second);
}

}  // namespace

HttpRequest MakeConditionRequest(const ObjectKey& key, const ObjectState& object,
                                 const AcceptedCondition& condition) {
  const auto& kind = *std::ranges::find(WatchedKinds(), key.kind, &WatchedKind::kind);
  const json written = {
      {"type", kAcceptedCondition},
      {"status", condition.status},
      {"reason", condition.status == "True" ? "AcceptedBySluice" : "RefusedBySluice"},
      {"message", condition.message},
      {"observedGeneration", condition.generation},
      {"lastTransitionTime", condition.since}};
  json metadata = {
      {"name", key.name.second}, {"uid", object.uid}, {"resourceVersion", object.resource_version}};
  if (kind.namespaced) metadata["namespace"] = key.name.first;
  const json body = {{"apiVersion", kind.api_version},
                     {"kind", kind.api_kind},
                     {"metadata", std::move(metadata)},
                     {"status", {{"conditions", json::array({written})}}}};
  HttpRequest request;
  request.method = "PATCH";
  request.target =
      fmt::format("{}/status?fieldManager={}&force=true", PathOf(kind, key.name), kFieldManager);
  request.content_type = "application/apply-patch+yaml";  // JSON is YAML
  request.body = body.dump(-1, ' ', false, json::error_handler_t::replace);
  return request;
}

ConditionWriter::ConditionWriter(HttpTransport& transport, TimerQueue& timers,
                                 std::function<std::chrono::system_clock::time_point()> wall_clock,
                                 std::string node, Random random)
    : transport_(transport),
      timers_(timers),
      wall_clock_(std::move(wall_clock)),
      node_(std::move(node)),
      random_(std::move(random)) {}

ConditionWriter::~ConditionWriter() {
  transport_.Cancel(request_);
  timers_.Cancel(timer_);
  for (auto& [key, entry] : entries_) Forget(entry);
}

void ConditionWriter::See(const ObjectKey& key, ObjectState state, bool changed) {
  Entry& entry = entries_[key];
  entry.state = std::move(state);
  if (changed) entry.judgement.reset();
  Consider(key, entry);
}

void ConditionWriter::SeeAll(const std::string& kind, std::map<ObjectKey, ObjectState> states,
                             const std::set<ObjectKey>& changed) {
  std::vector<ObjectKey> gone;
  for (const auto& [key, entry] : entries_) {
    if (key.kind == kind && !states.contains(key)) gone.push_back(key);
  }
  for (const ObjectKey& key : gone) SeeGone(key);
  for (auto& [key, state] : states) See(key, std::move(state), changed.contains(key));
}

void ConditionWriter::SeeGone(const ObjectKey& key) {
  due_.erase(key);
  const auto found = entries_.find(key);
  if (found == entries_.end()) return;
  Forget(found->second);
  entries_.erase(found);
}

void ConditionWriter::Forget(Entry& entry) {
  timers_.Cancel(std::exchange(entry.retry, TimerQueue::kNone));
}

void ConditionWriter::Judge(const Judgement& judgement) {
  const auto found = entries_.find(judgement.key);
  if (found == entries_.end()) return;
  found->second.judgement = judgement;
  Consider(judgement.key, found->second);
}

std::optional<AcceptedCondition> ConditionWriter::Wanted(const Entry& entry) const {
  const bool waits = entry.retry != TimerQueue::kNone;
  if (waits || !entry.judgement || entry.tried == entry.state.resource_version) return std::nullopt;
  return WantedCondition(entry.state, *entry.judgement, node_, Rfc3339(wall_clock_()));
}

void ConditionWriter::Consider(const ObjectKey& key, Entry& entry) {
  if (!Wanted(entry)) return;
  due_.insert(key);
  if (request_ == HttpTransport::kNone && timer_ == TimerQueue::kNone) {
    Wait(FirstWait());
  }
}

void ConditionWriter::Wait(std::chrono::milliseconds delay) {
  timer_ = timers_.After(delay, [this] {
    timer_ = TimerQueue::kNone;
    WriteNext();
  });
}

std::chrono::milliseconds ConditionWriter::FirstWait() const {
  const auto spread = static_cast<double>(kSpread.count()) * random_();
  return kFirstWait + std::chrono::milliseconds(static_cast<int64_t>(spread));
}

void ConditionWriter::WriteNext() {
  while (!due_.empty()) {
    writing_ = due_.extract(due_.begin()).value();
    const auto found = entries_.find(writing_);
    if (found == entries_.end()) continue;
    Entry& entry = found->second;
    const auto wanted = Wanted(entry);
    if (!wanted) continue;  // somebody else was faster
    entry.tried = entry.state.resource_version;
    status_ = 0;
    request_ = transport_.Start(MakeConditionRequest(writing_, entry.state, *wanted), *this);
    return;
  }
}

void ConditionWriter::OnEnd(const absl::Status& status) {
  request_ = HttpTransport::kNone;
  if (!status.ok()) return Failed(std::string(status.message()));
  // An object that has changed: what comes of it by the watch decides.
  const bool is_over = status_ / 100 == 2 || status_ == kConflict;
  if (!is_over) return Failed(fmt::format("HTTP {}", status_));
  const auto found = entries_.find(writing_);
  if (found != entries_.end()) found->second.backoff.reset();
  Wait(FirstWait());
}

void ConditionWriter::Failed(const std::string& why) {
  const std::string complaint =
      fmt::format("conditions: that of {} cannot be written: {}", writing_.ToString(), why);
  if (std::exchange(complaint_, complaint) != complaint) spdlog::warn("{}", complaint);
  const auto found = entries_.find(writing_);
  if (found != entries_.end()) {
    Entry& entry = found->second;
    if (!entry.backoff) entry.backoff.emplace(kFirstRetry, kLastRetry, random_);
    entry.retry = timers_.After(entry.backoff->Next(), [this, key = writing_] { Retry(key); });
  }
  Wait(FirstWait());
}

void ConditionWriter::Retry(const ObjectKey& key) {
  Entry& entry = entries_.at(key);  // or the timer would be gone
  entry.retry = TimerQueue::kNone;
  entry.tried.clear();
  Consider(key, entry);
}

}  // namespace sluice::control
