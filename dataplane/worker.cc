#include "dataplane/worker.h"

#include <rte_cycles.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>

#include "dataplane/backoff.h"
#include "dataplane/clock.h"
#include "dataplane/tsan.h"

namespace sluice::dataplane {
namespace {

constexpr uint32_t kAgeingRoundMs = 4000;    // the pace: the whole table once in this time
constexpr unsigned kMaxAgeingPiece = 64;     // entries a loop
constexpr unsigned kRestAgeingPiece = 8192;  // where no packet waits
constexpr uint32_t kRestUs = 1000;           // a port that comes waits no longer

}  // namespace

Worker::Worker(const WorkerConfig& config, const std::atomic<const Snapshot*>* published,
               ConnectionTable* connections, Quiescence* quiescence, TxPorts* tx_ports,
               PollClaims* claims)
    : config_(config),
      published_(published),
      connections_(connections),
      quiescence_(quiescence),
      claims_(claims),
      journal_(config.attention),
      poll_set_(config.packets_per_quiet_look),
      pipeline_(config.index, config.fragments, config.reject, config.inspect, connections,
                tx_ports, &tally_, &journal_, &stages_) {}

void Worker::Run(const std::atomic<bool>& running) {
  Backoff backoff(config_.idle_sleep_us);
  prctl(PR_SET_TIMERSLACK, 1);  // ns; the default of 50 us would be most of a short sleep
  quiescence_->GoOnline(config_.index);
  while (running.load(std::memory_order_relaxed)) {
    const uint64_t started = rte_rdtsc();
    const bool busy = RunOnce(CoarseMsOf(started));
    quiescence_->Report(config_.index);
    const uint64_t took = rte_rdtsc() - started;
    tally_.cycles.Add(took);
    if (poll_set_.empty()) {
      Age(CoarseMsOf(started), kRestAgeingPiece);
      Sleep(kRestUs);
    } else if (busy) {
      tally_.busy_cycles.Add(took);
      backoff.Busy();
    } else if (const uint32_t us = backoff.Idle(); us != 0) {
      Sleep(us);
    }
  }
  quiescence_->GoOffline(config_.index);
}

bool Worker::RunOnce(uint32_t now_ms) {
  const Snapshot& snapshot = *published_->load(std::memory_order_acquire);
  if (mailbox_.Waiting()) {
    mailbox_.Serve([&](auto& request, auto& report) { return Trace(request, now_ms, report); });
  }
  pipeline_.ShowTo(Watcher());
  poll_set_.Follow(snapshot, config_.index);
  const bool busy = poll_set_.Turn([&](PortId port) { return Poll(snapshot, port, now_ms); });
  pipeline_.Flush(snapshot);
  pipeline_.Age(snapshot, now_ms);
  Age(now_ms, kMaxAgeingPiece);
  journal_.Sweep(now_ms);
  tally_.loops.Add(1);
  if (busy) tally_.busy_loops.Add(1);
  return busy;
}

// How many packets it found.
unsigned Worker::Poll(const Snapshot& snapshot, PortId port, uint32_t now_ms) {
  const PortView& view = snapshot.ports[port];
  unsigned found = 0;
  for (uint16_t queue = 0; queue < view.queues; ++queue) {  // the device skips disabled ones
    rte_mbuf* received[kBurstSize];
    claims_->Enter(port, config_.index);
    const uint16_t count = view.io.Receive(queue, received, kBurstSize);
    claims_->Leave(port, config_.index);
    if (count == 0) continue;
    found += count;
    tally_.queues[port][queue].rx_packets.Add(count);
    for (uint16_t i = 0; i < count; ++i) BufferTaken(received[i]);
    pipeline_.Process(snapshot, port, {received, count}, now_ms);
  }
  return found;
}

bool Worker::Trace(TraceRequest& request, uint32_t now_ms, TraceReport& report) {
  const Snapshot& snapshot = *published_->load(std::memory_order_acquire);
  const auto& polled = snapshot.polled[config_.index];
  if (std::find(polled.begin(), polled.end(), request.port) == polled.end()) return false;
  if (snapshot.ports[request.port].generation != request.generation) return false;
  pipeline_.Trace(snapshot, request.port, {request.frame.data(), request.length}, now_ms, &report);
  return true;
}

// Null: nobody.
Recorder* Worker::Watcher() const {
  if (config_.capture == nullptr) return nullptr;
  Capture* capture = config_.capture->load(std::memory_order_acquire);
  return capture == nullptr ? nullptr : &capture->recorder(config_.index);
}

// As much of the table as is due since the last turn, a bounded piece at a time; what is left over,
// after a sleep say, is due in the next turns.
void Worker::Age(uint32_t now_ms, unsigned most) {
  const uint32_t elapsed_ms = now_ms - aged_ms_;
  const uint64_t newly_due = uint64_t{elapsed_ms} * connections_->capacity() / kAgeingRoundMs;
  if (newly_due > 0) aged_ms_ = now_ms;
  ageing_due_ = std::min<uint64_t>(ageing_due_ + newly_due, connections_->capacity());
  if (ageing_due_ == 0) return;
  const auto piece = static_cast<unsigned>(std::min<uint64_t>(ageing_due_, most));
  ageing_due_ -= piece;
  connections_->Age(config_.index, now_ms, piece);
}

// Offline first, so that nobody waits for a sleeper.
void Worker::Sleep(uint32_t us) {
  quiescence_->GoOffline(config_.index);
  usleep(us);
  quiescence_->GoOnline(config_.index);
  tally_.sleeps.Add(1);
}

}  // namespace sluice::dataplane
