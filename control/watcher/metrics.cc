#include "control/watcher/metrics.h"

#include <prometheus/metric_family.h>

#include <string>

#include "control/metric_family.h"

namespace sluice::control {
namespace {

using prometheus::MetricFamily;
using prometheus::MetricType;
using Kind = StatusReport::Kind;

const prometheus::Histogram::BucketBoundaries& Boundaries() {
  static const prometheus::Histogram::BucketBoundaries seconds = {
      0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 60};
  return seconds;
}

// One value a kind.
struct KindMetric {
  const char* name;
  const char* help;
  MetricType type;
  double (*value)(const Kind& kind);
};

#define SLUICE_COUNTER(field) [](const Kind& kind) -> double { return kind.status.counters.field; }
const KindMetric kKindMetrics[] = {
    {"sluice_watcher_kind_known", "1: all objects of the kind were read once, or there is no kind",
     MetricType::Gauge, [](const Kind& kind) -> double { return kind.status.known; }},
    {"sluice_watcher_kind_synced", "1: the kind is watched", MetricType::Gauge,
     [](const Kind& kind) -> double { return kind.status.state == KindState::kSynced; }},
    {"sluice_watcher_kind_absent", "1: the API server has no such kind", MetricType::Gauge,
     [](const Kind& kind) -> double { return kind.status.state == KindState::kAbsent; }},
    {"sluice_watcher_kind_objects", "Objects known", MetricType::Gauge,
     [](const Kind& kind) -> double { return static_cast<double>(kind.objects); }},
    {"sluice_watcher_kind_age_seconds", "Since the API server was heard; 0 while it is watched",
     MetricType::Gauge, [](const Kind& kind) { return kind.age_seconds; }},
    {"sluice_watcher_list_requests_total", "Requests for a page of a list", MetricType::Counter,
     SLUICE_COUNTER(lists)},
    {"sluice_watcher_watch_requests_total", "Requests for a watch or a streaming list",
     MetricType::Counter, SLUICE_COUNTER(watches)},
    {"sluice_watcher_full_lists_total", "Times that all objects were read", MetricType::Counter,
     SLUICE_COUNTER(full_lists)},
    {"sluice_watcher_expired_total", "Versions that were too old to go on from",
     MetricType::Counter, SLUICE_COUNTER(expired)},
    {"sluice_watcher_events_total", "Objects added, modified or deleted in a watch",
     MetricType::Counter, SLUICE_COUNTER(events)},
    {"sluice_watcher_bookmarks_total", "Bookmarks", MetricType::Counter, SLUICE_COUNTER(bookmarks)},
    {"sluice_watcher_request_failures_total", "Requests that ended with an error",
     MetricType::Counter, SLUICE_COUNTER(failures)},
    {"sluice_watcher_stalls_total", "Streams that were given up for silence", MetricType::Counter,
     SLUICE_COUNTER(stalls)},
    {"sluice_watcher_throttled_total", "Answers 429 and 503", MetricType::Counter,
     SLUICE_COUNTER(throttled)},
    {"sluice_watcher_malformed_total", "Answers and events that could not be read",
     MetricType::Counter, SLUICE_COUNTER(malformed)},
};
#undef SLUICE_COUNTER

MetricFamily OfKinds(const KindMetric& row, const std::vector<Kind>& kinds) {
  MetricFamily family{row.name, row.help, row.type, {}};
  for (const Kind& kind : kinds) {
    family.metric.push_back(MetricOf(row.type, row.value(kind), {{"kind", kind.name}}));
  }
  return family;
}

void AddPush(const StatusReport& report, std::vector<MetricFamily>* out) {
  const PushStatus& push = report.push;
  const auto gauge = [&](const char* name, const char* help, double value) {
    out->push_back(SingleMetric(name, help, MetricType::Gauge, value));
  };
  const auto counter = [&](const char* name, const char* help, uint64_t value) {
    out->push_back(SingleMetric(name, help, MetricType::Counter, static_cast<double>(value)));
  };
  gauge("sluice_watcher_ready", "1: ready", report.not_ready.empty());
  gauge("sluice_watcher_in_step", "1: sluiced has the set", push.in_step);
  gauge("sluice_watcher_pending_changes", "Changes not sent yet",
        static_cast<double>(report.pending));
  gauge("sluice_watcher_refused_objects", "Objects not in force as they were written",
        static_cast<double>(report.refused.size()));
  counter("sluice_watcher_syncs_total", "Whole sets that sluiced took", push.syncs);
  counter("sluice_watcher_changes_total", "Calls with changes that sluiced took", push.changes);
  counter("sluice_watcher_push_failures_total", "Calls to sluiced that failed", push.failures);
  counter("sluice_watcher_lost_sets_total", "Times that sluiced no longer had the set", push.lost);
}

}  // namespace

WatcherMetrics::WatcherMetrics(const StatusBoard& board) : board_(board), in_force_(Boundaries()) {}

std::vector<MetricFamily> WatcherMetrics::Collect() const {
  const StatusReport report = board_.Report();
  std::vector<MetricFamily> families;
  for (const KindMetric& row : kKindMetrics) families.push_back(OfKinds(row, report.kinds));
  AddPush(report, &families);
  families.push_back({"sluice_watcher_in_force_seconds",
                      "From when a change was read to when it was in force on every worker",
                      MetricType::Histogram,
                      {in_force_.Collect()}});
  return families;
}

}  // namespace sluice::control
