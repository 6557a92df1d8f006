// The mempool that all receive queues draw from: move-only, freed at the end.
#pragma once

#include <absl/status/statusor.h>

#include <string>
#include <utility>

struct rte_mempool;

namespace sluice::dataplane {

class PacketPool {
 public:
  PacketPool() = default;
  // `buffers` of one standard frame each (2 KiB of data room and headroom). Errors:
  // ResourceExhausted with the figure.
  static absl::StatusOr<PacketPool> Create(const std::string& name, unsigned buffers);

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

 private:
  rte_mempool* pool_ = nullptr;
};

}  // namespace sluice::dataplane
