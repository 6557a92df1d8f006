// A vhost-user port: its socket, the peers that are connected to it, and the rings of the one that
// is served.
//
// On DPDK's vhost library, without an ethdev in between: those are few (RTE_MAX_ETHPORTS, 32 in
// Debian's build), and pods on a node are not. The library's own thread calls when a peer comes,
// goes, or switches a ring on or off (vhost_library.h). What workers need of that is one word, read
// with every burst; when a peer goes, that thread waits a grace period before the rings go.
//
// A peer is not trusted: it may send anything, stop in the middle of a message (peer_sockets.h), or
// take its memory away (peer_memory.h), and harms its own port alone.
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
  uint8_t queues = 1;             // pairs that a peer may have
  rte_mempool* pool = nullptr;    // for what is received
  TxPort* tx = nullptr;           // is told what the peer takes; null: nobody wants to know
  Quiescence* readers = nullptr;  // the threads that call Receive and Send; null: none does
};

class VhostPort {
 public:
  // A restarted pod may be here before its predecessor's connection is seen to be gone.
  static constexpr size_t kMaxPeers = 2;

  // Makes the socket, or begins to look for it. What `config` points to outlives the port. Errors:
  // Internal naming the step of the library's that failed.
  static absl::StatusOr<std::unique_ptr<VhostPort>> Open(const VhostPortConfig& config);
  // Cuts the peers off, and removes a server's socket. Nobody calls Receive or Send any more.
  ~VhostPort();
  VhostPort(const VhostPort&) = delete;
  VhostPort& operator=(const VhostPort&) = delete;

  const VhostPortConfig& config() const { return config_; }

  // As PortIo's. By readers that are online.
  uint16_t Receive(uint16_t queue, rte_mbuf** mbufs, uint16_t count);
  uint16_t Send(uint16_t queue, rte_mbuf** mbufs, uint16_t count);

  // A peer is served. Any thread.
  bool LinkUp() const { return peer_.load(std::memory_order_relaxed).id != kNobody; }

  // What the library calls for the peer `id`, which is its number. Of those that are ready the
  // newest is served. False: there are too many already.
  bool PeerConnected(int id);
  void PeerReady(int id);
  void PeerStopped(int id);
  void PeerGone(int id);
  void RingSwitched(int id, uint16_t ring, bool on);
  // Its memory is gone: it is not served any more. From a signal handler.
  void CutOff(int id);

 private:
  static constexpr int32_t kNobody = -1;
  // Who is served, as one word.
  struct Peer {
    int32_t id = kNobody;
    uint16_t readable = 0;  // queues that it sends by, a bit each
    uint16_t writable = 0;  // queues that it receives by
  };
  static_assert(std::atomic<Peer>::is_always_lock_free);
  struct Connected {
    uint64_t ready = 0;  // the how manieth to be so; 0: it is not
    uint16_t readable = 0, writable = 0;
  };

  explicit VhostPort(const VhostPortConfig& config) : config_(config) {}
  void Change();
  std::map<int, Connected>::const_iterator Chosen() const;
  void Publish();
  void Silence(int id, uint16_t queue);

  const VhostPortConfig config_;
  std::atomic<Peer> peer_{Peer{}};
  // Queues whose peer still wakes us for what it adds, a bit each. We poll: it need not.
  std::atomic<uint16_t> to_silence_{0};
  std::atomic<int> cut_off_{kNobody};
  bool registered_ = false;
  std::mutex mutex_;                // guards what is below
  std::map<int, Connected> peers_;  // by the library's number
  uint64_t ready_count_ = 0;
  int served_ = kNobody;  // by what was published last
};

}  // namespace sluice::dataplane
