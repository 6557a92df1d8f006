#include "dataplane/transmit.h"

#include <rte_branch_prediction.h>
#include <rte_ether.h>

#include "dataplane/offload.h"
#include "dataplane/recorder.h"
#include "dataplane/segment.h"
#include "dataplane/tsan.h"
#include "dataplane/vlan.h"

namespace sluice::dataplane {

namespace {

constexpr uint32_t kOrdinaryFrame = 1518;  // with a VLAN tag

// Bytes in front of the IP packet. At most one tag is ever there, and only on an uplink.
uint32_t LinkHeader(const rte_mbuf& mbuf) {
  const auto* ether = rte_pktmbuf_mtod(&mbuf, const rte_ether_hdr*);
  const bool tagged = ether->ether_type == RTE_BE16(RTE_ETHER_TYPE_VLAN);
  return sizeof(*ether) + (tagged ? sizeof(rte_vlan_hdr) : 0);
}

// A buffer with the contents of `mbuf` that nobody else holds, and `mbuf`'s reference gone; null if
// there are no buffers, and then `mbuf` stays the caller's.
rte_mbuf* Own(rte_mbuf* mbuf, rte_mempool* pool) {
  if (rte_mbuf_refcnt_read(mbuf) == 1) return mbuf;
  rte_mbuf* copy = pool == nullptr ? nullptr : rte_pktmbuf_copy(mbuf, pool, 0, UINT32_MAX);
  if (copy != nullptr) rte_pktmbuf_free(mbuf);
  return copy;
}

}  // namespace

Transmitter::Transmitter(unsigned worker, TxPorts* ports, Tally* tally)
    : worker_(worker), ports_(ports), tally_(tally), queues_(kMaxPorts) {
  waiting_.reserve(kMaxPorts);
}

bool Transmitter::PeerTakes(PortId port, const rte_mbuf& mbuf) const {
  const Offloads needed = NeededOffloads(mbuf);
  return (ports_->ports[port].takes.load(std::memory_order_relaxed) & needed) == needed;
}

DropReason Transmitter::Check(const PortView& out, PortId out_port, const rte_mbuf& mbuf) const {
  if (LargestIpPacket(mbuf, LinkHeader(mbuf)) > out.mtu) return DropReason::kTooBig;
  if (likely(!IsToBeCut(mbuf)) || PeerTakes(out_port, mbuf)) return DropReason::kNone;
  const bool udp6 =
      (mbuf.ol_flags & RTE_MBUF_F_TX_UDP_SEG) != 0 && (mbuf.ol_flags & RTE_MBUF_F_TX_IPV6) != 0;
  return udp6 ? DropReason::kOffloadUnsupported : DropReason::kNone;
}

void Transmitter::Enqueue(const Snapshot& snapshot, PortId in_port, PortId out_port,
                          rte_mbuf* mbuf) {
  if (unlikely(HasOffloads(*mbuf)) && !PeerTakes(out_port, *mbuf)) {
    EnqueueComplete(snapshot, in_port, out_port, mbuf);
  } else {
    Push(snapshot, in_port, out_port, mbuf);
  }
}

// Does here what the sender left undone.
void Transmitter::EnqueueComplete(const Snapshot& snapshot, PortId in_port, PortId out_port,
                                  rte_mbuf* shared) {
  rte_mbuf* mbuf = Own(shared, ports_->pieces);
  if (mbuf == nullptr) {
    Lose(snapshot, in_port, out_port, shared, DropReason::kNoBuffers);
    rte_pktmbuf_free(shared);
    return;
  }
  if (!IsToBeCut(*mbuf)) {
    CompleteChecksum(*mbuf);
    Push(snapshot, in_port, out_port, mbuf);
    return;
  }
  FrameCutter cutter(*mbuf, ports_->pieces);
  while (!cutter.done()) {
    rte_mbuf* piece = cutter.Next();
    if (piece == nullptr) {
      Lose(snapshot, in_port, out_port, mbuf, DropReason::kNoBuffers);
      break;
    }
    Push(snapshot, in_port, out_port, piece);
  }
  rte_pktmbuf_free(mbuf);
}

void Transmitter::Push(const Snapshot& snapshot, PortId in_port, PortId out_port, rte_mbuf* mbuf) {
  mbuf->hash.usr = in_port;  // who pays if the device does not take it
  Queue& queue = queues_[out_port];
  if (!queue.waiting) waiting_.push_back(out_port);
  queue.waiting = true;
  queue.mbufs[queue.count++] = mbuf;
  if (queue.count == kBurstSize) Send(snapshot, out_port);
}

void Transmitter::Lose(const Snapshot& snapshot, PortId in_port, PortId out_port, rte_mbuf* mbuf,
                       DropReason reason) {
  tally_->ports[in_port].drops[static_cast<size_t>(reason)].Add(1);
  const bool is_copy = snapshot.ports[out_port].role == PortRole::kMirror;  // nobody's packet
  if (recorder_ != nullptr && !is_copy)
    recorder_->Lost(PacketWay::Of(snapshot, in_port, out_port), mbuf, reason);
}

void Transmitter::Transmit(Burst& burst) {
  for (Packet& packet : burst.all()) {
    if (!packet.alive() || packet.flood) continue;
    const PortView& out = burst.snapshot->ports[packet.out_port];
    packet.drop = Check(out, packet.out_port, *packet.mbuf);
    if (unlikely(!packet.alive() || burst.trace != nullptr)) continue;
    const NetworkView& network = *burst.network;
    if (network.vlan != 0 && packet.out_port == network.uplink &&
        !PushTag(&packet.mbuf, network.vlan)) {
      packet.drop = DropReason::kNoBuffers;
      continue;
    }
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
  std::span<rte_mbuf*> waiting(queue.mbufs.data(), queue.count);
  queue.count = 0;
  while (!waiting.empty()) {
    waiting = waiting.subspan(Offer(snapshot, port, waiting));
    if (waiting.empty()) return;
    // A peer without room for a frame as large as this may have some for the next.
    const bool alone =
        waiting[0]->pkt_len > kOrdinaryFrame || snapshot.ports[port].io.RefusesSingly();
    const DropReason reason = snapshot.ports[port].role == PortRole::kMirror
                                  ? DropReason::kMirrorFull
                                  : DropReason::kTxFull;
    const auto lost = alone ? waiting.first(1) : waiting;
    for (rte_mbuf* mbuf : lost) {
      Lose(snapshot, static_cast<PortId>(mbuf->hash.usr), port, mbuf, reason);
      rte_pktmbuf_free(mbuf);
    }
    waiting = waiting.subspan(lost.size());
  }
}

// How many of them the device took.
size_t Transmitter::Offer(const Snapshot& snapshot, PortId port, std::span<rte_mbuf*> mbufs) {
  uint64_t bytes[kBurstSize];
  for (size_t i = 0; i < mbufs.size(); ++i) {
    bytes[i] = mbufs[i]->pkt_len;
    BufferGiven(mbufs[i]);
  }
  TxPort& tx = ports_->ports[port];
  const auto device_queue =
      static_cast<uint16_t>(worker_ % tx.queues.load(std::memory_order_relaxed));
  unsigned sent = 0;
  {
    const std::scoped_lock lock(tx.locks[device_queue]);
    sent = snapshot.ports[port].io.Send(device_queue, mbufs.data(),
                                        static_cast<uint16_t>(mbufs.size()));
  }
  uint64_t sent_bytes = 0;
  for (unsigned i = 0; i < sent; ++i) sent_bytes += bytes[i];
  PortTally& tally = tally_->ports[port];
  tally.tx_packets.Add(sent);
  tally_->queues[port][device_queue].tx_packets.Add(sent);
  tally.tx_bytes.Add(sent_bytes);
  return sent;
}

}  // namespace sluice::dataplane
