#include "control/event_kind.h"

#include <fmt/core.h>

namespace sluice::control {
namespace {

using dataplane::EventKind;

struct KindRow {
  const char* name;
  EventKind kind;
};
constexpr KindRow kRows[] = {{"new", EventKind::kNew},           {"closed", EventKind::kClosed},
                             {"denied", EventKind::kDenied},     {"rejected", EventKind::kRejected},
                             {"observed", EventKind::kObserved}, {"audited", EventKind::kAudited},
                             {"judged", EventKind::kJudged},     {"alerted", EventKind::kAlerted}};

}  // namespace

const char* EventKindName(EventKind kind) {
  for (const KindRow& row : kRows) {
    if (row.kind == kind) return row.name;
  }
  return "";
}

absl::StatusOr<EventKind> ParseEventKind(std::string_view name) {
  for (const KindRow& row : kRows) {
    if (row.name == name) return row.kind;
  }
  return absl::InvalidArgumentError(fmt::format(
      "\"{}\" is not new, closed, denied, rejected, observed, audited, judged or alerted", name));
}

}  // namespace sluice::control
