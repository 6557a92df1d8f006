// The HTTP side of the watcher's status: /metrics, /readyz, /status.
#pragma once

#include <absl/status/statusor.h>

#include <memory>
#include <string>

#include "control/page_server.h"
#include "control/watcher/metrics.h"
#include "control/watcher/status_board.h"

namespace sluice::control {

// PageServer::Start's, with its errors. `board` and `metrics` must outlive the server.
absl::StatusOr<std::unique_ptr<PageServer>> StartStatusServer(const std::string& address,
                                                              const StatusBoard& board,
                                                              const WatcherMetrics& metrics);

}  // namespace sluice::control
