// The mempool that all receive queues draw from: move-only, freed at the end.
#pragma once

#include <absl/status/statusor.h>

#include <cstdint>
#include <string>
#include <utility>

struct rte_mempool;

namespace sluice::dataplane {

// One standard frame. Two bytes more than a whole number of cache lines, so that the pool leaves a
// gap behind each buffer: the vhost library (22.11) may write one byte beyond it, where a guest
// asks for a checksum at the very end of a full buffer (vhost_dequeue_offload).
inline constexpr uint16_t kDataRoom = 2048 + 2;

class PacketPool {
 public:
  PacketPool() = default;
  // `buffers` with `data_room` bytes each behind the headroom. Larger packets are chains; a device
  // that makes none needs more room. Errors: ResourceExhausted with the figure.
  static absl::StatusOr<PacketPool> Create(const std::string& name, unsigned buffers,
                                           uint16_t data_room = kDataRoom);

  PacketPool(PacketPool&& other) noexcept : pool_(std::exchange(other.pool_, nullptr)) {}
  PacketPool& operator=(PacketPool&& other) noexcept {
    std::swap(pool_, other.pool_);
    return *this;
  }
  ~PacketPool();

  rte_mempool* get() const { return pool_; }
  // Buffers that somebody has: a port, a stage, a fragment that waits. Any thread; walks the cores'
  // caches, and is exact only when nothing moves.
  unsigned in_use() const;
  unsigned size() const;  // buffers in all

 private:
  rte_mempool* pool_ = nullptr;
};

}  // namespace sluice::dataplane
