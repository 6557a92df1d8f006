// DaemonClient over gRPC.
#pragma once

#include <memory>
#include <string>

#include "control/watcher/daemon_client.h"

namespace sluice::control {

// `server` is unix:PATH. Calls that take longer than a minute fail.
std::unique_ptr<DaemonClient> MakeGrpcDaemonClient(const std::string& server,
                                                   const std::string& source);

}  // namespace sluice::control
