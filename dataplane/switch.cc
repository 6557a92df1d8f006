#include "dataplane/switch.h"

#include <fmt/core.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_launch.h>
#include <rte_lcore.h>
#include <rte_mbuf.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <optional>
#include <utility>

#include "dataplane/clock.h"
#include "dataplane/connection_table.h"
#include "dataplane/packet_pool.h"
#include "dataplane/poll_claims.h"
#include "dataplane/port_device.h"
#include "dataplane/port_moves.h"
#include "dataplane/quiescence.h"
#include "dataplane/tap_watch.h"
#include "dataplane/tsan.h"
#include "dataplane/worker.h"

namespace sluice::dataplane {
namespace {

// For what is cut or copied on its way out. Devices give pieces back at once, so few are in use.
constexpr uint32_t kMinPieces = 1024, kBuffersPerPiece = 8;
constexpr unsigned kMirrorBuffers = 4096;  // 9 MiB
constexpr unsigned kJumboBuffers = 1024;   // 16 MiB

// What an lcore needs to run one worker.
struct Launch {
  Worker* worker;
  const std::atomic<bool>* running;
};

int RunWorker(void* argument) {
  const auto* launch = static_cast<const Launch*>(argument);
  launch->worker->Run(*launch->running);
  ThreadEnds(argument);
  return 0;
}

// A port slot. Written by the control thread; counters' readers take the mutex.
struct Slot {
  std::optional<PortDevice> device;
  std::string name;
  uint16_t generation = 0;  // the last port's; the table's region keeps it, too
  PortCounters before;      // what the slot's earlier ports had counted
};

// What waits at all ports together is at most a quarter of all packet buffers.
FragmentConfig FragmentsOf(const SwitchConfig& config) {
  FragmentConfig fragments;
  fragments.timeout_ms = config.fragment_timeout_ms;
  const auto workers = static_cast<uint32_t>(config.worker_cores.size());
  fragments.held_segments = std::min(fragments.held_segments, config.packet_buffers / 128);
  fragments.held_by_all = config.packet_buffers / 4 / workers;
  return fragments;
}

std::shared_ptr<Snapshot> EmptySnapshot(size_t workers) {
  auto snapshot = std::make_shared<Snapshot>();
  snapshot->ports.resize(1);
  snapshot->polled.resize(workers);
  return snapshot;
}

PortCounters Minus(PortCounters now, const PortCounters& before) {
  now.rx_packets -= before.rx_packets;
  now.rx_bytes -= before.rx_bytes;
  now.tx_packets -= before.tx_packets;
  now.tx_bytes -= before.tx_bytes;
  now.answered -= before.answered;
  for (size_t i = 0; i < kMaxQueues; ++i) {
    now.rx_queue_packets[i] -= before.rx_queue_packets[i];
    now.tx_queue_packets[i] -= before.tx_queue_packets[i];
  }
  for (size_t i = 0; i < kDropReasonCount; ++i) now.drops[i] -= before.drops[i];
  return now;
}

ConnectionTableConfig TableConfig(const SwitchConfig& config) {
  const auto wall = std::chrono::system_clock::now().time_since_epoch();
  return {.capacity = config.connection_capacity,
          .workers = static_cast<unsigned>(config.worker_cores.size()),
          .port_share = config.connection_share,
          .file = config.connection_file,
          .now_ms = CoarseNowMs(),
          .wall_ms = static_cast<uint64_t>(
              std::chrono::duration_cast<std::chrono::milliseconds>(wall).count()),
          .tracking = config.tracking};
}

// What makes a port the same subject after a restart. A pod is known by its UID only: a name may be
// another pod's by now.
std::string IdentityOf(const PortSpec& spec) {
  if (spec.role != PortRole::kPod || spec.pod_uid.empty()) return "";
  return fmt::format("{}/{}/{}", spec.network, spec.name, spec.pod_uid);
}

acl::IpAddress AddressOf(const ConnectionKey& key, const ConnectionEnd& end) {
  const auto family = static_cast<acl::Family>(key.family);
  return acl::IpAddress::FromBytes(family, end.address);
}

ConnectionInfo Describe(const Connection& connection, uint32_t now_ms) {
  const ConnectionEnd& initiator = connection.Initiator();
  const ConnectionEnd& responder = connection.Responder();
  ConnectionInfo info;
  info.network = connection.key.network;
  info.protocol = connection.key.protocol;
  info.initiator = AddressOf(connection.key, initiator);
  info.responder = AddressOf(connection.key, responder);
  info.initiator_port = initiator.port;
  info.responder_port = responder.port;
  info.initiator_subject = initiator.subject.port;
  info.responder_subject = responder.subject.port;
  info.state = ConnectionStateName(StateOf(connection));
  info.verdict_epoch = connection.verdict_epoch.load(std::memory_order_relaxed);
  info.idle_ms = IdleMs(connection, now_ms);
  return info;
}

}  // namespace

struct Switch::Impl {
  explicit Impl(const SwitchConfig& c)
      : config(c),
        quiescence(static_cast<unsigned>(c.worker_cores.size()) + 1),  // + who walks the table
        current(EmptySnapshot(c.worker_cores.size())),
        published(current.get()) {}

  PortCounters RawCounters(PortId id) const;
  absl::StatusOr<rte_mempool*> PoolFor(const PortSpec& spec);
  absl::Status MakeMirrorPool();
  absl::StatusOr<SubjectRef> ChooseSubject(const PortSpec& spec);
  void PutInForce(std::unique_ptr<const Snapshot> snapshot);

  const SwitchConfig config;
  PacketPool pool, pieces;
  PacketPool jumbo, mirrored;  // each made when the first port needs it
  Quiescence quiescence;
  std::unique_ptr<ConnectionTable> connections;
  TxPorts tx_ports;
  std::unique_ptr<TapWatch> taps;
  PollClaims claims;
  std::vector<std::unique_ptr<Worker>> workers;
  std::vector<Launch> launches;
  std::atomic<bool> running{true};

  std::atomic<uint32_t> attention{0};   // who watches: workers look at it once a burst
  Journal control_journal{&attention};  // of what the control thread closes
  mutable std::mutex capture_mutex;
  std::shared_ptr<Capture> capture;      // guarded by it
  std::atomic<Capture*> shown{nullptr};  // the same, for workers
  std::mutex stage_watchers_mutex;
  unsigned stage_watchers = 0;  // guarded by it

  std::shared_ptr<const Snapshot> current;  // control thread
  std::atomic<const Snapshot*> published;   // workers
  std::atomic<uint64_t> epoch{0};
  mutable std::mutex slots_mutex;  // guards slots, and the making of pools
  std::array<Slot, kMaxPorts> slots;
};

Switch::Switch(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

absl::StatusOr<std::unique_ptr<Switch>> Switch::Create(const SwitchConfig& config) {
  const auto workers = static_cast<unsigned>(config.worker_cores.size());
  if (workers == 0 || workers != rte_lcore_count() - 1) {
    return absl::InvalidArgumentError(
        fmt::format("workers: {} asked for, the EAL has {} lcores beside its main one", workers,
                    rte_lcore_count() - 1));
  }
  auto impl = std::make_unique<Impl>(config);
  absl::StatusOr<PacketPool> pool = PacketPool::Create("sluice_packets", config.packet_buffers);
  if (!pool.ok()) return pool.status();
  impl->pool = *std::move(pool);
  absl::StatusOr<PacketPool> pieces = PacketPool::Create(
      "sluice_pieces", std::max(kMinPieces, config.packet_buffers / kBuffersPerPiece));
  if (!pieces.ok()) return pieces.status();
  impl->pieces = *std::move(pieces);
  impl->tx_ports.pieces = impl->pieces.get();
  auto connections = ConnectionTable::Create(TableConfig(config), &impl->quiescence);
  if (!connections.ok()) return connections.status();
  impl->connections = *std::move(connections);
  auto taps = TapWatch::Start();
  if (!taps.ok()) return taps.status();
  impl->taps = *std::move(taps);

  std::vector<Journal*> journals;
  for (unsigned index = 0; index < workers; ++index) {
    impl->workers.push_back(
        std::make_unique<Worker>(WorkerConfig{.index = index,
                                              .idle_sleep_us = config.idle_sleep_us,
                                              .fragments = FragmentsOf(config),
                                              .attention = &impl->attention,
                                              .capture = &impl->shown},
                                 &impl->published, impl->connections.get(), &impl->quiescence,
                                 &impl->tx_ports, &impl->claims));
    journals.push_back(&impl->workers.back()->journal());
  }
  journals.push_back(&impl->control_journal);
  impl->connections->SetJournals(std::move(journals));

  unsigned lcore = rte_get_next_lcore(-1u, /*skip_main=*/1, /*wrap=*/0);
  impl->launches.reserve(workers);
  for (const auto& worker : impl->workers) {
    impl->launches.push_back({worker.get(), &impl->running});
    if (rte_eal_remote_launch(RunWorker, &impl->launches.back(), lcore) != 0) {
      impl->running = false;
      rte_eal_mp_wait_lcore();
      return absl::InternalError(fmt::format("lcore {} does not take a worker", lcore));
    }
    lcore = rte_get_next_lcore(lcore, 1, 0);
  }
  return std::unique_ptr<Switch>(new Switch(std::move(impl)));
}

Switch::~Switch() {
  impl_->running = false;
  rte_eal_mp_wait_lcore();
  for (Launch& launch : impl_->launches) ThreadJoined(&launch);
  for (Slot& slot : impl_->slots) slot.device.reset();
}

absl::StatusOr<rte_mempool*> Switch::Impl::PoolFor(const PortSpec& spec) {
  if (!NeedsJumboBuffers(spec)) return pool.get();
  if (jumbo.get() == nullptr) {
    absl::StatusOr<PacketPool> made = PacketPool::Create("sluice_jumbo", kJumboBuffers, kJumboRoom);
    if (!made.ok()) return made.status();
    const std::scoped_lock lock(slots_mutex);
    jumbo = *std::move(made);
  }
  return jumbo.get();
}

absl::Status Switch::Impl::MakeMirrorPool() {
  if (mirrored.get() != nullptr) return absl::OkStatus();
  absl::StatusOr<PacketPool> made = PacketPool::Create("sluice_mirrored", kMirrorBuffers);
  if (!made.ok()) return made.status();
  const std::scoped_lock lock(slots_mutex);
  mirrored = *std::move(made);
  tx_ports.mirrored = mirrored.get();
  return absl::OkStatus();
}

unsigned Switch::worker_count() const { return static_cast<unsigned>(impl_->workers.size()); }

absl::StatusOr<AttachedPort> Switch::AttachPort(const PortSpec& spec) {
  if (absl::Status valid = Validate(spec); !valid.ok()) return valid;
  const absl::StatusOr<SubjectRef> subject = impl_->ChooseSubject(spec);
  if (!subject.ok()) return subject.status();
  absl::StatusOr<rte_mempool*> pool = impl_->PoolFor(spec);
  if (!pool.ok()) return pool.status();
  if (spec.role == PortRole::kMirror) {
    if (absl::Status made = impl_->MakeMirrorPool(); !made.ok()) return made;
  }
  absl::StatusOr<PortDevice> device =
      PortDevice::Open(spec, {.pool = *pool,
                              .tx = &impl_->tx_ports.ports[subject->port],
                              .readers = &impl_->quiescence,
                              .taps = impl_->taps.get(),
                              .pci = impl_->config.pci});
  if (!device.ok()) return device.status();

  impl_->connections->NameSubject(*subject, IdentityOf(spec));
  const std::scoped_lock lock(impl_->slots_mutex);
  Slot& slot = impl_->slots[subject->port];
  slot.device = *std::move(device);
  slot.name = spec.name;
  slot.generation = subject->generation;
  slot.before = impl_->RawCounters(subject->port);
  return AttachedPort{subject->port, slot.device->io(), slot.generation};
}

// The subject that the port was in an earlier process; else the next generation of a free slot,
// last of all of one that an earlier process' port may still come back to.
absl::StatusOr<SubjectRef> Switch::Impl::ChooseSubject(const PortSpec& spec) {
  PortId chosen = kNoPort;
  bool chosen_is_kept = true;
  for (PortId id = 1; id < kMaxPorts; ++id) {
    if (slots[id].device.has_value() && slots[id].name == spec.name) {
      return absl::AlreadyExistsError(fmt::format("port {}: the name is in use", spec.name));
    }
    const bool kept = !connections->subject(id).identity().empty();
    if (slots[id].device.has_value() || (chosen != kNoPort && (kept || !chosen_is_kept))) continue;
    chosen = id;
    chosen_is_kept = kept;
  }
  const std::optional<SubjectRef> former = connections->FindSubject(IdentityOf(spec));
  if (former.has_value() && !slots[former->port].device.has_value()) return *former;
  if (chosen == kNoPort) {
    return absl::ResourceExhaustedError(
        fmt::format("port {}: all {} slots are in use", spec.name, kMaxPorts - 1));
  }
  const uint16_t last = connections->subject(chosen).generation();
  if (chosen_is_kept) connections->RemoveSubject({chosen, last});
  // {0, 0} is "no subject"
  return SubjectRef{chosen, static_cast<uint16_t>(last == UINT16_MAX ? 1 : last + 1)};
}

absl::Status Switch::DetachPort(PortId id) {
  Slot& slot = impl_->slots.at(id);
  if (!slot.device.has_value()) {
    return absl::NotFoundError(fmt::format("port slot {} is empty", id));
  }
  const auto& ports = impl_->current->ports;
  if (id < ports.size() && ports[id].in_use) {
    return absl::FailedPreconditionError(
        fmt::format("port {}: the snapshot in force still has it", slot.name));
  }
  impl_->connections->RemoveSubject({id, slot.generation});
  impl_->connections->NameSubject({id, slot.generation}, "");
  std::optional<PortDevice> closing;  // closed outside the lock: it may wait for the peer
  {
    const std::scoped_lock lock(impl_->slots_mutex);
    closing = std::exchange(slot.device, std::nullopt);
    slot.name.clear();
  }
  return absl::OkStatus();
}

void Switch::Impl::PutInForce(std::unique_ptr<const Snapshot> snapshot) {
  const std::shared_ptr<const Snapshot> previous =
      std::exchange(current, std::shared_ptr<const Snapshot>(std::move(snapshot)));
  published.store(current.get(), std::memory_order_release);
  quiescence.Wait();
}

void Switch::Publish(std::unique_ptr<const Snapshot> snapshot) {
  if (auto between = WithoutMovingPorts(*impl_->current, *snapshot)) {
    impl_->PutInForce(std::move(between));
  }
  impl_->PutInForce(std::move(snapshot));
  impl_->epoch.store(impl_->current->epoch, std::memory_order_release);
}

uint64_t Switch::epoch() const { return impl_->epoch.load(std::memory_order_acquire); }

bool Switch::PortLinkUp(PortId id) const {
  const std::scoped_lock lock(impl_->slots_mutex);
  const Slot& slot = impl_->slots.at(id);
  return slot.device.has_value() && slot.device->LinkUp();
}

PortCounters Switch::Impl::RawCounters(PortId id) const {
  PortCounters sum;
  for (const auto& worker : workers) {
    const PortTally& port = worker->tally().ports.at(id);
    sum.rx_packets += port.rx_packets.Read();
    sum.rx_bytes += port.rx_bytes.Read();
    sum.tx_packets += port.tx_packets.Read();
    sum.tx_bytes += port.tx_bytes.Read();
    sum.answered += port.answered.Read();
    for (size_t i = 0; i < kMaxQueues; ++i) {
      const QueueTally& queue = worker->tally().queues.at(id)[i];
      sum.rx_queue_packets[i] += queue.rx_packets.Read();
      sum.tx_queue_packets[i] += queue.tx_packets.Read();
    }
    for (size_t i = 0; i < kDropReasonCount; ++i) sum.drops[i] += port.drops[i].Read();
  }
  return sum;
}

PortCounters Switch::ReadPortCounters(PortId id) const {
  const std::scoped_lock lock(impl_->slots_mutex);
  return Minus(impl_->RawCounters(id), impl_->slots.at(id).before);
}

WorkerCounters Switch::ReadWorkerCounters(unsigned worker) const {
  const Tally& tally = impl_->workers.at(worker)->tally();
  WorkerCounters counters;
  counters.loops = tally.loops.Read();
  counters.busy_loops = tally.busy_loops.Read();
  counters.packets = tally.packets.Read();
  counters.classified = tally.classified.Read();
  counters.busy_cycles = tally.busy_cycles.Read();
  counters.cycles = tally.cycles.Read();
  counters.sleeps = tally.sleeps.Read();
  const StageTally& stages = impl_->workers.at(worker)->stages();
  counters.sampled_packets = stages.packets.Read();
  for (unsigned i = 0; i < kStageCount; ++i) counters.stage_cycles[i] = stages.cycles[i].Read();
  counters.connections_created = impl_->connections->CreatedBy(worker);
  counters.connections_removed = impl_->connections->RemovedBy(worker);
  counters.connections_evicted = impl_->connections->EvictedBy(worker);
  counters.events_waiting = impl_->workers.at(worker)->journal().events().level();
  const std::shared_ptr<Capture> running = capture();
  if (running != nullptr) counters.capture_bytes_waiting = running->level(worker);
  return counters;
}

std::vector<std::pair<Denial, uint64_t>> Switch::ReadDenials() const {
  std::vector<std::pair<Denial, uint64_t>> denials;
  for (const auto& worker : impl_->workers) {
    worker->journal().denials().ForEach(
        [&](const Denial& denial, uint64_t packets) { denials.emplace_back(denial, packets); });
  }
  return denials;
}

absl::StatusOr<TraceReport> Switch::Trace(unsigned worker, const AttachedPort& port,
                                          std::span<const uint8_t> frame) const {
  constexpr uint32_t kTimeoutMs = 2000;
  return impl_->workers.at(worker)->mailbox().Ask(port.id, port.generation, frame, kTimeoutMs);
}

void Switch::WatchEvents(bool on) {
  if (on) {
    impl_->attention.fetch_or(kWatchEvents, std::memory_order_relaxed);
  } else {
    impl_->attention.fetch_and(~uint32_t{kWatchEvents}, std::memory_order_relaxed);
  }
}

void Switch::DrainEvents(const std::function<void(const ConnectionEvent&)>& visit) {
  for (const auto& worker : impl_->workers) worker->journal().events().Drain(visit);
  impl_->control_journal.events().Drain(visit);
}

uint64_t Switch::LostEvents() const {
  uint64_t lost = impl_->control_journal.events().lost();
  for (const auto& worker : impl_->workers) lost += worker->journal().events().lost();
  return lost;
}

absl::StatusOr<std::shared_ptr<Capture>> Switch::StartCapture(const CaptureConfig& config) {
  const std::scoped_lock lock(impl_->capture_mutex);
  if (impl_->capture != nullptr) {
    return absl::FailedPreconditionError("capture: another one is under way");
  }
  impl_->capture = std::make_shared<Capture>(config, worker_count());
  impl_->shown.store(impl_->capture.get(), std::memory_order_release);
  impl_->quiescence.Wait();
  return impl_->capture;
}

void Switch::StopCapture(const std::shared_ptr<Capture>& capture) {
  const std::scoped_lock lock(impl_->capture_mutex);
  if (impl_->capture != capture) return;
  impl_->shown.store(nullptr, std::memory_order_release);
  impl_->quiescence.Wait();
  impl_->capture = nullptr;
}

std::shared_ptr<Capture> Switch::capture() const {
  const std::scoped_lock lock(impl_->capture_mutex);
  return impl_->capture;
}

void Switch::WatchStages(bool on) {
  const std::scoped_lock lock(impl_->stage_watchers_mutex);
  impl_->stage_watchers += on ? 1 : -1;
  if (impl_->stage_watchers > 0) {
    impl_->attention.fetch_or(kWatchStages, std::memory_order_relaxed);
  } else {
    impl_->attention.fetch_and(~uint32_t{kWatchStages}, std::memory_order_relaxed);
  }
}

uint32_t Switch::connection_count() const { return impl_->connections->size(); }

uint32_t Switch::buffers_in_use() const { return impl_->pool.in_use(); }

std::vector<PoolLevel> Switch::pools() const {
  const std::pair<const char*, const PacketPool*> all[] = {{"packets", &impl_->pool},
                                                           {"pieces", &impl_->pieces},
                                                           {"jumbo", &impl_->jumbo},
                                                           {"mirrored", &impl_->mirrored}};
  const std::scoped_lock lock(impl_->slots_mutex);
  std::vector<PoolLevel> levels;
  for (const auto& [name, pool] : all) {
    if (pool->get() == nullptr) continue;
    levels.push_back({name, pool->size(), pool->in_use()});
  }
  return levels;
}

uint32_t Switch::packet_buffers() const { return impl_->config.packet_buffers; }

uint32_t Switch::devices_in_use() const { return rte_eth_dev_count_total(); }

uint32_t Switch::device_slots() const { return RTE_MAX_ETHPORTS; }

void Switch::VisitConnections(const std::function<bool(const ConnectionInfo&)>& visit) const {
  const uint32_t now_ms = CoarseNowMs();
  impl_->connections->Visit(
      [&](const Connection& connection) { return visit(Describe(connection, now_ms)); });
}

}  // namespace sluice::dataplane
