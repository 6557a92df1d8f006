#include "perf/pktgen/traffic_run.h"

#include <fmt/core.h>
#include <rte_cycles.h>
#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_mbuf.h>
#include <rte_pause.h>
#include <rte_prefetch.h>
#include <rte_tcp.h>

#include <algorithm>

namespace sluice::pktgen {
namespace {

constexpr double kQuietSeconds = 0.2;   // nothing arrived for this long: the rest is lost
constexpr double kStuckSeconds = 0.25;  // ... and what fills the window is not waited for
constexpr double kHeldUpSeconds = 20e-6;
constexpr double kProgressSeconds = 5;
constexpr uint64_t kSeed = 1;

double Hz() { return static_cast<double>(rte_get_tsc_hz()); }
double Seconds(uint64_t tsc) { return static_cast<double>(tsc) / Hz(); }
uint64_t Cycles(double seconds) { return static_cast<uint64_t>(seconds * Hz()); }

TrafficOrder::Config OrderOf(const TrafficRequest& request, uint32_t next_new) {
  const auto all = static_cast<uint32_t>(std::min<uint64_t>(request.space.count(), UINT32_MAX));
  return {.flows = request.flows,
          .zipf = request.zipf,
          .new_every = request.new_every,
          .first_new = request.flows,
          .new_flows = all - request.flows,
          .next_new = request.new_every == 0 ? 0 : next_new % (all - request.flows)};
}

TrafficFlows DeniedFlows(const TrafficRequest& request) {
  TrafficFlows flows = request.space;
  flows.protocol = TrafficProtocol::kTcp;
  flows.first_port = request.denied_port;
  flows.ports = 1;
  return flows;
}

}  // namespace

TrafficRun::TrafficRun(const TrafficRequest& request, TrafficPorts& ports, uint32_t next_new)
    : request_(request),
      ports_(ports),
      order_(OrderOf(request, next_new), kSeed),
      denied_flows_(DeniedFlows(request)),
      balance_(request.flows) {
  // TCP data of a connection that TrafficTcp opened, the same bytes over and over.
  TrafficFrame::Kind kind{.stamped = request.latency, .tcp_flags = RTE_TCP_ACK_FLAG};
  for (const uint16_t size : request_.sizes) {
    kind.size = size;
    kind.reversed = false, kind.seq = 1'001, kind.ack = 5'001;
    frames_.emplace_back(request_.space, kind);
    kind.reversed = true, kind.seq = 5'001, kind.ack = 1'001;
    replies_.emplace_back(request_.space, kind);
  }
  if (request_.denied_of_32 > 0) {
    denied_.emplace(denied_flows_,
                    TrafficFrame::Kind{.payload = false, .tcp_flags = RTE_TCP_SYN_FLAG});
  }
  if (request_.latency) latency_.emplace(rte_get_tsc_hz());
}

TrafficRun::~TrafficRun() {
  for (Pending* pending : {&sending_, &replying_}) {
    rte_pktmbuf_free_bulk(pending->packets.data() + pending->first, pending->count());
  }
}

void TrafficRun::Run(const std::atomic<bool>& stop) {
  const uint64_t held_up = Cycles(kHeldUpSeconds);
  uint64_t tsc = rte_rdtsc();
  start_tsc_ = last_arrival_tsc_ = tsc;
  stop_tsc_ = request_.seconds > 0 ? tsc + Cycles(request_.seconds) : UINT64_MAX;
  uint64_t progress_tsc = tsc + Cycles(kProgressSeconds);
  while (!Over(tsc) && !stop) {
    if (latency_) latency_->Look(tsc);
    const uint16_t done = Send(tsc) + Receive(tsc);
    ++turns_;
    if (done == 0) {
      ++idle_turns_;
      rte_pause();
      Forgive(tsc);
    }
    const uint64_t now = rte_rdtsc();
    if (now - tsc > held_up) {
      held_up_cycles_ += now - tsc;
    } else if (done == 0) {
      spare_cycles_ += now - tsc;
    }
    tsc = now;
    if (tsc > progress_tsc) {
      progress_tsc = tsc + Cycles(kProgressSeconds);
      fmt::print(stderr, "sluice-pktgen: {:.0f} s, {} sent, {} received\n",
                 Seconds(tsc - start_tsc_), tally_.sent, tally_.received);
    }
  }
  end_tsc_ = tsc;
  at_stop_ = tally_;
  Drain(stop);
}

bool TrafficRun::Over(uint64_t tsc) const {
  if (request_.seconds > 0) return tsc >= stop_tsc_;
  return tally_.sent + tally_.denied_sent >= request_.packets;
}

void TrafficRun::Drain(const std::atomic<bool>& stop) {
  const uint64_t quiet = Cycles(kQuietSeconds);
  while (!stop) {
    const uint64_t tsc = rte_rdtsc();
    if (latency_) latency_->Look(tsc);
    Flush(ports_.from(), sending_);
    Receive(tsc);
    const bool all = arrived() >= tally_.sent && request_.denied_of_32 == 0;
    if (all || tsc > std::max(end_tsc_, last_arrival_tsc_) + quiet) return;
  }
}

// A window full of packets that were lost would stop everything for good.
void TrafficRun::Forgive(uint64_t tsc) {
  if (tsc < last_arrival_tsc_ + Cycles(kStuckSeconds)) return;
  if (request_.window == 0 || tally_.sent - arrived() - forgiven_ < request_.window) return;
  forgiven_ = tally_.sent - arrived();
  last_arrival_tsc_ = tsc;
}

// How many packets may be put on the ring now.
uint64_t TrafficRun::Due(uint64_t tsc) const {
  const uint64_t sent = tally_.sent + tally_.denied_sent;
  uint64_t due = UINT64_MAX;
  if (request_.rate_pps != 0) {
    const auto allowed =
        static_cast<uint64_t>(Seconds(tsc - start_tsc_) * static_cast<double>(request_.rate_pps));
    due = allowed - std::min(allowed, sent);
  }
  if (request_.seconds == 0) due = std::min(due, request_.packets - sent);
  if (request_.window != 0) {
    const uint64_t under_way = tally_.sent - std::min(tally_.sent, arrived() + forgiven_);
    due = std::min(due, request_.window - std::min<uint64_t>(request_.window, under_way));
  }
  return due;
}

uint16_t TrafficRun::Send(uint64_t tsc) {
  if (sending_.count() == 0) {
    const auto count = static_cast<uint16_t>(std::min<uint64_t>(Due(tsc), kBurst));
    if (count == 0) return 0;
    Fill(count, tsc);
  }
  return Flush(ports_.from(), sending_);
}

bool TrafficRun::IsDenied() {
  if (request_.denied_of_32 == 0) return false;
  const bool denied = next_of_32_ < request_.denied_of_32;
  next_of_32_ = (next_of_32_ + 1) % 32;
  return denied;
}

void TrafficRun::Fill(uint16_t count, uint64_t tsc) {
  if (rte_pktmbuf_alloc_bulk(ports_.pool(), sending_.packets.data(), count) != 0) return;
  sending_.first = 0, sending_.end = count;
  // The switch's core has read them: fetch them all back before the first is written.
  for (uint16_t i = 0; i < count; ++i) {
    __builtin_prefetch(rte_pktmbuf_mtod(sending_.packets[i], const void*), 1);
  }
  for (uint16_t i = 0; i < count; ++i) {
    rte_mbuf* packet = sending_.packets[i];
    auto* data = rte_pktmbuf_mtod(packet, uint8_t*);
    if (IsDenied()) {
      denied_->Write(data, next_denied_, tsc);
      next_denied_ = static_cast<uint32_t>((next_denied_ + 1) % denied_flows_.count());
      packet->data_len = denied_->size();
      packet->pkt_len = denied_->size();
      ++tally_.denied_sent;
      continue;
    }
    const TrafficFrame& frame = frames_[next_size_];
    next_size_ = next_size_ + 1 == frames_.size() ? 0 : next_size_ + 1;
    const uint32_t flow = order_.Next();
    frame.Write(data, flow, tsc);
    if (flow < request_.flows) ++balance_[flow];
    packet->data_len = frame.size();
    packet->pkt_len = frame.size();
    if (request_.segment != 0) CutBy(*packet);
    ++tally_.sent;
  }
}

// Asks whoever sends this on to cut it. The checksum is then the pseudo header's, which nobody on
// the way between two pods of one machine looks at.
void TrafficRun::CutBy(rte_mbuf& packet) const {
  const bool ipv4 = request_.space.source.family == Family::kIpv4;
  packet.l2_len = sizeof(rte_ether_hdr);
  packet.l3_len = ipv4 ? sizeof(rte_ipv4_hdr) : sizeof(rte_ipv6_hdr);
  packet.l4_len = sizeof(rte_tcp_hdr);
  packet.tso_segsz = request_.segment;
  packet.ol_flags |= RTE_MBUF_F_TX_TCP_SEG | RTE_MBUF_F_TX_TCP_CKSUM |
                     (ipv4 ? RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_IP_CKSUM : RTE_MBUF_F_TX_IPV6);
}

uint16_t TrafficRun::Flush(VirtioPort& port, Pending& pending) {
  if (pending.count() == 0) return 0;
  const uint16_t taken = port.SendBurst({pending.packets.data() + pending.first, pending.count()});
  pending.first += taken;
  return taken;
}

uint16_t TrafficRun::Receive(uint64_t tsc) {
  const uint16_t replied = Flush(ports_.to(), replying_);
  std::array<rte_mbuf*, kBurst> packets;
  const uint16_t count = replying_.count() == 0 ? ports_.to().Receive(packets) : 0;
  Take({packets.data(), count}, tsc);
  const uint16_t replies = request_.reply ? ReceiveReplies() : 0;
  if (count + replies > 0) last_arrival_tsc_ = tsc;
  return static_cast<uint16_t>(replied + count + replies);
}

void TrafficRun::Take(std::span<rte_mbuf* const> packets, uint64_t tsc) {
  for (const rte_mbuf* packet : packets) rte_prefetch0(rte_pktmbuf_mtod(packet, const void*));
  std::array<uint32_t, kBurst> flows;
  size_t count = 0;
  for (const rte_mbuf* packet : packets) {
    const auto* data = rte_pktmbuf_mtod(packet, const uint8_t*);
    std::optional<uint32_t> flow;
    for (const TrafficFrame& frame : frames_) {
      flow = frame.Read(data, packet->pkt_len);
      if (!flow) continue;
      if (latency_) latency_->Take(frame.Stamp(data));
      break;
    }
    if (flow) {
      flows[count++] = *flow;
    } else {
      ++(IsDeniedPacket(*packet) ? tally_.denied_received : tally_.unexpected);
    }
  }
  tally_.received += count;
  for (size_t i = 0; i < count; ++i) {
    if (flows[i] < request_.flows) --balance_[flows[i]];
  }
  rte_pktmbuf_free_bulk(const_cast<rte_mbuf**>(packets.data()),
                        static_cast<unsigned>(packets.size()));
  if (request_.reply && count > 0) Reply({flows.data(), count}, tsc);
}

bool TrafficRun::IsDeniedPacket(const rte_mbuf& packet) const {
  return denied_ && denied_->Read(rte_pktmbuf_mtod(&packet, const uint8_t*), packet.pkt_len);
}

void TrafficRun::Reply(std::span<const uint32_t> flows, uint64_t tsc) {
  const auto count = static_cast<uint16_t>(flows.size());
  if (rte_pktmbuf_alloc_bulk(ports_.pool(), replying_.packets.data(), count) != 0) return;
  replying_.first = 0, replying_.end = count;
  for (uint16_t i = 0; i < count; ++i) {
    rte_mbuf* packet = replying_.packets[i];
    replies_[0].Write(rte_pktmbuf_mtod(packet, uint8_t*), flows[i], tsc);
    packet->data_len = replies_[0].size();
    packet->pkt_len = replies_[0].size();
  }
  tally_.replies_sent += count;
  Flush(ports_.to(), replying_);
}

uint16_t TrafficRun::ReceiveReplies() {
  std::array<rte_mbuf*, kBurst> packets;
  const uint16_t count = ports_.from().Receive(packets);
  for (uint16_t i = 0; i < count; ++i) rte_prefetch0(rte_pktmbuf_mtod(packets[i], const void*));
  for (uint16_t i = 0; i < count; ++i) {
    const auto* data = rte_pktmbuf_mtod(packets[i], const uint8_t*);
    ++(replies_[0].Read(data, packets[i]->pkt_len) ? tally_.replies_received : tally_.unexpected);
  }
  rte_pktmbuf_free_bulk(packets.data(), count);
  return count;
}

double TrafficRun::loss() const {
  return tally_.sent == 0 ? 0
                          : static_cast<double>(tally_.sent - std::min(tally_.sent, arrived())) /
                                static_cast<double>(tally_.sent);
}

double TrafficRun::sent_pps() const {
  return static_cast<double>(at_stop_.sent) / Seconds(end_tsc_ - start_tsc_);
}

Json TrafficRun::Answer() const {
  const uint64_t cycles = end_tsc_ - start_tsc_;
  const auto mpps = [&](uint64_t packets) {
    return static_cast<double>(packets) / Seconds(cycles) / 1e6;
  };
  const auto share = [&](uint64_t part) {
    return static_cast<double>(part) / static_cast<double>(cycles);
  };
  const auto with = [&](auto predicate) { return std::ranges::count_if(balance_, predicate); };
  Json answer = {{"ok", tally_.sent == tally_.received},
                 {"sent", tally_.sent},
                 {"received", tally_.received},
                 {"lost", tally_.sent - std::min(tally_.sent, tally_.received)},
                 {"unexpected", tally_.unexpected},
                 {"flows_short", with([](int32_t balance) { return balance > 0; })},
                 {"flows_over", with([](int32_t balance) { return balance < 0; })},
                 {"mpps", mpps(at_stop_.received + at_stop_.replies_received)},
                 {"mpps_sent", mpps(at_stop_.sent + at_stop_.replies_sent)},
                 {"seconds", Seconds(cycles)},
                 {"spare", share(spare_cycles_)},
                 {"idle_turns", static_cast<double>(idle_turns_) / static_cast<double>(turns_)},
                 {"held_up", share(held_up_cycles_)},
                 {"cycles_per_packet", static_cast<double>(cycles - spare_cycles_) /
                                           static_cast<double>(at_stop_.received)}};
  if (request_.reply) {
    answer["replies_sent"] = tally_.replies_sent;
    answer["replies_received"] = tally_.replies_received;
  }
  if (denied_) {
    answer["denied_sent"] = tally_.denied_sent;
    answer["denied_received"] = tally_.denied_received;
    answer["denied_mpps"] = mpps(at_stop_.denied_sent);
  }
  if (latency_) answer["latency_us"] = latency_->Answer();
  return answer;
}

}  // namespace sluice::pktgen
