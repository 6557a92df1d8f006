// A daemon's insides with traffic: two pods on ring ports, a server on a unix socket, and frames
// put into the rings by hand.
//
// Pods default/a and default/b: ports "a" and "b", MAC 02:00:00:00:00:01 and :02, 10.0.0.1 and .2.
#pragma once

#include <grpcpp/channel.h>
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "control/controller.h"
#include "control/daemon_facts.h"
#include "control/grpc/server.h"
#include "control/monitor.h"
#include "control/source_reports.h"
#include "sluice/v1/diagnostics.grpc.pb.h"
#include "tests/support/frame.h"
#include "tests/support/temporary_directory.h"
#include "tests/unit/control/objects.h"
#include "tests/unit/control/switch_fixture.h"

struct rte_mempool;

namespace sluice::control {

class LiveSwitch : public ::testing::Test {
 protected:
  LiveSwitch();
  ~LiveSwitch() override;

  void Apply(std::vector<Object> objects);
  void Delete(const ObjectKey& key);
  void AwaitWhole();  // until what was edited has been built anew
  void AddPort(char pod);
  void DeletePort(char pod);

  // An IPv4 frame from pod to pod, to be completed.
  static test::Frame From(char from, char to);
  static test::Frame Syn(char from, char to, uint16_t port);
  // Into the pod's port; returns when a worker has taken it, and all before it.
  void Send(char pod, test::Frame frame);
  // Frames that came out of the pod's port since the last call.
  unsigned Received(char pod);

  v1::GetDropsResponse Drops();
  v1::DiagnosticsService::Stub& diagnostics() { return *diagnostics_; }

  mutable SwitchFixture fixture_;
  std::unique_ptr<Controller> controller_;
  DaemonFacts facts_;
  std::unique_ptr<Monitor> monitor_;
  SourceReports sources_{std::chrono::steady_clock::now};
  const test::TemporaryDirectory directory_;
  std::unique_ptr<Server> server_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<v1::DiagnosticsService::Stub> diagnostics_;

 private:
  uint64_t Taken(char pod) const;

  rte_mempool* pool_ = nullptr;
};

}  // namespace sluice::control
