// One polling core: reads its ports, runs the pipeline, sends, ages connections, reports
// quiescence.
#pragma once

#include <atomic>
#include <cstdint>

#include "dataplane/capture.h"
#include "dataplane/connection_table.h"
#include "dataplane/journal.h"
#include "dataplane/pipeline.h"
#include "dataplane/poll_claims.h"
#include "dataplane/poll_set.h"
#include "dataplane/quiescence.h"
#include "dataplane/snapshot.h"
#include "dataplane/stage_tally.h"
#include "dataplane/tally.h"
#include "dataplane/trace_mailbox.h"

namespace sluice::dataplane {

struct WorkerConfig {
  unsigned index = 0;                    // its lists in Snapshot::polled, its reader in Quiescence
  uint32_t idle_sleep_us = 0;            // the longest sleep: see backoff.h; 0: never
  unsigned packets_per_quiet_look = 16;  // see poll_set.h
  FragmentConfig fragments;
  const std::atomic<uint32_t>* attention = nullptr;  // who watches: journal.h
  RejectConfig reject = {};
  InspectConfig inspect = {};
  // Who wants copies of packets; may change at any time, and a grace period ends the old one's use.
  const std::atomic<Capture*>* capture = nullptr;
};

class Worker {
 public:
  // Everything pointed to outlives the worker. `published` holds the snapshot in force.
  Worker(const WorkerConfig& config, const std::atomic<const Snapshot*>* published,
         ConnectionTable* connections, Quiescence* quiescence, TxPorts* tx_ports,
         PollClaims* claims);

  // Polls until `running` is false. On the worker's own lcore. A worker without ports rests: it
  // sleeps between turns, and its share of the table ages as before.
  void Run(const std::atomic<bool>& running);

  // One turn over all ports of this worker; true if there was a packet. `now_ms` may wrap.
  bool RunOnce(uint32_t now_ms);

  // A dry run, on the worker's thread; false: the port is not this worker's. The mailbox brings
  // requests from other threads, once a turn.
  bool Trace(TraceRequest& request, uint32_t now_ms, TraceReport& report);
  TraceMailbox& mailbox() { return mailbox_; }
  const Tally& tally() const { return tally_; }
  Journal& journal() { return journal_; }
  const Journal& journal() const { return journal_; }
  const StageTally& stages() const { return stages_; }

 private:
  unsigned Poll(const Snapshot& snapshot, PortId port, uint32_t now_ms);
  void Age(uint32_t now_ms, unsigned most);
  void Sleep(uint32_t us);
  Recorder* Watcher() const;

  const WorkerConfig config_;
  const std::atomic<const Snapshot*>* const published_;
  ConnectionTable* const connections_;
  Quiescence* const quiescence_;
  PollClaims* const claims_;
  Tally tally_;
  Journal journal_;
  StageTally stages_;
  PollSet poll_set_;
  Pipeline pipeline_;
  TraceMailbox mailbox_;
  uint32_t aged_ms_ = 0;
  uint64_t ageing_due_ = 0;  // entries to look at
};

}  // namespace sluice::dataplane
