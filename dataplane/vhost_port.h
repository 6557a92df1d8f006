// A vhost-user port: its socket, the peer that is connected to it, and the peer's rings.
//
// On DPDK's vhost library, without an ethdev in between: those are few (RTE_MAX_ETHPORTS, 32 in
// Debian's build), and pods on a node are not. The library's own thread calls when a peer comes,
// goes, or switches a queue on or off. What workers need of that is one word, read with every
// burst; when a peer goes, the library's thread waits a grace period before the rings go.
#pragma once

#include <absl/status/statusor.h>

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "dataplane/quiescence.h"
#include "dataplane/tx_ports.h"

struct rte_mbuf;
struct rte_mempool;

namespace sluice::dataplane {

enum class VhostRole : uint8_t { kServer, kClient };  // of the socket

struct VhostPortConfig {
  std::string path;  // of the socket
  VhostRole role = VhostRole::kServer;
  uint8_t queues = 1;             // pairs that are read and written; a peer may have more
  rte_mempool* pool = nullptr;    // for what is received
  TxPort* tx = nullptr;           // is told what the peer takes; null: nobody wants to know
  Quiescence* readers = nullptr;  // the threads that call Receive and Send; null: none does
};

class VhostPort {
 public:
  // Makes the socket, or begins to look for it. What `config` points to outlives the port. Errors:
  // Internal naming the step of the library's that failed.
  static absl::StatusOr<std::unique_ptr<VhostPort>> Open(const VhostPortConfig& config);
  // Cuts the peer off, and removes a server's socket. Nobody calls Receive or Send any more.
  ~VhostPort();
  VhostPort(const VhostPort&) = delete;
  VhostPort& operator=(const VhostPort&) = delete;

  // As PortIo's. By readers that are online.
  uint16_t Receive(uint16_t queue, rte_mbuf** mbufs, uint16_t count);
  uint16_t Send(uint16_t queue, rte_mbuf** mbufs, uint16_t count);

  // A peer is connected, and its rings are set up. Any thread.
  bool LinkUp() const { return peer_.load(std::memory_order_relaxed).id != kNobody; }

  // What the library's thread calls, for the peer `id`. One is served at a time, the first that is
  // ready; others that connect to the socket wait for their turn.
  void PeerReady(int id);
  void PeerGone(int id);
  void RingSwitched(int id, uint16_t ring, bool on);

 private:
  static constexpr int32_t kNobody = -1;
  // Who is served, as one word.
  struct Peer {
    int32_t id = kNobody;   // the library's
    uint16_t readable = 0;  // queues that it sends by, a bit each
    uint16_t writable = 0;  // queues that it receives by
  };
  static_assert(std::atomic<Peer>::is_always_lock_free);
  struct Connected {
    bool ready = false;  // rings may be on before it is
    uint16_t readable = 0, writable = 0;
  };

  explicit VhostPort(const VhostPortConfig& config) : config_(config) {}
  void Serve();
  void Silence(int id, uint16_t queue);

  const VhostPortConfig config_;
  std::atomic<Peer> peer_{Peer{}};
  // Queues whose peer still wakes us for what it adds, a bit each. We poll: it need not.
  std::atomic<uint16_t> to_silence_{0};
  bool registered_ = false;
  std::mutex mutex_;                // guards what is below
  std::map<int, Connected> peers_;  // by the library's number
};

}  // namespace sluice::dataplane
