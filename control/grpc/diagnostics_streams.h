// The streams of the DiagnosticsService: what goes on, for as long as the caller listens.
#pragma once

#include <grpcpp/server_context.h>
#include <grpcpp/support/sync_stream.h>

#include "control/daemon_facts.h"
#include "control/monitor.h"
#include "dataplane/switch.h"
#include "sluice/v1/diagnostics.grpc.pb.h"

namespace sluice::control {

// Each holds its thread until the caller leaves or the server stops. Errors: InvalidArgument (a
// kind or interval that is none), Monitor::Subscribe's.
grpc::Status StreamEvents(Monitor& monitor, grpc::ServerContext& context,
                          const v1::MonitorRequest& request,
                          grpc::ServerWriter<v1::MonitorResponse>& writer);
grpc::Status StreamLoad(dataplane::Switch& data_plane, const DaemonFacts& facts,
                        grpc::ServerContext& context, const v1::WatchLoadRequest& request,
                        grpc::ServerWriter<v1::LoadSample>& writer);

}  // namespace sluice::control
