#include "dataplane/pipeline.h"

#include <rte_branch_prediction.h>
#include <rte_cycles.h>
#include <rte_prefetch.h>

#include "dataplane/flood.h"
#include "dataplane/forward.h"
#include "dataplane/guard.h"
#include "dataplane/judge.h"
#include "dataplane/offload.h"
#include "dataplane/parse.h"
#include "dataplane/returned.h"
#include "dataplane/trace_stage.h"
#include "dataplane/track.h"
#include "dataplane/tsan.h"
#include "dataplane/vlan.h"

namespace sluice::dataplane {
namespace {

// Somebody gets copies of some of its packets.
bool IsShown(const Burst& burst) { return burst.recorder != nullptr || burst.mirrorer != nullptr; }

}  // namespace

Pipeline::Pipeline(unsigned worker, const FragmentConfig& fragments, const RejectConfig& reject,
                   const InspectConfig& inspect, ConnectionTable* connections, TxPorts* tx_ports,
                   Tally* tally, Journal* journal, StageTally* stages)
    : worker_(worker),
      connections_(connections),
      tally_(tally),
      stages_(stages),
      fragments_(fragments, tally),
      inspector_(worker, inspect, connections, tally),
      rejecter_(reject, tally),
      transmitter_(worker, tx_ports, tally),
      mirrorer_(tx_ports, tally, &transmitter_) {
  burst_.journal = journal;
}

void Pipeline::Process(const Snapshot& snapshot, PortId in_port, std::span<rte_mbuf*> received,
                       uint32_t now_ms) {
  for (const rte_mbuf* mbuf : received) rte_prefetch0(rte_pktmbuf_mtod(mbuf, const void*));
  Count(in_port, received);
  Enter(snapshot, in_port, now_ms);
  if (burst_.in->role != PortRole::kUplink) return RunNetwork(burst_.in->network, received);
  NetworkGroups groups(*burst_.in, received);  // VLAN tag -> network
  while (!groups.empty()) {
    const NetworkGroup group = groups.Next();
    RunNetwork(group.network, group.mbufs);
  }
}

void Pipeline::RunNetwork(NetworkId network, std::span<rte_mbuf*> received) {
  for (; !received.empty(); received = Waiting()) {
    if (Load(network, received)) {
      const bool timed = (burst_.journal->Attention() & kWatchStages) != 0 &&
                         burst_number_++ % StageTally::kSampleEvery == 0;
      const bool watched = timed || IsShown(burst_);
      tally_->classified.Add(watched ? RunWatchedStages(timed) : RunStages([](Stage) {}));
    }
    if (unlikely(IsShown(burst_))) ShowDead();
    Sink();  // the dead are counted and freed
  }
}

// Fragments that waited for their first, and what waited for the head of its stream, go again.
std::span<rte_mbuf*> Pipeline::Waiting() {
  const std::span<rte_mbuf*> fragments = fragments_.Release(burst_);
  return fragments.empty() ? inspector_.Release() : fragments;
}

template <typename Done>
unsigned Pipeline::RunStages(Done&& done) {
  Parse(burst_);          // headers -> values; malformed packets die
  CheckOffloads(burst_);  // what senders left undone: said in one way
  done(Stage::kParse);
  Guard(burst_);  // a pod sends only as itself
  done(Stage::kGuard);
  Forward(burst_);  // destination MAC -> out_port
  done(Stage::kForward);
  fragments_.Join(burst_);  // later fragments get the first one's ports, or wait
  done(Stage::kFragments);
  ProveReturned(burst_, *connections_);   // a router sent back what a pod had sent to it
  Track(burst_, *connections_, worker_);  // known connections move on
  done(Stage::kTrack);
  unsigned asked = Judge(burst_, *connections_, worker_);  // the rest is held against policy
  done(Stage::kJudge);
  inspector_.Inspect(burst_);              // where policy asks what is said: nothing unjudged
  rejecter_.Answer(burst_, transmitter_);  // some of the refused are told
  done(Stage::kInspect);
  asked += Flood(burst_, transmitter_);  // broadcast and multicast, judged for each receiver
  done(Stage::kFlood);
  transmitter_.Transmit(burst_);  // into the out_port's buffer
  done(Stage::kTransmit);
  return asked;
}

unsigned Pipeline::RunWatchedStages(bool timed) {
  if (timed) stages_->packets.Add(burst_.count);
  uint64_t before = rte_rdtsc();
  return RunStages([&](Stage stage) {
    // The last that has the buffers of all that is alive.
    if (stage == Stage::kFlood && burst_.recorder != nullptr) burst_.recorder->Keep(burst_);
    if (stage == Stage::kFlood && burst_.mirrorer != nullptr) mirrorer_.CopyPassing(burst_);
    if (!timed) return;
    const uint64_t now = rte_rdtsc();
    stages_->cycles[static_cast<size_t>(stage)].Add(now - before);
    before = now;
  });
}

void Pipeline::Trace(const Snapshot& snapshot, PortId in_port, std::span<uint8_t> frame,
                     uint32_t now_ms, TraceReport* report) {
  // Nobody frees or keeps it: in a dry run no stage hands a buffer on.
  rte_mbuf mbuf{};
  rte_mbuf* received = &mbuf;
  mbuf.buf_addr = frame.data();
  mbuf.buf_len = mbuf.data_len = static_cast<uint16_t>(frame.size());
  mbuf.pkt_len = static_cast<uint32_t>(frame.size());
  mbuf.nb_segs = 1;
  rte_mbuf_refcnt_set(&mbuf, 1);

  Enter(snapshot, in_port, now_ms);
  burst_.trace = report;
  report->epoch = snapshot.epoch;
  report->network = burst_.in->network;
  if (burst_.in->role == PortRole::kUplink) {
    report->network = NetworkGroups(*burst_.in, {&received, 1}).Next().network;
  }
  if (Load(report->network, {&received, 1})) {
    RunStages([&](Stage stage) { NoteStage(stage, burst_, report); });
  } else {
    report->drop = burst_.packets[0].drop;
  }
  burst_.trace = nullptr;
}

void Pipeline::ShowTo(Recorder* recorder) {
  burst_.recorder = recorder;
  transmitter_.ShowTo(recorder);
}

void Pipeline::Flush(const Snapshot& snapshot) {
  transmitter_.Flush(snapshot);
  if (unlikely(burst_.recorder != nullptr)) burst_.recorder->Publish();
}

void Pipeline::Enter(const Snapshot& snapshot, PortId in_port, uint32_t now_ms) {
  burst_.snapshot = &snapshot;
  burst_.mirrorer = Mirrorer::Wanted(snapshot) ? &mirrorer_ : nullptr;
  burst_.in = &snapshot.ports[in_port];
  burst_.in_port = in_port;
  burst_.now_ms = now_ms;
}

// False: all of them are dead, of belonging to no network. A mirror belongs to none.
bool Pipeline::Load(NetworkId network, std::span<rte_mbuf*> received) {
  const bool known = network != kNoNetwork;
  const DropReason homeless =
      burst_.in->role == PortRole::kMirror ? DropReason::kMirrorInput : DropReason::kVlanUnknown;
  burst_.network_id = network;
  burst_.network = known ? &burst_.snapshot->networks[network] : nullptr;
  burst_.count = static_cast<unsigned>(received.size());
  burst_.has_fragments = burst_.has_open = burst_.has_rejects = burst_.has_content = false;
  for (unsigned i = 0; i < burst_.count; ++i) {
    burst_.packets[i].Renew(received[i]);
    if (!known) burst_.packets[i].drop = homeless;
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

// Before they are freed.
void Pipeline::ShowDead() {
  if (burst_.recorder != nullptr) burst_.recorder->Settle(burst_);
  if (burst_.mirrorer != nullptr) mirrorer_.CopyDead(burst_);
}

void Pipeline::Sink() {
  PortTally& port = tally_->ports[burst_.in_port];
  for (Packet& packet : burst_.all()) {
    if (!packet.alive()) port.drops[static_cast<size_t>(packet.drop)].Add(1);
    if (packet.mbuf == nullptr) continue;  // transmitted, or became its answer
    BufferGiven(packet.mbuf);
    rte_pktmbuf_free(packet.mbuf);  // flooded packets end here too: their copies are references
    packet.mbuf = nullptr;
  }
}

}  // namespace sluice::dataplane
