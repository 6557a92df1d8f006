#include "dataplane/packet_pool.h"

#include <fmt/core.h>
#include <rte_errno.h>
#include <rte_mbuf.h>

namespace sluice::dataplane {

constexpr unsigned kPerLcoreCache = 256;

static_assert((sizeof(rte_mbuf) + RTE_PKTMBUF_HEADROOM + kDataRoom) % RTE_CACHE_LINE_SIZE != 0,
              "the pool leaves a gap");

absl::StatusOr<PacketPool> PacketPool::Create(const std::string& name, unsigned buffers,
                                              uint16_t data_room) {
  const unsigned cache = buffers >= 8 * kPerLcoreCache ? kPerLcoreCache : 0;
  PacketPool pool;
  pool.pool_ = rte_pktmbuf_pool_create(name.c_str(), buffers, cache, 0,
                                       static_cast<uint16_t>(RTE_PKTMBUF_HEADROOM + data_room),
                                       SOCKET_ID_ANY);
  if (pool.pool_ == nullptr) {
    return absl::ResourceExhaustedError(
        fmt::format("packet buffers: {} of {} bytes do not fit into DPDK's memory: {}", buffers,
                    data_room, rte_strerror(rte_errno)));
  }
  return pool;
}

unsigned PacketPool::in_use() const { return rte_mempool_in_use_count(pool_); }

unsigned PacketPool::size() const { return pool_->size; }

PacketPool::~PacketPool() { rte_mempool_free(pool_); }

}  // namespace sluice::dataplane
