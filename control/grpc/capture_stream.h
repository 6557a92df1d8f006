// The stream of a capture: from the workers' rings to whoever asked for it.
#pragma once

#include <grpcpp/server_context.h>
#include <grpcpp/support/sync_stream.h>

#include "control/controller.h"
#include "dataplane/switch.h"
#include "sluice/v1/diagnostics.grpc.pb.h"

namespace sluice::control {

// Holds its thread until there is enough, the caller leaves or the server stops. Errors:
// MakeCaptureConfig's, InvalidArgument (count, duration), Switch::StartCapture's.
grpc::Status StreamCapture(const Controller& controller, dataplane::Switch& data_plane,
                           grpc::ServerContext& context, const v1::CaptureRequest& request,
                           grpc::ServerWriter<v1::CaptureResponse>& writer);

}  // namespace sluice::control
