// Metric families as Prometheus' client takes them, in one call each.
#pragma once

#include <prometheus/metric_family.h>

#include <string>
#include <utility>
#include <vector>

namespace sluice::control {

inline prometheus::ClientMetric MetricOf(prometheus::MetricType type, double value,
                                         std::vector<prometheus::ClientMetric::Label> labels = {}) {
  prometheus::ClientMetric metric;
  (type == prometheus::MetricType::Counter ? metric.counter.value : metric.gauge.value) = value;
  metric.label = std::move(labels);
  return metric;
}

// Of one metric without labels.
inline prometheus::MetricFamily SingleMetric(const char* name, const char* help,
                                             prometheus::MetricType type, double value) {
  return {name, help, type, {MetricOf(type, value)}};
}

}  // namespace sluice::control
