// The watcher's status as sluiced keeps it (control/source_reports.h).
#pragma once

#include "control/source_reports.h"
#include "control/watcher/status_board.h"

namespace sluice::control {

inline constexpr size_t kMaxReportedRefusals = 100;
inline constexpr size_t kMaxReportedText = 1000;  // bytes of one text

// Each text is one line of UTF-8, whatever the API server and its objects say.
SourceReport ToSourceReport(const StatusReport& status);

}  // namespace sluice::control
