// What sluiced tells Prometheus about the switch and what is in force. docs/metrics.md lists it.
#pragma once

#include <prometheus/metric_family.h>

#include <string>
#include <vector>

#include "control/daemon_facts.h"
#include "control/event_log.h"
#include "control/view.h"
#include "dataplane/switch.h"

namespace sluice::control {

// In a fixed order. Labels are bounded: names of ports, pods and networks in force, workers, drop
// reasons. Counters of a port start again when it is attached. Any thread. Cost: ports x workers x
// drop reasons.
std::vector<prometheus::MetricFamily> MetricsOf(const View& view,
                                                const dataplane::Switch& data_plane,
                                                const DaemonFacts& facts);
std::vector<prometheus::MetricFamily> EventLogMetricsOf(const EventLog& log);

}  // namespace sluice::control
