// All TCP connections and listeners of one pod: which segment belongs to which.
//
// Addresses meet ports here; one connection's state is TcpConnection's, frames are HostStack's.
#pragma once

#include <absl/container/flat_hash_map.h>
#include <absl/container/flat_hash_set.h>

#include <functional>
#include <memory>
#include <random>
#include <utility>

#include "perf/pktgen/tcp_connection.h"

namespace sluice::pktgen {

class TcpEndpoint {
 public:
  using Send = std::function<void(const IpAddress& src, const IpAddress& dst, const TcpSegment&)>;

  // `seed` decides initial sequence numbers.
  TcpEndpoint(Send send, uint64_t seed) : send_(std::move(send)), random_(seed) {}

  // Connections to `port` are taken and send back what they receive. False if it listens already.
  bool Listen(uint16_t port) { return listeners_.insert(port).second; }

  // Sends a SYN. The connection lives until released and closed.
  TcpConnection* Connect(const IpAddress& local, uint16_t local_port, const IpAddress& remote,
                         uint16_t remote_port, uint64_t now_ns);
  void Release(const TcpConnection* connection);
  bool UsesPort(uint16_t local_port) const;

  // `frame` is of a TCP kind, intact, and to one of the pod's addresses. What belongs to no
  // connection and no listener is reset.
  void Receive(const ParsedFrame& frame, uint64_t now_ns);
  void Tick(uint64_t now_ns);

 private:
  struct Key {
    IpAddress local, remote;
    uint16_t local_port = 0, remote_port = 0;
    bool operator==(const Key&) const = default;
    template <typename H>
    friend H AbslHashValue(H h, const Key& k) {
      return H::combine(std::move(h), k.local, k.remote, k.local_port, k.remote_port);
    }
  };
  struct Entry {
    std::unique_ptr<TcpConnection> connection;
    bool held = false;    // by the caller of Connect
    bool serves = false;  // accepted by a listener
  };

  Entry& Add(const Key& key);
  void Refuse(const Key& key, const TcpSegment& segment);

  Send send_;
  std::mt19937_64 random_;
  absl::flat_hash_set<uint16_t> listeners_;
  absl::flat_hash_map<Key, Entry> connections_;
};

}  // namespace sluice::pktgen
