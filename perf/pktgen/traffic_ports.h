// The two virtio-user ports of a traffic run, and their buffers.
//
// What is sent comes from a pool of its own, whose buffers are zeros but for what TrafficFrame
// writes at their beginning. Its buffers are used over and over, the last one back first: they stay
// in the cache.
#pragma once

#include <absl/status/statusor.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <string>

#include "perf/pktgen/virtio_port.h"

struct rte_mempool;

namespace sluice::pktgen {

struct TrafficPortsConfig {
  std::string from, to;  // sockets
  bool server = false;   // they are ours, and the switch connects
  MacAddress from_mac, to_mac;
  std::string more;             // arguments of both devices
  uint16_t frame_most = 1'518;  // bytes without FCS
  bool tso = false;             // ask for TCP segmentation and checksums to be the peer's work
};

class TrafficPorts {
 public:
  // Waits for both links, at most `timeout`. Errors: DeadlineExceeded; Aborted if `stop` was set;
  // ResourceExhausted; VirtioPort::Open's.
  static absl::StatusOr<std::unique_ptr<TrafficPorts>> Open(const TrafficPortsConfig& config,
                                                            std::chrono::seconds timeout,
                                                            const std::atomic<bool>& stop);
  ~TrafficPorts();

  VirtioPort& from() { return *from_; }
  VirtioPort& to() { return *to_; }
  rte_mempool* pool() { return send_pool_; }
  uint16_t frame_most() const { return config_.frame_most; }
  bool tso() const { return config_.tso; }

 private:
  explicit TrafficPorts(const TrafficPortsConfig& config) : config_(config) {}
  absl::Status MakePools();

  TrafficPortsConfig config_;
  rte_mempool* send_pool_ = nullptr;
  rte_mempool* receive_pool_ = nullptr;
  std::unique_ptr<VirtioPort> from_, to_;
};

}  // namespace sluice::pktgen
