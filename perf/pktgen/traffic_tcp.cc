#include "perf/pktgen/traffic_tcp.h"

#include <rte_cycles.h>
#include <rte_mbuf.h>
#include <rte_pause.h>
#include <rte_prefetch.h>
#include <rte_tcp.h>

#include <algorithm>

namespace sluice::pktgen {
namespace {

constexpr double kQuietSeconds = 0.2;   // nothing arrived for this long: the rest is lost
constexpr double kStuckSeconds = 0.25;  // ... and what fills the window is not waited for
constexpr uint32_t kOurs = 1'000, kPeers = 5'000;  // first sequence numbers
constexpr uint8_t kSynFlag = RTE_TCP_SYN_FLAG, kAckFlag = RTE_TCP_ACK_FLAG,
                  kPshFlag = RTE_TCP_PSH_FLAG, kFinFlag = RTE_TCP_FIN_FLAG;

double Seconds(uint64_t tsc) {
  return static_cast<double>(tsc) / static_cast<double>(rte_get_tsc_hz());
}
uint64_t Cycles(double seconds) {
  return static_cast<uint64_t>(seconds * static_cast<double>(rte_get_tsc_hz()));
}

TrafficFrame MakeFrame(const TrafficRequest& request, TrafficFrame::Kind kind) {
  if (kind.payload) kind.size = request.sizes[0];
  return {request.space, kind};
}

}  // namespace

TrafficTcp::TrafficTcp(const TrafficRequest& request, bool open_only, TrafficPorts& ports,
                       uint32_t first)
    : request_(request),
      open_only_(open_only),
      ports_(ports),
      frames_([this]() -> std::array<TrafficFrame, kSteps> {
        using Kind = TrafficFrame::Kind;
        const TrafficFrame data = MakeFrame(
            request_, Kind{.tcp_flags = kPshFlag | kAckFlag, .seq = kOurs + 1, .ack = kPeers + 1});
        const uint32_t end = kOurs + 1 + data.payload_size();
        const auto bare = [&](bool reversed, uint8_t flags, uint32_t seq, uint32_t ack) {
          return MakeFrame(request_, Kind{.reversed = reversed,
                                          .payload = false,
                                          .tcp_flags = flags,
                                          .seq = seq,
                                          .ack = ack});
        };
        return {bare(false, kSynFlag, kOurs, 0),
                bare(true, kSynFlag | kAckFlag, kPeers, kOurs + 1),
                bare(false, kAckFlag, kOurs + 1, kPeers + 1),
                data,
                bare(true, kFinFlag | kAckFlag, kPeers + 1, end),
                bare(false, kFinFlag | kAckFlag, end, kPeers + 2),
                bare(true, kAckFlag, kPeers + 2, end + 1)};
      }()),
      next_(open_only ? 0 : static_cast<uint32_t>(first % request.space.count())) {}

TrafficTcp::Step TrafficTcp::After(Step step) const {
  switch (step) {
    case kSyn:
      return kSynAck;
    case kSynAck:
      return open_only_ ? kAck : kData;
    case kData:
      return kPeerFin;
    case kPeerFin:
      return kFin;
    case kFin:
      return kLastAck;
    default:
      return kSteps;
  }
}

// Which end it arrived at and its flags say it all; data and its bare acknowledgement differ in
// size or, at the least size, in the mode.
TrafficTcp::Step TrafficTcp::StepOf(const uint8_t* data, uint32_t size, bool at_peer,
                                    uint32_t& flow) const {
  const uint8_t flags = size >= TrafficFrame::kLeast ? frames_[kSyn].TcpFlags(data) : 0;
  Step step = kSteps;
  if (at_peer) {
    if (flags == kSynFlag) step = kSyn;
    if (flags == kAckFlag) step = kAck;
    if (flags == (kPshFlag | kAckFlag)) step = kData;
    if (flags == (kFinFlag | kAckFlag)) step = kFin;
  } else {
    if (flags == (kSynFlag | kAckFlag)) step = kSynAck;
    if (flags == (kFinFlag | kAckFlag)) step = kPeerFin;
    if (flags == kAckFlag) step = kLastAck;
  }
  if (step == kSteps) return step;
  const std::optional<uint32_t> read = frames_[step].Read(data, size);
  flow = read.value_or(0);
  return read ? step : kSteps;
}

void TrafficTcp::Put(VirtioPort& port, Step step, uint32_t flow, uint64_t tsc) {
  Queue& queue = QueueOf(port);
  rte_mbuf* packet = queue.count < kBurst ? rte_pktmbuf_alloc(ports_.pool()) : nullptr;
  if (packet == nullptr) {
    ++refused_;
    return;
  }
  const TrafficFrame& frame = frames_[step];
  frame.Write(rte_pktmbuf_mtod(packet, uint8_t*), flow, tsc);
  packet->data_len = frame.size();
  packet->pkt_len = frame.size();
  queue.packets[queue.count++] = packet;
}

void TrafficTcp::Flush(VirtioPort& port) {
  Queue& queue = QueueOf(port);
  if (queue.count == 0) return;
  const uint16_t taken = port.SendBurst({queue.packets.data(), queue.count});
  packets_ += taken;
  std::copy(queue.packets.begin() + taken, queue.packets.begin() + queue.count,
            queue.packets.begin());
  queue.count -= taken;
}

// A port whose answers still wait for room is not read.
bool TrafficTcp::Poll(VirtioPort& port, bool at_peer, uint64_t tsc) {
  Flush(port);
  if (QueueOf(port).count > 0) return false;
  std::array<rte_mbuf*, kBurst> packets;
  const uint16_t count = port.Receive(packets);
  for (uint16_t i = 0; i < count; ++i) rte_prefetch0(rte_pktmbuf_mtod(packets[i], const void*));
  for (uint16_t i = 0; i < count; ++i) {
    uint32_t flow = 0;
    const Step step =
        StepOf(rte_pktmbuf_mtod(packets[i], const uint8_t*), packets[i]->pkt_len, at_peer, flow);
    const Step answer = After(step);
    if (step == kSteps) {
      ++unexpected_;
    } else if (answer != kSteps) {
      Put(port, answer, flow, tsc);
    } else {
      ++completed_;
    }
  }
  rte_pktmbuf_free_bulk(packets.data(), count);
  Flush(port);
  return count > 0;
}

bool TrafficTcp::MayStart(uint64_t tsc) const {
  if (open_only_) return started_ < request_.flows;
  return request_.seconds > 0 ? tsc < stop_tsc_ : started_ < request_.packets;
}

void TrafficTcp::Start(uint64_t tsc) {
  while (MayStart(tsc) && started_ - completed_ - forgiven_ < request_.window &&
         to_peer_.count < kBurst) {
    Put(ports_.from(), kSyn, next_, tsc);
    next_ = static_cast<uint32_t>((next_ + uint64_t{1}) % request_.space.count());
    ++started_;
  }
  Flush(ports_.from());
}

void TrafficTcp::Forgive(uint64_t tsc) {
  if (tsc < last_arrival_tsc_ + Cycles(kStuckSeconds)) return;
  forgiven_ = started_ - completed_;
  last_arrival_tsc_ = tsc;
}

void TrafficTcp::Run(const std::atomic<bool>& stop) {
  uint64_t tsc = rte_rdtsc();
  start_tsc_ = last_arrival_tsc_ = tsc;
  stop_tsc_ = tsc + Cycles(request_.seconds);
  while (MayStart(tsc) && !stop) {
    const uint64_t started = started_;
    Start(tsc);
    const bool at_peer = Poll(ports_.to(), true, tsc);
    const bool here = Poll(ports_.from(), false, tsc);
    const uint64_t now = rte_rdtsc();
    if (at_peer || here) {
      last_arrival_tsc_ = now;
    } else if (started_ == started) {
      rte_pause();
      spare_cycles_ += now - tsc;
      Forgive(now);
    }
    tsc = now;
  }
  end_tsc_ = tsc;
  completed_at_stop_ = completed_;
  while (completed_ < started_ && tsc < last_arrival_tsc_ + Cycles(kQuietSeconds) && !stop) {
    tsc = rte_rdtsc();
    const bool at_peer = Poll(ports_.to(), true, tsc);
    const bool here = Poll(ports_.from(), false, tsc);
    if (at_peer || here) last_arrival_tsc_ = tsc;
  }
}

Json TrafficTcp::Answer() const {
  const double seconds = Seconds(end_tsc_ - start_tsc_);
  return {{"ok", completed_ == started_},
          {"started", started_},
          {"completed", completed_},
          {"lost", started_ - std::min(started_, completed_)},
          {"unexpected", unexpected_},
          {"refused", refused_},
          {"packets", packets_},
          {"connections_per_second", static_cast<double>(completed_at_stop_) / seconds},
          {"seconds", seconds},
          {"spare", Seconds(spare_cycles_) / seconds}};
}

}  // namespace sluice::pktgen
