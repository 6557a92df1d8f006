// The commands of `sluice-pktgen traffic`, one after the other on one pair of ports: a line of JSON
// in, one out (perf/pktgen/README.md). Between commands it waits for input and uses no core.
#pragma once

#include <absl/status/statusor.h>

#include <atomic>
#include <string_view>

#include "perf/pktgen/operation.h"
#include "perf/pktgen/traffic_ports.h"
#include "perf/pktgen/traffic_request.h"

namespace sluice::pktgen {

class TrafficSession {
 public:
  TrafficSession(const TrafficPortsConfig& config, TrafficPorts& ports)
      : config_(config), ports_(ports) {}

  // The answer to one line, which is untrusted; blocks while the traffic runs.
  Json Answer(std::string_view line, const std::atomic<bool>& stop);
  bool quit() const { return quit_; }  // asked for

 private:
  absl::StatusOr<Json> Carry(const Json& command, const std::atomic<bool>& stop);
  Json Run(const TrafficRequest& request, const std::atomic<bool>& stop);
  Json Search(const TrafficRequest& request, const std::atomic<bool>& stop);
  Json Tcp(const TrafficRequest& request, bool open_only, const std::atomic<bool>& stop);

  const TrafficPortsConfig config_;
  TrafficPorts& ports_;
  uint32_t next_new_ = 0;  // flows that were new are not again
  bool quit_ = false;
};

}  // namespace sluice::pktgen
