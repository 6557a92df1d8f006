// AddPort as a call that holds no thread while it waits: of those, the calls that would end the
// wait need some, too.
#pragma once

#include <grpcpp/support/server_callback.h>

#include "control/controller.h"
#include "sluice/v1/port.pb.h"

namespace sluice::control {

// Answers when the controller has, or with CANCELLED when the caller is gone or the server stops;
// the controller goes on then. `controller` outlives the call, the messages are gRPC's.
grpc::ServerUnaryReactor* StartAddPort(Controller& controller, const v1::AddPortRequest& request,
                                       v1::AddPortResponse& response);

}  // namespace sluice::control
