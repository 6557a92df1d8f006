#include "dataplane/vhost_peer.h"

#include <rte_eth_vhost.h>
#include <rte_ethdev.h>
#include <rte_pause.h>
#include <rte_vhost.h>

#include <algorithm>
#include <bit>

namespace sluice::dataplane {
namespace {

// Feature bits of the receiving side (virtio 1.2, 5.1.3); <linux/virtio_net.h> is no C++.
constexpr unsigned kGuestChecksum = 1, kGuestTso4 = 7, kGuestTso6 = 8, kGuestUfo = 10;

constexpr rte_eth_event_type kEvents[] = {RTE_ETH_EVENT_INTR_LSC, RTE_ETH_EVENT_QUEUE_STATE};

bool LinkUp(uint16_t device) {
  rte_eth_link link{};
  return rte_eth_link_get_nowait(device, &link) == 0 && link.link_status == RTE_ETH_LINK_UP;
}

// What the peer of `device` takes undone; nothing while there is none.
Offloads Negotiated(uint16_t device) {
  const int peer = rte_eth_vhost_get_vid_from_port_id(device);
  uint64_t features = 0;
  if (peer < 0 || rte_vhost_get_negotiated_features(peer, &features) != 0) return 0;
  const auto has = [features](unsigned bit) { return (features >> bit & 1) != 0; };
  if (!has(kGuestChecksum)) return 0;  // the others mean nothing without it
  unsigned takes = kOffloadChecksum;
  if (has(kGuestTso4)) takes |= kOffloadTcp4;
  if (has(kGuestTso6)) takes |= kOffloadTcp6;
  if (has(kGuestUfo)) takes |= kOffloadUdp;
  return static_cast<Offloads>(takes);
}

}  // namespace

int VhostPeer::OnEvent(uint16_t, rte_eth_event_type, void* self, void*) {
  static_cast<VhostPeer*>(self)->Refresh();
  return 0;
}

VhostPeer::VhostPeer(uint16_t device, TxPort* tx) : device_(device), tx_(tx) {
  for (const rte_eth_event_type event : kEvents) {
    rte_eth_dev_callback_register(device_, event, OnEvent, this);
  }
  Refresh();  // for a peer that was faster
}

VhostPeer::~VhostPeer() {
  for (const rte_eth_event_type event : kEvents) {
    while (rte_eth_dev_callback_unregister(device_, event, OnEvent, this) == -EAGAIN) rte_pause();
  }
  tx_->takes = 0;
  tx_->queues = 1;
}

void VhostPeer::Refresh() {
  const std::scoped_lock lock(mutex_);
  rte_eth_vhost_queue_event event{};
  while (rte_eth_vhost_get_queue_event(device_, &event) == 0) {
    if (event.rx) continue;
    const uint32_t bit = 1u << event.queue_id % kMaxQueues;
    enabled_ = event.enable ? enabled_ | bit : enabled_ & ~bit;
  }
  const bool up = LinkUp(device_);
  if (was_up_ && !up) enabled_ = 0;  // the driver forgets them without an event
  was_up_ = up;                      // queues may be enabled before the link is up
  tx_->takes = up ? Negotiated(device_) : Offloads{0};
  tx_->queues = static_cast<uint8_t>(std::max(1, std::countr_one(enabled_)));
}

}  // namespace sluice::dataplane
