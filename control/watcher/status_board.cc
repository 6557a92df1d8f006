#include "control/watcher/status_board.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace sluice::control {
namespace {

using nlohmann::json;

double Seconds(std::chrono::steady_clock::duration duration) {
  return std::chrono::duration<double>(duration).count();
}

bool IsCurrent(const KindStatus& status) {
  return status.state == KindState::kSynced || status.state == KindState::kAbsent;
}

json ToJson(const KindCounters& counters) {
  return {{"lists", counters.lists},          {"watches", counters.watches},
          {"fullLists", counters.full_lists}, {"expired", counters.expired},
          {"events", counters.events},        {"bookmarks", counters.bookmarks},
          {"failures", counters.failures},    {"stalls", counters.stalls},
          {"throttled", counters.throttled},  {"malformed", counters.malformed}};
}

json ToJson(const StatusReport::Kind& kind) {
  return {{"kind", kind.name},
          {"state", std::string(NameOf(kind.status.state))},
          {"known", kind.status.known},
          {"path", kind.status.path},
          {"resourceVersion", kind.status.resource_version},
          {"objects", kind.objects},
          {"ageSeconds", kind.age_seconds},
          {"problem", kind.status.problem},
          {"counters", ToJson(kind.status.counters)}};
}

json ToJson(const Refusal& refusal) {
  return {{"kind", refusal.key.kind},
          {"namespace", refusal.key.name.first},
          {"name", refusal.key.name.second},
          {"field", refusal.field},
          {"reason", refusal.reason}};
}

template <typename List>
json ListToJson(const List& list) {
  json array = json::array();
  for (const auto& element : list) array.push_back(ToJson(element));
  return array;
}

}  // namespace

void StatusBoard::Tell(const std::string& object_kind, const std::string& name,
                       const KindStatus& status) {
  const std::lock_guard lock(mutex_);
  const auto found = std::ranges::find(kinds_, object_kind, &Told::object_kind);
  if (found == kinds_.end()) {
    kinds_.push_back({object_kind, name, status});
  } else {
    found->status = status;
  }
}

void StatusBoard::Tell(const PushStatus& status) {
  const std::lock_guard lock(mutex_);
  push_ = status;
}

StatusReport StatusBoard::Report() const {
  StatusReport report;
  std::map<std::string, size_t> counts = set_.Counts();
  report.pending = set_.pending();
  report.refused = refusals_.List();
  const std::lock_guard lock(mutex_);
  const Time now = clock_();
  for (const Told& told : kinds_) {
    StatusReport::Kind kind{told.name, told.status, counts[told.object_kind], {}, 0};
    if (told.status.progress != Time()) kind.heard_seconds = Seconds(now - told.status.progress);
    if (!IsCurrent(told.status)) kind.age_seconds = kind.heard_seconds.value_or(0);
    report.kinds.push_back(std::move(kind));
  }
  report.push = push_;
  if (!push_.version.empty()) report.acknowledged_seconds_ago = Seconds(now - push_.acknowledged);
  AddReasons(&report);
  return report;
}

void StatusBoard::AddReasons(StatusReport* report) const {
  for (const StatusReport::Kind& kind : report->kinds) {
    if (!kind.status.known) {
      report->not_ready.push_back(
          fmt::format("{}: {}: {}", kind.name, NameOf(kind.status.state), kind.status.problem));
    } else if (kind.age_seconds > Seconds(max_age_)) {
      report->not_ready.push_back(fmt::format("{}: not heard of for {:.0f} s: {}", kind.name,
                                              kind.age_seconds, kind.status.problem));
    }
  }
  if (!report->push.in_step) {
    report->not_ready.push_back(
        fmt::format("sluiced does not have the set: {}", report->push.problem));
  }
}

json ToJson(const StatusReport& report) {
  const PushStatus& push = report.push;
  return {{"ready", report.not_ready.empty()},
          {"notReady", report.not_ready},
          {"kinds", ListToJson(report.kinds)},
          {"sluiced",
           {{"inStep", push.in_step},
            {"version", push.version},
            {"epoch", push.epoch},
            {"acknowledgedSecondsAgo", report.acknowledged_seconds_ago},
            {"pendingChanges", report.pending},
            {"problem", push.problem},
            {"syncs", push.syncs},
            {"changes", push.changes},
            {"failures", push.failures},
            {"lost", push.lost}}},
          {"refused", ListToJson(report.refused)}};
}

}  // namespace sluice::control
