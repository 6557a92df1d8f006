// The data plane's facade: all that control/ may call.
//
// One control thread calls everything here (the const readers may be called from any thread); the
// workers run on their own pinned cores from Create to destruction.
#pragma once

#include <absl/status/statusor.h>

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "acl/address.h"
#include "acl/classifier.h"
#include "dataplane/capture.h"
#include "dataplane/connection_event.h"
#include "dataplane/denial.h"
#include "dataplane/drop_reason.h"
#include "dataplane/port_spec.h"
#include "dataplane/snapshot.h"
#include "dataplane/trace.h"
#include "dataplane/tracking.h"

namespace sluice::dataplane {

struct SwitchConfig {
  std::vector<int> worker_cores = {1};      // as given to the Eal: one worker a core
  uint32_t connection_capacity = 1u << 20;  // fixed for the life of the switch
  unsigned connection_share = 50;           // percent that one port may have: port_accounts.h
  std::string connection_file;              // outlives the process; empty: memory only
  uint32_t packet_buffers = 32768;          // mbufs in the shared pool
  uint32_t fragment_timeout_ms = 30'000;    // an incomplete datagram is forgotten after this time
  uint32_t idle_sleep_us = 0;    // the longest sleep of a worker that finds nothing; 0: never
  Tracking tracking;             // strictness and timeouts of connections
  std::vector<std::string> pci;  // devices that ports may be, "ADDRESS[,DEVARGS]"; as the Eal's
};

struct AttachedPort {
  PortId id = kNoPort;
  PortIo io;
  uint16_t generation = 0;
};

struct PortCounters {
  uint64_t rx_packets = 0, rx_bytes = 0;
  uint64_t tx_packets = 0, tx_bytes = 0;
  // By queue of the device: what was read from it, and written to it.
  std::array<uint64_t, kMaxQueues> rx_queue_packets{}, tx_queue_packets{};
  uint64_t answered = 0;                           // rejected packets that an answer was sent for
  std::array<uint64_t, kDropReasonCount> drops{};  // of packets that entered here, by DropReason
};

// Buffers of one kind.
struct PoolLevel {
  const char* name;  // "packets", "pieces", "jumbo", "mirrored"
  uint32_t buffers = 0;
  uint32_t in_use = 0;  // exact when nothing moves
};

struct WorkerCounters {
  uint64_t loops = 0, busy_loops = 0;  // busy: at least one packet
  uint64_t packets = 0;
  uint64_t classified = 0;   // keys asked of the tries, up to two a packet
  uint64_t cycles = 0;       // of the time-stamp counter, spent polling; not asleep
  uint64_t busy_cycles = 0;  // of them, in turns that found a packet
  uint64_t sleeps = 0;
  // Sampled while somebody watches stages: packets of sampled bursts, and the cycles they took.
  uint64_t sampled_packets = 0;
  std::array<uint64_t, kStageCount> stage_cycles{};
  uint64_t connections_created = 0, connections_removed = 0;
  uint64_t connections_evicted = 0;  // of the removed, to make room for others
  // In its rings at this moment: events, and bytes of captured packets.
  uint64_t events_waiting = 0, capture_bytes_waiting = 0;
};

// One tracked connection, for people. Ports are numbers in host order; ICMP: the echo identifier.
struct ConnectionInfo {
  NetworkId network = 0;
  uint8_t protocol = 0;
  acl::IpAddress initiator, responder;
  uint16_t initiator_port = 0, responder_port = 0;
  PortId initiator_subject = kNoPort, responder_subject = kNoPort;
  std::string state;  // "syn_sent", "established", ...
  uint32_t verdict_epoch = 0;
  uint64_t idle_ms = 0;
};

class Switch {
 public:
  // Needs a running Eal with one worker lcore for each of config.worker_cores.
  static absl::StatusOr<std::unique_ptr<Switch>> Create(const SwitchConfig& config);
  // Stops the workers, closes every port, removes sockets.
  ~Switch();
  Switch(const Switch&) = delete;
  Switch& operator=(const Switch&) = delete;

  unsigned worker_count() const;

  // Opens the device and reserves a slot. No worker polls it before a published snapshot says so.
  // A pod's port whose network, name and pod UID are those of one that an earlier process left in
  // the connection file becomes the same subject again, and has its connections.
  // Errors: AlreadyExists (name in use, socket path exists), InvalidArgument (path too long, ...),
  // FailedPrecondition (not writable, no such interface), ResourceExhausted (kMaxPorts); all read
  // "port NAME: REASON".
  absl::StatusOr<AttachedPort> AttachPort(const PortSpec& spec);
  // Closes the device and frees the slot. The published snapshot must not contain the port.
  absl::Status DetachPort(PortId id);

  // Puts `snapshot` in force; returns when every worker runs it and its predecessor is freed. A
  // port that another worker polls than before moves: nobody polls it for one grace period.
  void Publish(std::unique_ptr<const Snapshot> snapshot);
  uint64_t epoch() const;  // of the snapshot in force

  bool PortLinkUp(PortId id) const;                // vhost: a peer is connected
  PortCounters ReadPortCounters(PortId id) const;  // since the port was attached
  WorkerCounters ReadWorkerCounters(unsigned worker) const;
  // What policy refused, worker by worker: one denial may come several times. Ports that are gone
  // may still be in it, under their old generation.
  std::vector<std::pair<Denial, uint64_t>> ReadDenials() const;

  // A dry run of `frame` as if the port had received it, by `worker`, which polls it. Any thread.
  // Errors: TraceMailbox::Ask's.
  absl::StatusOr<TraceReport> Trace(unsigned worker, const AttachedPort& port,
                                    std::span<const uint8_t> frame) const;

  // While on, workers write connection events: bounded rings, lossy. One thread drains them, worker
  // by worker; LostEvents counts from the start of the switch. Any thread.
  void WatchEvents(bool on);
  void DrainEvents(const std::function<void(const ConnectionEvent&)>& visit);
  uint64_t LostEvents() const;
  // Copies of packets; when it returns, every worker makes them. One capture at a time. Any thread.
  // Errors: FailedPrecondition (another one is under way).
  absl::StatusOr<std::shared_ptr<Capture>> StartCapture(const CaptureConfig& config);
  // When it returns no worker uses `capture` any more, and what they wrote may be drained.
  void StopCapture(const std::shared_ptr<Capture>& capture);
  // The one under way; null: none.
  std::shared_ptr<Capture> capture() const;
  // One more, or one fewer, who wants stage_cycles. Any thread.
  void WatchStages(bool on);

  // Calls `visit` for each live connection until it returns false. Any thread; not a consistent
  // cut.
  void VisitConnections(const std::function<bool(const ConnectionInfo&)>& visit) const;
  uint32_t connection_count() const;
  uint32_t buffers_in_use() const;  // of config.packet_buffers; exact when nothing moves
  uint32_t packet_buffers() const;
  // Those that were needed so far. Any thread.
  std::vector<PoolLevel> pools() const;
  // DPDK's devices: a port that is neither vhost-user nor tap needs one, others may be there
  // beside. Any thread.
  uint32_t devices_in_use() const;
  uint32_t device_slots() const;  // RTE_MAX_ETHPORTS

 private:
  struct Impl;
  explicit Switch(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace sluice::dataplane
