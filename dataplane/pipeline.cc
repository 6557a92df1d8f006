#include "dataplane/pipeline.h"

#include <rte_prefetch.h>

#include "dataplane/flood.h"
#include "dataplane/forward.h"
#include "dataplane/guard.h"
#include "dataplane/judge.h"
#include "dataplane/offload.h"
#include "dataplane/parse.h"
#include "dataplane/returned.h"
#include "dataplane/track.h"
#include "dataplane/tsan.h"
#include "dataplane/vlan.h"

namespace sluice::dataplane {

Pipeline::Pipeline(unsigned worker, const FragmentConfig& fragments, ConnectionTable* connections,
                   TxPorts* tx_ports, Tally* tally)
    : worker_(worker),
      connections_(connections),
      tally_(tally),
      fragments_(fragments, tally),
      transmitter_(worker, tx_ports, tally) {}

void Pipeline::Process(const Snapshot& snapshot, PortId in_port, std::span<rte_mbuf*> received,
                       uint32_t now_ms) {
  for (const rte_mbuf* mbuf : received) rte_prefetch0(rte_pktmbuf_mtod(mbuf, const void*));
  Count(in_port, received);
  burst_.snapshot = &snapshot;
  burst_.in = &snapshot.ports[in_port];
  burst_.in_port = in_port;
  burst_.now_ms = now_ms;
  if (burst_.in->role != PortRole::kUplink) return RunNetwork(burst_.in->network, received);
  NetworkGroups groups(*burst_.in, received);  // VLAN tag -> network
  while (!groups.empty()) {
    const NetworkGroup group = groups.Next();
    RunNetwork(group.network, group.mbufs);
  }
}

// Fragments that waited for their first go again when it has come.
void Pipeline::RunNetwork(NetworkId network, std::span<rte_mbuf*> received) {
  for (; !received.empty(); received = fragments_.Release(burst_)) Run(network, received);
}

void Pipeline::Run(NetworkId network, std::span<rte_mbuf*> received) {
  if (!Load(network, received)) return Sink();

  Parse(burst_);                          // headers -> values; malformed packets die
  CheckOffloads(burst_);                  // what senders left undone: said in one way
  Guard(burst_);                          // a pod sends only as itself
  Forward(burst_);                        // destination MAC -> out_port
  fragments_.Join(burst_);                // later fragments get the first one's ports, or wait
  ProveReturned(burst_, *connections_);   // a router sent back what a pod had sent to it
  Track(burst_, *connections_, worker_);  // known connections move on
  unsigned asked = Judge(burst_, *connections_, worker_);  // the rest is held against policy
  asked += Flood(burst_, transmitter_);  // broadcast and multicast, judged for each receiver
  transmitter_.Transmit(burst_);         // into the out_port's buffer
  Sink();                                // the dead are counted and freed

  tally_->classified.Add(asked);
}

// False: all of them are dead, of belonging to no network.
bool Pipeline::Load(NetworkId network, std::span<rte_mbuf*> received) {
  const bool known = network != kNoNetwork;
  burst_.network_id = network;
  burst_.network = known ? &burst_.snapshot->networks[network] : nullptr;
  burst_.count = static_cast<unsigned>(received.size());
  burst_.has_fragments = false;
  for (unsigned i = 0; i < burst_.count; ++i) {
    burst_.packets[i] = Packet{};
    burst_.packets[i].mbuf = received[i];
    if (!known) burst_.packets[i].drop = DropReason::kVlanUnknown;
  }
  return known;
}

void Pipeline::Count(PortId in_port, std::span<rte_mbuf* const> received) {
  uint64_t bytes = 0;
  for (const rte_mbuf* mbuf : received) bytes += mbuf->pkt_len;
  PortTally& port = tally_->ports[in_port];
  port.rx_packets.Add(received.size());
  port.rx_bytes.Add(bytes);
  tally_->packets.Add(received.size());
}

void Pipeline::Sink() {
  PortTally& port = tally_->ports[burst_.in_port];
  for (Packet& packet : burst_.all()) {
    if (packet.mbuf == nullptr) continue;  // transmitted
    if (!packet.alive()) port.drops[static_cast<size_t>(packet.drop)].Add(1);
    BufferGiven(packet.mbuf);
    rte_pktmbuf_free(packet.mbuf);  // flooded packets end here too: their copies are references
    packet.mbuf = nullptr;
  }
}

}  // namespace sluice::dataplane
