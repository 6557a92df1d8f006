// The packet buffers of blasts. When a blast ends, the send queue still holds some of them, until
// later packets push them out: a pool is freed once all its buffers are back.
#pragma once

#include <absl/status/statusor.h>

#include <cstdint>
#include <vector>

struct rte_mempool;

namespace sluice::pktgen {

// Not thread-safe. Outlives the ports.
class BlastPools {
 public:
  BlastPools() = default;
  ~BlastPools();
  BlastPools(const BlastPools&) = delete;
  BlastPools& operator=(const BlastPools&) = delete;

  // A FIFO of some thousand buffers for frames of `frame_size` bytes, a multiple of `flows`.
  // Errors: ResourceExhausted.
  absl::StatusOr<rte_mempool*> Make(uint64_t flows, uint16_t frame_size);
  void Retire(rte_mempool* pool) { retired_.push_back(pool); }

 private:
  void FreeFullOnes();

  unsigned made_ = 0;
  std::vector<rte_mempool*> retired_;
};

}  // namespace sluice::pktgen
