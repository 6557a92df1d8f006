#include "control/source_reports.h"

#include <algorithm>
#include <utility>

namespace sluice::control {
namespace {

void Age(double seconds, std::optional<double>* since) {
  if (*since) **since += seconds;
}

SourceStatus StatusAfter(double seconds, const std::string& source, const SourceReport& report) {
  SourceStatus status{source, report, seconds};
  Age(seconds, &status.report.acknowledged_seconds);
  for (SourceReport::Kind& kind : status.report.kinds) Age(seconds, &kind.heard_seconds);
  return status;
}

}  // namespace

std::optional<double> NewestHeardSeconds(const SourceReport& report) {
  std::optional<double> newest;
  for (const SourceReport::Kind& kind : report.kinds) {
    if (kind.heard_seconds && (!newest || *kind.heard_seconds < *newest)) {
      newest = kind.heard_seconds;
    }
  }
  return newest;
}

void SourceReports::Put(const std::string& source, SourceReport report) {
  const std::lock_guard lock(mutex_);
  kept_.insert_or_assign(source, Kept{std::move(report), clock_()});
  if (kept_.size() <= kMaxSources) return;
  kept_.erase(
      std::ranges::min_element(kept_, {}, [](const auto& entry) { return entry.second.came; }));
}

std::vector<SourceStatus> SourceReports::List() const {
  const std::lock_guard lock(mutex_);
  const Time now = clock_();
  std::vector<SourceStatus> list;
  for (const auto& [source, kept] : kept_) {
    const std::chrono::duration<double> age = now - kept.came;
    list.push_back(StatusAfter(age.count(), source, kept.report));
  }
  return list;
}

}  // namespace sluice::control
