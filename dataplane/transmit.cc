#include "dataplane/transmit.h"

#include <rte_ethdev.h>

namespace sluice::dataplane {

Transmitter::Transmitter(TxLocks* locks, Tally* tally)
    : locks_(locks), tally_(tally), queues_(kMaxPorts) {
  waiting_.reserve(kMaxPorts);
}

void Transmitter::Enqueue(const Snapshot& snapshot, PortId in_port, PortId out_port,
                          rte_mbuf* mbuf) {
  mbuf->hash.usr = in_port;  // who pays if the device does not take it
  Queue& queue = queues_[out_port];
  if (!queue.waiting) waiting_.push_back(out_port);
  queue.waiting = true;
  queue.mbufs[queue.count++] = mbuf;
  if (queue.count == kBurstSize) Send(snapshot, out_port);
}

void Transmitter::Transmit(Burst& burst) {
  for (Packet& packet : burst.all()) {
    if (!packet.alive() || packet.flood) continue;
    Enqueue(*burst.snapshot, burst.in_port, packet.out_port, packet.mbuf);
    packet.mbuf = nullptr;
  }
}

void Transmitter::Flush(const Snapshot& snapshot) {
  for (const PortId port : waiting_) {
    Send(snapshot, port);
    queues_[port].waiting = false;
  }
  waiting_.clear();
}

void Transmitter::Send(const Snapshot& snapshot, PortId port) {
  Queue& queue = queues_[port];
  if (queue.count == 0) return;
  PortTally& tally = tally_->ports[port];
  uint64_t bytes[kBurstSize];
  for (unsigned i = 0; i < queue.count; ++i) bytes[i] = queue.mbufs[i]->pkt_len;
  unsigned sent = 0;
  {
    const std::scoped_lock lock((*locks_)[port]);
    sent = rte_eth_tx_burst(snapshot.ports[port].device, 0, queue.mbufs.data(),
                            static_cast<uint16_t>(queue.count));
  }
  uint64_t sent_bytes = 0;
  for (unsigned i = 0; i < sent; ++i) sent_bytes += bytes[i];
  tally.tx_packets.Add(sent);
  tally.tx_bytes.Add(sent_bytes);
  for (unsigned i = sent; i < queue.count; ++i) {
    PortTally& payer = tally_->ports[queue.mbufs[i]->hash.usr];
    payer.drops[static_cast<size_t>(DropReason::kTxFull)].Add(1);
    rte_pktmbuf_free(queue.mbufs[i]);
  }
  queue.count = 0;
}

}  // namespace sluice::dataplane
