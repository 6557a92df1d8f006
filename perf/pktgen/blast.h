// UDP load between two pods of this process: sent and received by the one polling thread.
//
// The frames are written once, checksums and all, into the buffers of a pool without cache. The
// pool is a FIFO, so the flows go out in turn, and sending costs no write to the frame.
#pragma once

#include <absl/status/statusor.h>

#include <array>
#include <memory>
#include <optional>

#include "perf/pktgen/blast_latency.h"
#include "perf/pktgen/blast_pools.h"
#include "perf/pktgen/commands.h"
#include "perf/pktgen/pod.h"

namespace sluice::pktgen {

class Blast final : public Operation {
 public:
  // The others outlive it. Errors: InvalidArgument (size below the headers and, for latency, a
  // stamp), ResourceExhausted (no memory for the buffers).
  static absl::StatusOr<std::unique_ptr<Blast>> Create(const BlastRequest& request, Pod& from,
                                                       Pod& to, BlastPools& pools);
  ~Blast() override;
  Blast(const Blast&) = delete;
  Blast& operator=(const Blast&) = delete;

  // Some thousand packets each time.
  bool Step(uint64_t now_ns) override;
  Json Answer() const override;
  bool reached() const override { return sink_.received > 0; }

 private:
  enum class Phase : uint8_t { kResolving, kSending, kDraining };

  Blast(const BlastRequest& request, Pod& from, Pod& to, BlastPools& pools)
      : request_(request), from_(from), to_(to), pools_(pools) {}
  void Start(const MacAddress& mac);
  bool StepSending(uint64_t now_ns);
  bool StepDraining(uint64_t now_ns);
  void Send(uint64_t tsc);
  void Stamp(std::span<rte_mbuf* const> packets) const;
  void Receive(uint64_t now_ns);
  uint64_t Allowed(uint64_t tsc) const;  // packets that may have been sent by now
  void Count();

  BlastRequest request_;
  Pod& from_;
  Pod& to_;
  BlastPools& pools_;
  Phase phase_ = Phase::kResolving;
  std::optional<uint64_t> resolve_deadline_ns_;
  rte_mempool* pool_ = nullptr;
  BlastSink sink_;
  std::optional<BlastLatency> latency_;
  uint16_t frame_size_ = 0;
  std::array<rte_mbuf*, VirtioPort::kBurst> burst_{};
  uint16_t burst_first_ = 0, burst_end_ = 0;  // what of burst_ is still to be sent
  uint64_t start_tsc_ = 0, stop_tsc_ = 0, end_tsc_ = 0, last_receive_tsc_ = 0;
  uint64_t sent_ = 0;
};

}  // namespace sluice::pktgen
