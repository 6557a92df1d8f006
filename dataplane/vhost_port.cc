#include "dataplane/vhost_port.h"

#include <fmt/core.h>
#include <rte_branch_prediction.h>
#include <rte_mbuf.h>
#include <rte_vhost.h>

#include <algorithm>
#include <array>
#include <bit>
#include <climits>
#include <map>

namespace sluice::dataplane {
namespace {

// Feature bits of the receiving side (virtio 1.2, 5.1.3); <linux/virtio_net.h> is no C++.
constexpr unsigned kGuestChecksum = 1, kGuestTso4 = 7, kGuestTso6 = 8, kGuestUfo = 10;

// The rings of a queue pair, as the peer names them: what it receives by, and what it sends by.
constexpr uint16_t ReceiveRing(uint16_t queue) { return static_cast<uint16_t>(2 * queue); }
constexpr uint16_t SendRing(uint16_t queue) { return static_cast<uint16_t>(2 * queue + 1); }

// What the peer takes undone.
Offloads Negotiated(int peer) {
  uint64_t features = 0;
  if (rte_vhost_get_negotiated_features(peer, &features) != 0) return 0;
  const auto has = [features](unsigned bit) { return (features >> bit & 1) != 0; };
  if (!has(kGuestChecksum)) return 0;  // the others mean nothing without it
  unsigned takes = kOffloadChecksum;
  if (has(kGuestTso4)) takes |= kOffloadTcp4;
  if (has(kGuestTso6)) takes |= kOffloadTcp6;
  if (has(kGuestUfo)) takes |= kOffloadUdp;
  return static_cast<Offloads>(takes);
}

// The library's callbacks name a socket, and nothing of their registrant's.
class OpenPorts {
 public:
  void Add(const std::string& path, VhostPort* port) {
    const std::scoped_lock lock(mutex_);
    ports_[path] = port;
  }
  void Remove(const std::string& path) {
    const std::scoped_lock lock(mutex_);
    ports_.erase(path);
  }
  // The port that the peer is connected to. It stays for the length of a callback: to close it
  // waits for those that run. Null: none that is ours.
  VhostPort* Of(int peer) {
    std::array<char, PATH_MAX> path{};
    if (rte_vhost_get_ifname(peer, path.data(), path.size()) != 0) return nullptr;
    const std::scoped_lock lock(mutex_);
    const auto found = ports_.find(path.data());
    return found == ports_.end() ? nullptr : found->second;
  }

 private:
  std::mutex mutex_;
  std::map<std::string, VhostPort*> ports_;
};

OpenPorts& Ports() {
  static OpenPorts ports;
  return ports;
}

int OnNewDevice(int peer) {
  VhostPort* port = Ports().Of(peer);
  if (port == nullptr) return -1;
  port->PeerReady(peer);
  return 0;
}

void OnDestroyDevice(int peer) {
  if (VhostPort* port = Ports().Of(peer)) port->PeerGone(peer);
}

int OnRingState(int peer, uint16_t ring, int on) {
  VhostPort* port = Ports().Of(peer);
  if (port == nullptr) return -1;
  port->RingSwitched(peer, ring, on != 0);
  return 0;
}

const rte_vhost_device_ops kCallbacks = {
    .new_device = OnNewDevice,
    .destroy_device = OnDestroyDevice,
    .vring_state_changed = OnRingState,
    .features_changed = nullptr,
    .new_connection = nullptr,
    // Rings that were switched on for a device that never became ready are forgotten, too.
    .destroy_connection = OnDestroyDevice,
    .guest_notified = nullptr,
    .reserved = {},
};

}  // namespace

absl::StatusOr<std::unique_ptr<VhostPort>> VhostPort::Open(const VhostPortConfig& config) {
  // The flags of a buffer say what the peer left undone, not what has been verified.
  uint64_t flags = RTE_VHOST_USER_NET_COMPLIANT_OL_FLAGS;
  if (config.role == VhostRole::kClient) flags |= RTE_VHOST_USER_CLIENT;
  const char* path = config.path.c_str();
  std::unique_ptr<VhostPort> port(new VhostPort(config));
  if (rte_vhost_driver_register(path, flags) != 0) {
    return absl::InternalError(fmt::format("the vhost library does not take {}", config.path));
  }
  port->registered_ = true;
  Ports().Add(config.path, port.get());
  if (rte_vhost_driver_callback_register(path, &kCallbacks) == 0 &&
      rte_vhost_driver_start(path) == 0) {
    return port;
  }
  return absl::InternalError(fmt::format("the vhost library does not start {}", config.path));
}

VhostPort::~VhostPort() {
  if (!registered_) return;
  rte_vhost_driver_unregister(config_.path.c_str());  // calls PeerGone for who is connected
  Ports().Remove(config_.path);
}

uint16_t VhostPort::Receive(uint16_t queue, rte_mbuf** mbufs, uint16_t count) {
  const Peer peer = peer_.load(std::memory_order_acquire);
  if ((peer.readable >> queue & 1) == 0) return 0;
  const uint16_t got =
      rte_vhost_dequeue_burst(peer.id, SendRing(queue), config_.pool, mbufs, count);
  const bool wakes = got > 0 && (to_silence_.load(std::memory_order_relaxed) >> queue & 1) != 0;
  if (unlikely(wakes)) Silence(peer.id, queue);
  return got;
}

// Not in RingSwitched: the library holds the ring's lock there.
void VhostPort::Silence(int id, uint16_t queue) {
  to_silence_.fetch_and(static_cast<uint16_t>(~(1u << queue)), std::memory_order_relaxed);
  rte_vhost_enable_guest_notification(id, SendRing(queue), 0);
  rte_vhost_enable_guest_notification(id, ReceiveRing(queue), 0);
}

uint16_t VhostPort::Send(uint16_t queue, rte_mbuf** mbufs, uint16_t count) {
  const Peer peer = peer_.load(std::memory_order_acquire);
  if ((peer.writable >> queue & 1) == 0) return 0;
  const uint16_t sent = rte_vhost_enqueue_burst(peer.id, ReceiveRing(queue), mbufs, count);
  rte_pktmbuf_free_bulk(mbufs, sent);  // they were copied
  return sent;
}

void VhostPort::PeerReady(int id) {
  const std::scoped_lock lock(mutex_);
  peers_[id].ready = true;
  Serve();
}

void VhostPort::PeerGone(int id) {
  {
    const std::scoped_lock lock(mutex_);
    if (peers_.erase(id) == 0) return;
    Serve();
  }
  if (config_.readers != nullptr) config_.readers->Wait();
}

void VhostPort::RingSwitched(int id, uint16_t ring, bool on) {
  const unsigned queue = ring / 2u;
  if (queue >= config_.queues) return;
  const std::scoped_lock lock(mutex_);
  Connected& peer = peers_[id];
  const bool sends = ring == SendRing(static_cast<uint16_t>(queue));
  uint16_t& queues = sends ? peer.readable : peer.writable;
  const auto bit = static_cast<uint16_t>(1u << queue);
  queues = static_cast<uint16_t>(on ? queues | bit : queues & ~bit);
  Serve();
}

// Publishes who is served: the same as before, as long as it is there.
void VhostPort::Serve() {
  const auto ready = [](const auto& peer) { return peer.second.ready; };
  auto served = peers_.find(peer_.load(std::memory_order_relaxed).id);
  if (served == peers_.end() || !ready(*served)) served = std::ranges::find_if(peers_, ready);
  const bool any = served != peers_.end();
  const Peer peer =
      any ? Peer{served->first, served->second.readable, served->second.writable} : Peer{};
  to_silence_.store(peer.readable, std::memory_order_relaxed);  // once more does no harm
  peer_.store(peer, std::memory_order_release);
  if (config_.tx == nullptr) return;
  config_.tx->takes = any ? Negotiated(peer.id) : Offloads{0};
  config_.tx->queues = static_cast<uint8_t>(std::max(1, std::countr_one(peer.writable)));
}

}  // namespace sluice::dataplane
