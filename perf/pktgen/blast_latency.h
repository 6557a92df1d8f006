// How long the packets of a blast are under way: from the send queue to the receive queue, by
// stamps that they carry.
//
// One thread sends and receives, and may be stopped by its machine for a while. What arrives after
// such a gap has waited for us, not for the switch: packets that were under way during a gap are
// counted apart, and not measured.
#pragma once

#include <cstdint>
#include <vector>

#include "perf/pktgen/frame.h"
#include "perf/pktgen/operation.h"

namespace sluice::pktgen {

class BlastLatency {
 public:
  static constexpr size_t kStampSize = 16;      // bytes of the payload
  static constexpr unsigned kSampleEvery = 16;  // packets that arrive

  // Of the TSC.
  explicit BlastLatency(uint64_t cycles_per_second);

  // Into a payload of zeros, or over another stamp. Its checksum stays what it was.
  static void Stamp(uint8_t* payload, uint64_t tsc);

  // Before what arrived until `tsc` is taken. The first look ends no gap.
  void Look(uint64_t tsc);
  // A payload that arrived; one without a stamp says nothing.
  void Take(Bytes payload);

  // Microseconds `p50`, `p99`, `p999`, `max` (none without a sample), and the numbers of `samples`
  // and of those that `waited` for us.
  Json Answer() const;

 private:
  const double cycles_per_us_;
  uint64_t last_look_ = 0, gap_end_ = 0;
  uint64_t arrived_ = 0, waited_ = 0;
  std::vector<uint32_t> samples_;  // cycles
};

}  // namespace sluice::pktgen
