#include "control/event_log.h"

#include <absl/time/time.h>
#include <fmt/core.h>
#include <spdlog/sinks/rotating_file_sink.h>
#include <spdlog/spdlog.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "control/event_kind.h"
#include "control/protocol_name.h"

namespace sluice::control {
namespace {

using dataplane::EventKind;
using Json = nlohmann::ordered_json;

constexpr std::chrono::milliseconds kPatience{200};

std::string TimeText(int64_t time_us) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%E6SZ", absl::FromUnixMicros(time_us),
                          absl::UTCTimeZone());
}

// What became of the packet, or of the connection when it was let in.
const char* VerdictOf(EventKind kind) {
  switch (kind) {
    case EventKind::kDenied:
      return "deny";
    case EventKind::kRejected:
      return "reject";
    default:
      return "allow";
  }
}

Json EndOf(const MonitorEnd& end) {
  Json json = {{"address", end.address}};
  if (end.port != 0) json["port"] = end.port;
  if (!end.pod.empty()) json["pod"] = end.pod;
  if (!end.labels.empty()) json["labels"] = end.labels;
  if (!end.port_name.empty()) json["switchPort"] = end.port_name;
  return json;
}

Json SideOf(const acl::RuleSource& source) {
  Json json = {{"tier", acl::TierName(source.tier)}, {"policies", source.policies}};
  if (!source.rule.empty()) json["rule"] = source.rule;
  return json;
}

std::string SuppressedLine(uint64_t count, int64_t time_us) {
  return Json{{"time", TimeText(time_us)}, {"event", "suppressed"}, {"count", count}}.dump();
}

}  // namespace

std::string EventLine(const MonitorEvent& event, int64_t time_us) {
  const dataplane::ConnectionEvent& raw = event.raw;
  Json json = {{"time", TimeText(time_us)},      {"event", EventKindName(raw.kind)},
               {"network", event.network},       {"protocol", ProtocolName(raw.protocol)},
               {"from", EndOf(event.initiator)}, {"to", EndOf(event.responder)}};
  if (raw.kind == EventKind::kClosed) {
    json["state"] = raw.state;
    json["bytes"] = raw.bytes;
    json["durationSeconds"] = raw.duration_ms / 1000.0;
  } else {
    json["verdict"] = VerdictOf(raw.kind);
    json["epoch"] = raw.epoch;
  }
  if (raw.kind != EventKind::kNew) json["packets"] = raw.packets;
  if (raw.reason != dataplane::DropReason::kNone) {
    json["reason"] = dataplane::DropReasonName(raw.reason);
  }
  if (raw.name[0] != 0) json["name"] = raw.name.data();
  if (event.egress) json["egress"] = SideOf(*event.egress);
  if (event.ingress) json["ingress"] = SideOf(*event.ingress);
  // Names and labels are of the API, and still nothing may end the log.
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

absl::StatusOr<std::unique_ptr<EventLog>> EventLog::Start(const EventLogConfig& config,
                                                          Monitor& monitor) {
  std::shared_ptr<spdlog::sinks::sink> sink;
  try {
    sink = std::make_shared<spdlog::sinks::rotating_file_sink_st>(config.file, config.file_bytes,
                                                                  config.files);
  } catch (const spdlog::spdlog_ex& error) {
    return absl::FailedPreconditionError(
        fmt::format("event log {}: {}", config.file, error.what()));
  }
  sink->set_pattern("%v");
  MonitorFilter filter = config.filter;
  filter.logged_too = true;
  auto subscription = monitor.Subscribe(std::move(filter));
  if (!subscription.ok()) return subscription.status();
  return std::unique_ptr<EventLog>(
      new EventLog(config.file, std::move(sink), monitor, *std::move(subscription)));
}

EventLog::EventLog(std::string file, std::shared_ptr<spdlog::sinks::sink> sink, Monitor& monitor,
                   std::unique_ptr<Monitor::Subscription> subscription)
    : file_(std::move(file)),
      sink_(std::move(sink)),
      monitor_(monitor),
      subscription_(std::move(subscription)),
      thread_([this] { Run(); }) {}

EventLog::~EventLog() {
  stopping_ = true;
  thread_.join();
}

void EventLog::Run() {
  while (!stopping_.load(std::memory_order_relaxed)) Write(subscription_->Next(kPatience));
  monitor_.Flush();
  Write(subscription_->Next(std::chrono::milliseconds(0)));
}

// A batch is written when it has left for the disk; of one that has not, all counts as suppressed.
void EventLog::Write(const Monitor::Subscription::Batch& batch) {
  suppressed_ += batch.lost;
  untold_ += batch.lost;
  if (batch.events.empty() && untold_ == 0) return;
  if (WriteLines(batch)) {
    written_ += batch.events.size();
    untold_ = 0;
  } else {
    suppressed_ += batch.events.size();
    untold_ += batch.events.size();
  }
}

// Of failures in a row the first is told.
bool EventLog::WriteLines(const Monitor::Subscription::Batch& batch) {
  const auto write = [this](const std::string& line) {
    sink_->log(spdlog::details::log_msg({}, {}, spdlog::level::info, line));
  };
  const int64_t now_us = absl::ToUnixMicros(absl::Now());
  try {
    if (untold_ > 0) write(SuppressedLine(untold_, now_us));
    for (const auto& event : batch.events) write(EventLine(*event, now_us));
    sink_->flush();
    failing_ = false;
  } catch (const spdlog::spdlog_ex& error) {
    if (!std::exchange(failing_, true)) spdlog::error("event log {}: {}", file_, error.what());
  }
  return !failing_;
}

}  // namespace sluice::control
