// What sluiced tells Prometheus about the sources that report to it. docs/metrics.md lists it.
#pragma once

#include <prometheus/metric_family.h>

#include <vector>

#include "control/source_reports.h"

namespace sluice::control {

// The label `source` has at most SourceReports::kMaxSources values. Any thread.
std::vector<prometheus::MetricFamily> SourceMetricsOf(const SourceReports& reports);

}  // namespace sluice::control
