#include "control/source_metrics.h"

#include <optional>

#include "control/metric_family.h"

namespace sluice::control {
namespace {

struct Row {
  const char* name;
  const char* help;
  // Nothing: no value to tell.
  std::optional<double> (*value)(const SourceStatus& status);
};

constexpr Row kRows[] = {
    {"sluice_source_report_age_seconds", "Since the source last reported",
     [](const SourceStatus& status) -> std::optional<double> { return status.age_seconds; }},
    {"sluice_source_ready", "1: the source knows all its kinds, and sluiced has them",
     [](const SourceStatus& status) -> std::optional<double> {
       return status.report.not_ready.empty();
     }},
    {"sluice_source_heard_age_seconds", "Since the source was last told anything of any kind",
     [](const SourceStatus& status) { return NewestHeardSeconds(status.report); }},
    {"sluice_source_refused_objects", "Objects not in force as they were written",
     [](const SourceStatus& status) -> std::optional<double> {
       return static_cast<double>(status.report.refused_objects);
     }},
};

}  // namespace

std::vector<prometheus::MetricFamily> SourceMetricsOf(const SourceReports& reports) {
  const std::vector<SourceStatus> sources = reports.List();
  std::vector<prometheus::MetricFamily> families;
  for (const Row& row : kRows) {
    prometheus::MetricFamily family{row.name, row.help, prometheus::MetricType::Gauge, {}};
    for (const SourceStatus& status : sources) {
      const std::optional<double> value = row.value(status);
      if (value)
        family.metric.push_back(MetricOf(family.type, *value, {{"source", status.source}}));
    }
    families.push_back(std::move(family));
  }
  return families;
}

}  // namespace sluice::control
