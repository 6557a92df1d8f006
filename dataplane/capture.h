// A capture of packets: one Recorder for each worker, and the one reader of them all.
//
// Made and read by a control thread; workers have it from Switch::StartCapture until StopCapture
// returns. No DPDK type in here.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "dataplane/captured_packet.h"

namespace sluice::dataplane {

class Recorder;

class Capture {
 public:
  Capture(const CaptureConfig& config, unsigned workers);
  ~Capture();
  Capture(const Capture&) = delete;
  Capture& operator=(const Capture&) = delete;

  // What has gathered, worker by worker: when it was, in ns since 1970, the packet and its first
  // bytes, valid until the visit returns. One thread.
  using Visit = std::function<void(uint64_t, const CapturedPacket&, std::span<const uint8_t>)>;
  void Drain(const Visit& visit);
  // Packets that were asked for and found no room, by the port that they would have been shown at.
  uint64_t LostAt(PortId port) const;
  // Bytes that wait in a worker's ring. Any thread.
  uint64_t level(unsigned worker) const;
  Recorder& recorder(unsigned worker) { return *recorders_[worker]; }

 private:
  uint64_t WallNs(uint64_t ticks) const;

  const uint64_t started_ticks_, started_ns_;
  std::vector<std::unique_ptr<Recorder>> recorders_;  // by worker
};

}  // namespace sluice::dataplane
