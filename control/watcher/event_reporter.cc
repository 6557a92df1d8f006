#include "control/watcher/event_reporter.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "control/kube/one_line.h"
#include "control/watcher/kinds.h"
#include "control/watcher/wall_time.h"

namespace sluice::control {
namespace {

using nlohmann::json;

constexpr char kComponent[] = "sluice-watcher";
constexpr size_t kMaxMessage = 1000;  // the API takes 1024

json Reference(const Refusal& refusal, const std::string& uid) {
  json reference = {{"name", refusal.key.name.second}, {"uid", uid}};
  const auto kind = std::ranges::find(WatchedKinds(), refusal.key.kind, &WatchedKind::kind);
  if (kind != WatchedKinds().end()) {
    reference["kind"] = kind->api_kind;
    reference["apiVersion"] = kind->api_version;
  }
  if (!refusal.key.name.first.empty()) reference["namespace"] = refusal.key.name.first;
  return reference;
}

}  // namespace

HttpRequest MakeEventRequest(const Refusal& refusal, const std::string& uid,
                             const std::string& host, std::chrono::system_clock::time_point at) {
  // Events on objects without a namespace are in "default".
  const std::string& own = refusal.key.name.first;
  const std::string namespace_name = own.empty() ? "default" : own;
  const std::string why =
      refusal.field.empty() ? refusal.reason : refusal.field + ": " + refusal.reason;
  const json event = {
      {"apiVersion", "v1"},
      {"kind", "Event"},
      {"metadata", {{"generateName", "sluice-refused-"}, {"namespace", namespace_name}}},
      {"involvedObject", Reference(refusal, uid)},
      {"type", "Warning"},
      {"reason", "RefusedBySluice"},
      {"message", OneLine(why).substr(0, kMaxMessage)},
      {"source", {{"component", kComponent}, {"host", host}}},
      {"reportingComponent", kComponent},
      {"reportingInstance", host},
      {"firstTimestamp", Rfc3339(at)},
      {"lastTimestamp", Rfc3339(at)},
      {"count", 1}};
  HttpRequest request;
  request.method = "POST";
  request.target = fmt::format("/api/v1/namespaces/{}/events", namespace_name);
  request.content_type = "application/json";
  request.body = event.dump(-1, ' ', false, json::error_handler_t::replace);
  return request;
}

EventReporter::~EventReporter() {
  transport_.Cancel(request_);
  timers_.Cancel(timer_);
}

void EventReporter::Report(const Refusal& refusal, const std::string& uid) {
  if (queue_.size() >= kMaxQueue) return;
  queue_.push_back(MakeEventRequest(refusal, uid, host_, wall_clock_()));
  if (request_ == HttpTransport::kNone && timer_ == TimerQueue::kNone) SendNext();
}

void EventReporter::SendNext() {
  timer_ = TimerQueue::kNone;
  if (queue_.empty()) return;
  status_ = 0;
  request_ = transport_.Start(queue_.front(), *this);
  queue_.pop_front();
}

void EventReporter::OnEnd(const absl::Status& status) {
  request_ = HttpTransport::kNone;
  const bool created = status.ok() && status_ / 100 == 2;
  if (!created && !std::exchange(complained_, true)) {
    spdlog::warn("events: cannot be created: {}",
                 status.ok() ? fmt::format("HTTP {}", status_) : std::string(status.message()));
  }
  timer_ = timers_.After(kGap, [this] { SendNext(); });
}

}  // namespace sluice::control
