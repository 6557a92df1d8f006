// A tap port: the switch's end of a network interface whose other end is a kernel's.
//
// Without DPDK's net_tap: that driver takes one of the few ethdevs (RTE_MAX_ETHPORTS, 32 in
// Debian's build) and tells its queues of no MTU above 1500. Here checksums and large TCP frames
// are carried through both ways (virtio_header.h), so that two kernels move 64 KiB a system call.
#pragma once

#include <absl/status/statusor.h>
#include <sys/uio.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>

#include "dataplane/tap_interface.h"
#include "dataplane/tap_watch.h"
#include "dataplane/tx_ports.h"
#include "dataplane/virtio_header.h"

struct rte_mbuf;
struct rte_mempool;

namespace sluice::dataplane {

struct TapPortConfig {
  TapInterface interface;
  rte_mempool* pool = nullptr;  // for what is received
  TxPort* tx = nullptr;         // is told what the kernel takes; null: nobody wants to know
  TapWatch* watch = nullptr;    // null: every look for packets asks the kernel
};

class TapPort {
 public:
  // In the thread's network namespace. What `config` points to outlives the port. Errors as
  // OpenTap's and TapWatch::Watch's.
  static absl::StatusOr<std::unique_ptr<TapPort>> Open(const TapPortConfig& config);
  // Nobody calls Receive or Send any more. The interface goes, unless it stays.
  ~TapPort();
  TapPort(const TapPort&) = delete;
  TapPort& operator=(const TapPort&) = delete;

  // As PortIo's.
  uint16_t Receive(rte_mbuf** mbufs, uint16_t count);
  uint16_t Send(rte_mbuf** mbufs, uint16_t count);

  // The interface is there and up, wherever it has been moved to. Any thread.
  bool LinkUp() const;

 private:
  // The largest frame, to be cut, in buffers of the usual size; and a few more of what is written.
  static constexpr unsigned kRoom = 33, kMaxPieces = 64;
  static constexpr unsigned kPatience = 64;  // looks in a row that find nothing, until it rests

  TapPort(const TapPortConfig& config, int fd);
  bool MakeRoom();
  void GiveRoomBack();
  rte_mbuf* Read();
  rte_mbuf* Take(uint32_t length);
  bool Write(const rte_mbuf& mbuf);
  void Rest();

  const TapPortConfig config_;
  const int fd_;
  std::optional<TapWatch::Id> watched_;
  std::atomic<bool> readable_{true};

  // The reader's.
  unsigned empty_looks_ = 0;
  bool gone_ = false;  // somebody removed the interface
  VirtioHeader header_;
  unsigned missing_ = kRoom;                // buffers that room_ lacks, at its begin
  std::array<rte_mbuf*, kRoom> room_{};     // between two calls of Receive: none
  std::array<iovec, kRoom + 1> vectors_{};  // the header, then the buffers
};

}  // namespace sluice::dataplane
