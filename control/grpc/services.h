// The services of sluice.v1. Each is thin: protobuf -> command or view -> protobuf.
//
// Handlers run on gRPC's threads. What changes something waits for the control thread; what only
// reads answers from the controller's view and the Switch's const readers.
#pragma once

#include <memory>

#include "control/controller.h"
#include "control/daemon_facts.h"
#include "control/monitor.h"
#include "control/source_reports.h"
#include "dataplane/switch.h"

namespace grpc {
class Service;
}

namespace sluice::control {

// The arguments must outlive the service.
std::unique_ptr<grpc::Service> MakePolicyService(Controller& controller);
std::unique_ptr<grpc::Service> MakePortService(Controller& controller,
                                               const dataplane::Switch& data_plane,
                                               const DaemonFacts& facts);
std::unique_ptr<grpc::Service> MakeNetworkService(Controller& controller);
std::unique_ptr<grpc::Service> MakeDiagnosticsService(Controller& controller,
                                                      dataplane::Switch& data_plane,
                                                      Monitor& monitor, const DaemonFacts& facts,
                                                      const SourceReports& sources);
std::unique_ptr<grpc::Service> MakeSourceService(const Controller& controller,
                                                 SourceReports& reports);

}  // namespace sluice::control
