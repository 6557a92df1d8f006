// What the plugin asks of sluiced.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <chrono>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "dataplane/port_spec.h"

namespace sluice::cni {

struct PortState {
  dataplane::PortSpec spec;
  bool is_known = false;  // the pod behind it, so that its policy is in force
};

struct DaemonState {
  unsigned workers = 0;
  unsigned packet_buffers = 0, buffers_in_use = 0;
  std::string last_error;  // of the newest build, if it is not in force
  std::set<std::string> networks;
  uint64_t epoch = 0;                      // that every worker runs
  unsigned ports = 0, port_slots = 0;      // of those that there can be; 0: it does not say
  unsigned devices = 0, device_slots = 0;  // DPDK's, likewise
};

// Errors of every call: the daemon's own, in its words; Unavailable or DeadlineExceeded "sluiced at
// SERVER: ..." if it is not there or does not answer in time.
class DaemonClient {
 public:
  virtual ~DaemonClient() = default;

  // Answers with the epoch when every worker judges the port by its pod's policy, or takes the port
  // away again after `policy_timeout`: DeadlineExceeded says what is missing.
  virtual absl::StatusOr<uint64_t> AddPort(const dataplane::PortSpec& spec,
                                           std::chrono::milliseconds policy_timeout) = 0;
  // A port that is not there is no error.
  virtual absl::Status DeletePort(const std::string& name) = 0;
  virtual absl::StatusOr<std::vector<PortState>> ListPorts() = 0;
  virtual absl::StatusOr<DaemonState> State() = 0;
};

// `server` is unix:PATH. A call that takes longer than `limit`, beside what it is told to wait,
// fails.
std::unique_ptr<DaemonClient> MakeDaemonClient(const std::string& server,
                                               std::chrono::milliseconds limit);

}  // namespace sluice::cni
