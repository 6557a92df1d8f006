#include "perf/pktgen/blast_pools.h"

#include <fmt/core.h>
#include <rte_mbuf.h>
#include <rte_mempool.h>

#include <string>

namespace sluice::pktgen {
namespace {

constexpr uint64_t kMinBuffers = 4'096;

// A multiple of the flows, so that each has as many buffers as any other.
unsigned BufferCount(uint64_t flows) {
  return static_cast<unsigned>(flows * ((kMinBuffers + flows - 1) / flows));
}

}  // namespace

BlastPools::~BlastPools() {
  for (rte_mempool* pool : retired_) rte_mempool_free(pool);
}

absl::StatusOr<rte_mempool*> BlastPools::Make(uint64_t flows, uint16_t frame_size) {
  FreeFullOnes();
  const unsigned count = BufferCount(flows);
  const std::string name = fmt::format("blast{}", made_++);
  const auto room = static_cast<uint16_t>(RTE_PKTMBUF_HEADROOM + frame_size);
  // Without cache: that would be a stack, which uses few of the buffers over and over. One thread
  // takes and gives back.
  rte_mempool* pool =
      rte_pktmbuf_pool_create_by_ops(name.c_str(), count, /*cache_size=*/0,
                                     /*priv_size=*/0, room, SOCKET_ID_ANY, "ring_sp_sc");
  if (pool != nullptr) return pool;
  return absl::ResourceExhaustedError(
      fmt::format("blast: no memory for {} buffers of {} bytes", count, room));
}

void BlastPools::FreeFullOnes() {
  std::erase_if(retired_, [](rte_mempool* pool) {
    const bool full = rte_mempool_full(pool) == 1;
    if (full) rte_mempool_free(pool);
    return full;
  });
}

}  // namespace sluice::pktgen
