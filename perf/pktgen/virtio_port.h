// A pod's end of a vhost-user or memif port: one DPDK net_virtio_user or net_memif device with one
// queue pair.
//
// Moves frames; what they mean is HostStack's. Not thread-safe: the polling thread owns it.
#pragma once

#include <absl/status/statusor.h>
#include <rte_mbuf.h>

#include <array>
#include <memory>
#include <span>
#include <string>

#include "perf/pktgen/frame.h"

namespace sluice::pktgen {

struct VirtioPortConfig {
  unsigned number = 0;  // of the device; distinct in the process
  std::string socket;
  bool server = false;  // we own the socket and the switch connects; else the other way round
  bool memif = false;   // interface 0 of the socket; else vhost-user
  MacAddress mac;
  std::string more;          // arguments of the device: "packed_vq=1,mrg_rxbuf=0"
  uint64_t offloads = 0;     // of sending, RTE_ETH_TX_OFFLOAD_*
  uint64_t rx_offloads = 0;  // of receiving, RTE_ETH_RX_OFFLOAD_*
};

class VirtioPort {
 public:
  static constexpr uint16_t kQueueSize = 256;
  static constexpr uint16_t kBurst = 64;

  // `pool` gives the packets received and must outlive the port. Errors: Unavailable if a client's
  // socket is not there yet (try again), InvalidArgument for a path DPDK cannot take, Internal with
  // DPDK's error.
  static absl::StatusOr<std::unique_ptr<VirtioPort>> Open(const VirtioPortConfig& config,
                                                          rte_mempool* pool);
  ~VirtioPort();
  VirtioPort(const VirtioPort&) = delete;
  VirtioPort& operator=(const VirtioPort&) = delete;

  // The switch is connected. For a virtio server this call also notices that the switch is gone,
  // and takes a new one's connection: call it now and then. Several microseconds.
  bool LinkUp() const;

  // Returns how many of `packets`, at most kBurst, were filled; they are the caller's now.
  uint16_t Receive(std::span<rte_mbuf*> packets);
  // Returns how many of `packets` the queue took; the rest stay the caller's.
  uint16_t SendBurst(std::span<rte_mbuf*> packets);
  // Copies `frame`; it leaves with the next Flush, or earlier.
  void Send(Bytes frame);
  void Flush();

  uint64_t packets() const { return packets_; }  // both ways, since Open
  uint64_t refused() const { return refused_; }  // by Send: full queue, no buffer, too long

 private:
  VirtioPort(uint16_t device, std::string name, rte_mempool* pool)
      : device_(device), name_(std::move(name)), pool_(pool) {}
  absl::Status Start(const VirtioPortConfig& config);

  uint16_t device_;
  std::string name_;
  rte_mempool* pool_;
  std::array<rte_mbuf*, kBurst> queued_{};
  uint16_t queued_count_ = 0;
  uint64_t packets_ = 0, refused_ = 0;
};

}  // namespace sluice::pktgen
