#include "dataplane/vhost_port.h"

#include <rte_branch_prediction.h>
#include <rte_mbuf.h>
#include <rte_vhost.h>

#include <algorithm>
#include <bit>

#include "dataplane/peer_memory.h"
#include "dataplane/vhost_library.h"

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

}  // namespace

absl::StatusOr<std::unique_ptr<VhostPort>> VhostPort::Open(const VhostPortConfig& config) {
  std::unique_ptr<VhostPort> port(new VhostPort(config));
  if (absl::Status registered = RegisterVhostPort(port.get()); !registered.ok()) return registered;
  port->registered_ = true;
  return port;
}

VhostPort::~VhostPort() {
  if (!registered_) return;
  UnregisterVhostPort(this);
  for (const auto& [id, peer] : peers_) SetPeerMemory(id, this, {});
}

uint16_t VhostPort::Receive(uint16_t queue, rte_mbuf** mbufs, uint16_t count) {
  const Peer peer = peer_.load(std::memory_order_acquire);
  if ((peer.readable >> queue & 1) == 0) return 0;
  const bool wakes = (to_silence_.load(std::memory_order_relaxed) >> queue & 1) != 0;
  if (unlikely(wakes)) Silence(peer.id, queue);
  return rte_vhost_dequeue_burst(peer.id, SendRing(queue), config_.pool, mbufs, count);
}

uint16_t VhostPort::Send(uint16_t queue, rte_mbuf** mbufs, uint16_t count) {
  const Peer peer = peer_.load(std::memory_order_acquire);
  if ((peer.writable >> queue & 1) == 0) return 0;
  const uint16_t sent = rte_vhost_enqueue_burst(peer.id, ReceiveRing(queue), mbufs, count);
  rte_pktmbuf_free_bulk(mbufs, sent);  // they were copied
  return sent;
}

// By the queue's reader: in RingSwitched the library holds the ring's lock.
void VhostPort::Silence(int id, uint16_t queue) {
  const auto bit = static_cast<uint16_t>(1u << queue);
  to_silence_.fetch_and(static_cast<uint16_t>(~bit));
  rte_vhost_enable_guest_notification(id, SendRing(queue), 0);
  rte_vhost_enable_guest_notification(id, ReceiveRing(queue), 0);
  if (peer_.load().id != id) to_silence_.fetch_or(bit);  // that was another peer's
}

bool VhostPort::PeerConnected(int id) {
  const std::scoped_lock lock(mutex_);
  if (peers_.size() >= kMaxPeers) return false;
  peers_[id] = {};
  if (cut_off_ == id) cut_off_ = kNobody;  // the number is another's now
  return true;
}

void VhostPort::PeerReady(int id) {
  {
    const std::scoped_lock lock(mutex_);
    peers_[id].ready = ++ready_count_;
  }
  Change();
}

// Its rings are about to go. Which of them are on, it says itself.
void VhostPort::PeerStopped(int id) {
  {
    const std::scoped_lock lock(mutex_);
    peers_[id].ready = 0;
  }
  Change();
}

void VhostPort::PeerGone(int id) {
  {
    const std::scoped_lock lock(mutex_);
    peers_.erase(id);
  }
  Change();
  SetPeerMemory(id, this, {});
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
  if (id == served_ && id != cut_off_) Publish();
}

void VhostPort::CutOff(int id) {
  cut_off_.store(id);
  Peer peer = peer_.load();
  while (peer.id == id && !peer_.compare_exchange_weak(peer, Peer{})) {
  }
}

// The newest of those that are ready.
std::map<int, VhostPort::Connected>::const_iterator VhostPort::Chosen() const {
  auto chosen = peers_.end();
  for (auto peer = peers_.begin(); peer != peers_.end(); ++peer) {
    if (peer->second.ready == 0 || peer->first == cut_off_) continue;
    if (chosen == peers_.end() || peer->second.ready > chosen->second.ready) chosen = peer;
  }
  return chosen;
}

// From one peer to another there is a time with nobody: no worker may be at the rings of the first
// any more, nor hold what only it would take.
void VhostPort::Change() {
  {
    const std::scoped_lock lock(mutex_);
    const auto chosen = Chosen();
    const bool stays = chosen != peers_.end() && chosen->first == served_;
    if (stays) return;
    if (served_ == kNobody) return Publish();
    served_ = kNobody;
    peer_.store(Peer{});
    if (config_.tx != nullptr) config_.tx->takes = 0;
  }
  if (config_.readers != nullptr) config_.readers->Wait();
  const std::scoped_lock lock(mutex_);
  Publish();
}

void VhostPort::Publish() {
  const auto chosen = Chosen();
  const bool any = chosen != peers_.end();
  const Peer peer =
      any ? Peer{chosen->first, chosen->second.readable, chosen->second.writable} : Peer{};
  served_ = peer.id;
  if (config_.tx != nullptr) {
    config_.tx->queues = static_cast<uint8_t>(std::max(1, std::countr_one(peer.writable)));
    config_.tx->takes = any ? Negotiated(peer.id) : Offloads{0};
  }
  to_silence_.store(peer.readable);  // once more does no harm
  peer_.store(peer);
  if (any && cut_off_ == peer.id) CutOff(peer.id);  // a moment ago
}

}  // namespace sluice::dataplane
