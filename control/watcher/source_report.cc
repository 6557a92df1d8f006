#include "control/watcher/source_report.h"

#include <algorithm>
#include <chrono>
#include <string>
#include <string_view>

#include "control/kube/one_line.h"

namespace sluice::control {
namespace {

std::string Text(std::string_view text) { return OneLine(text.substr(0, kMaxReportedText)); }

SourceReport::Kind ToKind(const StatusReport::Kind& kind) {
  return {kind.name,          std::string(NameOf(kind.status.state)),
          kind.status.known,  kind.objects,
          kind.heard_seconds, Text(kind.status.problem)};
}

Refusal ToRefusal(const Refusal& refusal) {
  const auto& [space, name] = refusal.key.name;
  return {{refusal.key.kind, {Text(space), Text(name)}}, Text(refusal.field), Text(refusal.reason)};
}

}  // namespace

SourceReport ToSourceReport(const StatusReport& status) {
  SourceReport report;
  for (const std::string& reason : status.not_ready) report.not_ready.push_back(Text(reason));
  for (const StatusReport::Kind& kind : status.kinds) report.kinds.push_back(ToKind(kind));
  report.version = status.push.version;
  report.epoch = status.push.epoch;
  if (!status.push.version.empty()) report.acknowledged_seconds = status.acknowledged_seconds_ago;
  if (status.push.newest_changes) {
    report.in_force_seconds = std::chrono::duration<double>(*status.push.newest_changes).count();
  }
  report.pending_changes = status.pending;
  const size_t listed = std::min(status.refused.size(), kMaxReportedRefusals);
  for (size_t i = 0; i < listed; ++i) report.refused.push_back(ToRefusal(status.refused[i]));
  report.refused_objects = status.refused.size();
  return report;
}

}  // namespace sluice::control
