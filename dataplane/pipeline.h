// The way of a packet through the switch, top to bottom.
//
//   port -> parse -> guard -> forward -> fragments -> track -> judge -> inspect -> transmit -> port
//             \        \         \           \           \        \         \___ sink: the dead
//                                                                  \_________\__ reject: back
//
// One Pipeline per worker; nothing in it is shared but the connection table and the ports.
#pragma once

#include <span>

#include "dataplane/connection_table.h"
#include "dataplane/fragments.h"
#include "dataplane/inspect/inspector.h"
#include "dataplane/journal.h"
#include "dataplane/mirror.h"
#include "dataplane/packet.h"
#include "dataplane/recorder.h"
#include "dataplane/reject.h"
#include "dataplane/stage_tally.h"
#include "dataplane/tally.h"
#include "dataplane/trace.h"
#include "dataplane/transmit.h"

namespace sluice::dataplane {

class Pipeline {
 public:
  Pipeline(unsigned worker, const FragmentConfig& fragments, const RejectConfig& reject,
           const InspectConfig& inspect, ConnectionTable* connections, TxPorts* tx_ports,
           Tally* tally, Journal* journal, StageTally* stages);

  // Takes up to kBurstSize buffers that came in by `in_port`, and owns them from here on.
  void Process(const Snapshot& snapshot, PortId in_port, std::span<rte_mbuf*> received,
               uint32_t now_ms);
  // Sends one packet through the stages as if `in_port` had received it, changes and counts
  // nothing, and fills `report`. `report->epoch` and what the stages say is set. Same thread.
  void Trace(const Snapshot& snapshot, PortId in_port, std::span<uint8_t> frame, uint32_t now_ms,
             TraceReport* report);
  // Who is to have copies of packets from here on; null: nobody. Before the first packet of a turn.
  void ShowTo(Recorder* recorder);
  // Sends what waits in transmit buffers. The turn's last.
  void Flush(const Snapshot& snapshot);
  // A bounded piece of ageing, once a loop.
  void Age(const Snapshot& snapshot, uint32_t now_ms) {
    fragments_.Age(snapshot, now_ms);
    inspector_.Age(now_ms);
  }

 private:
  void Count(PortId in_port, std::span<rte_mbuf* const> received);
  void Enter(const Snapshot& snapshot, PortId in_port, uint32_t now_ms);
  void RunNetwork(NetworkId network, std::span<rte_mbuf*> received);
  std::span<rte_mbuf*> Waiting();
  bool Load(NetworkId network, std::span<rte_mbuf*> received);
  // All stages, and done(stage) after each. Returns how many keys went to the tries.
  template <typename Done>
  unsigned RunStages(Done&& done);
  // The same, while somebody watches.
  unsigned RunWatchedStages(bool timed);
  void ShowDead();
  void Sink();

  const unsigned worker_;
  ConnectionTable* const connections_;
  Tally* const tally_;
  StageTally* const stages_;
  unsigned burst_number_ = 0;  // while stages are watched
  Fragments fragments_;
  Inspector inspector_;
  Rejecter rejecter_;
  Transmitter transmitter_;
  Mirrorer mirrorer_;
  Burst burst_;
};

}  // namespace sluice::dataplane
