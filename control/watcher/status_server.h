// The HTTP side of the watcher's status: /metrics, /readyz, /status. Plain and read-only; meant for
// the loopback address, or for a pod's own.
#pragma once

#include <absl/status/statusor.h>

#include <memory>
#include <string>

#include "control/watcher/metrics.h"
#include "control/watcher/status_board.h"

namespace sluice::control {

class StatusServer {
 public:
  // Serves when it returns. `address` is HOST:PORT; port 0 is any. The others must outlive the
  // server. Errors: InvalidArgument, Unavailable.
  static absl::StatusOr<std::unique_ptr<StatusServer>> Start(const std::string& address,
                                                             const StatusBoard& board,
                                                             const WatcherMetrics& metrics);
  ~StatusServer();
  StatusServer(const StatusServer&) = delete;
  StatusServer& operator=(const StatusServer&) = delete;

  int port() const;

 private:
  struct Impl;
  explicit StatusServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace sluice::control
