#include "control/ctl/source_text.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <map>
#include <vector>

#include "control/grpc/source_convert.h"

namespace sluice::ctl {
namespace {

using control::SourceReport;

std::string Standing(const v1::SourceStatus& status, const SourceReport& report) {
  const char* state = report.not_ready.empty() ? "ready" : "NOT READY";
  if (status.age_seconds() > kSilentSeconds) {
    return fmt::format("SILENT FOR {:.0f} s (dead, or cut off), was {} then", status.age_seconds(),
                       state);
  }
  return state;
}

std::string InForce(const SourceReport& report) {
  if (!report.acknowledged_seconds) return "  nothing of it was acknowledged\n";
  std::string text = fmt::format("  version {} in force in epoch {}, acknowledged {:.1f} s ago",
                                 report.version, report.epoch, *report.acknowledged_seconds);
  if (report.in_force_seconds) {
    text += fmt::format(", newest change in force after {:.3f} s", *report.in_force_seconds);
  }
  if (report.pending_changes > 0) text += fmt::format(", {} not sent yet", report.pending_changes);
  return text + "\n";
}

// "  synced: pods, nodes": of each state, its kinds.
std::string KindsByState(const SourceReport& report) {
  std::map<std::string, std::vector<std::string>> kinds;
  for (const SourceReport::Kind& kind : report.kinds) {
    kinds[kind.state].push_back(fmt::format("{} {}", kind.objects, kind.name));
  }
  std::string text;
  for (const auto& [state, names] : kinds) {
    text += fmt::format("  {}: {}\n", state, fmt::join(names, ", "));
  }
  return text;
}

std::string Refused(const SourceReport& report) {
  std::string text;
  for (const control::Refusal& refusal : report.refused) {
    text += fmt::format("  refused: {}: {}{}{}\n", refusal.key.ToString(), refusal.field,
                        refusal.field.empty() ? "" : ": ", refusal.reason);
  }
  if (report.refused_objects > report.refused.size()) {
    text += fmt::format("  refused: {} more\n", report.refused_objects - report.refused.size());
  }
  return text;
}

}  // namespace

std::string SourceText(const v1::SourceStatus& status) {
  const SourceReport report = control::ToReport(status.report());
  std::string text =
      fmt::format("source {}: {}\n", status.source(), Standing(status, report)) + InForce(report);
  if (const auto heard = NewestHeardSeconds(report)) {
    text += fmt::format("  last told anything {:.1f} s ago\n", *heard);
  }
  text += KindsByState(report);
  for (const std::string& reason : report.not_ready) text += fmt::format("  {}\n", reason);
  return text + Refused(report);
}

}  // namespace sluice::ctl
