// The gRPC server: all services, health and reflection on one unix socket.
#pragma once

#include <absl/status/statusor.h>

#include <memory>
#include <string>

#include "control/controller.h"
#include "control/daemon_facts.h"
#include "control/monitor.h"
#include "control/source_reports.h"
#include "dataplane/switch.h"

namespace sluice::control {

class Server {
 public:
  // Serves when it returns. `listen` is unix:///PATH; the socket is its owner's only. The other
  // arguments must outlive the server. Errors: ParseListenAddress', PrepareSocketPath's,
  // Unavailable if gRPC cannot listen.
  static absl::StatusOr<std::unique_ptr<Server>> Start(const std::string& listen,
                                                       Controller& controller,
                                                       dataplane::Switch& data_plane,
                                                       Monitor& monitor, const DaemonFacts& facts,
                                                       SourceReports& sources);
  // Takes no new calls, gives running ones a second, removes the socket. The controller must still
  // answer.
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

 private:
  struct Impl;
  explicit Server(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace sluice::control
