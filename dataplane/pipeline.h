// The way of a packet through the switch, top to bottom.
//
//   port -> parse -> guard -> forward -> track -> judge -> transmit -> port
//             \        \         \         \        \________ sink: dead packets, by reason
//
// One Pipeline per worker; nothing in it is shared but the connection table and the ports.
#pragma once

#include <span>

#include "dataplane/connection_table.h"
#include "dataplane/journal.h"
#include "dataplane/packet.h"
#include "dataplane/tally.h"
#include "dataplane/transmit.h"

namespace sluice::dataplane {

class Pipeline {
 public:
  Pipeline(unsigned worker, ConnectionTable* connections, TxPorts* tx_ports, Tally* tally,
           Journal* journal);

  // Takes up to kBurstSize buffers that came in by `in_port`, and owns them from here on.
  void Process(const Snapshot& snapshot, PortId in_port, std::span<rte_mbuf*> received,
               uint32_t now_ms);
  // Sends what waits in transmit buffers.
  void Flush(const Snapshot& snapshot) { transmitter_.Flush(snapshot); }

 private:
  void Load(const Snapshot& snapshot, PortId in_port, std::span<rte_mbuf*> received,
            uint32_t now_ms);
  void Sink();

  const unsigned worker_;
  ConnectionTable* const connections_;
  Tally* const tally_;
  Transmitter transmitter_;
  Burst burst_;
};

}  // namespace sluice::dataplane
