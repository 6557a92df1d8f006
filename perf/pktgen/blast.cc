#include "perf/pktgen/blast.h"

#include <fmt/core.h>
#include <rte_cycles.h>
#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_mempool.h>
#include <rte_udp.h>

#include <algorithm>

namespace sluice::pktgen {
namespace {

constexpr uint16_t kFirstSourcePort = 1'024;
constexpr uint64_t kResolveNs = 2'000'000'000;
constexpr double kQuietSeconds = 0.3;  // nothing received for this long: the rest is lost
constexpr int kRoundsPerStep = 64;

size_t HeaderSize(Family family) {
  const size_t ip = family == Family::kIpv4 ? sizeof(rte_ipv4_hdr) : sizeof(rte_ipv6_hdr);
  return sizeof(rte_ether_hdr) + ip + sizeof(rte_udp_hdr);
}

struct Frames {
  Path path;
  uint16_t port = 0;
  Frame payload;
  uint64_t flows = 1;

  Frame Build(uint64_t flow) const {
    return BuildUdpFrame(path, static_cast<uint16_t>(kFirstSourcePort + flow), port, payload);
  }
};

void WriteFrame(rte_mempool*, void* opaque, void* object, unsigned index) {
  const auto* frames = static_cast<const Frames*>(opaque);
  auto* packet = static_cast<rte_mbuf*>(object);
  const Frame frame = frames->Build(index % frames->flows);
  std::memcpy(static_cast<uint8_t*>(packet->buf_addr) + RTE_PKTMBUF_HEADROOM, frame.data(),
              frame.size());
}

double Seconds(uint64_t tsc) {
  return static_cast<double>(tsc) / static_cast<double>(rte_get_tsc_hz());
}

}  // namespace

absl::StatusOr<std::unique_ptr<Blast>> Blast::Create(const BlastRequest& request, Pod& from,
                                                     Pod& to, BlastPools& pools) {
  const size_t stamp = request.latency ? BlastLatency::kStampSize : 0;
  const size_t least = HeaderSize(request.address.family) + stamp + RTE_ETHER_CRC_LEN;
  if (request.size < least) {
    return absl::InvalidArgumentError(fmt::format("blast: size: {} is below the {} bytes of the {}",
                                                  request.size, least,
                                                  stamp > 0 ? "headers and a stamp" : "headers"));
  }
  const auto frame_size = static_cast<uint16_t>(request.size - RTE_ETHER_CRC_LEN);
  const absl::StatusOr<rte_mempool*> pool = pools.Make(request.flows, frame_size);
  if (!pool.ok()) return pool.status();
  std::unique_ptr<Blast> blast(new Blast(request, from, to, pools));
  blast->pool_ = *pool;
  blast->frame_size_ = frame_size;
  if (request.latency) {
    blast->latency_.emplace(rte_get_tsc_hz());
    blast->sink_.latency = &*blast->latency_;
  }
  to.AddSink(&blast->sink_);
  return blast;
}

Blast::~Blast() {
  to_.RemoveSink(&sink_);
  rte_pktmbuf_free_bulk(burst_.data() + burst_first_, burst_end_ - burst_first_);
  pools_.Retire(pool_);
}

bool Blast::Step(uint64_t now_ns) {
  if (phase_ == Phase::kSending) return StepSending(now_ns);
  if (phase_ == Phase::kDraining) return StepDraining(now_ns);
  if (!resolve_deadline_ns_) resolve_deadline_ns_ = now_ns + kResolveNs;
  const std::optional<MacAddress> mac = from_.stack().Resolve(request_.address, now_ns);
  if (mac) Start(*mac);
  return !mac && now_ns >= *resolve_deadline_ns_;
}

void Blast::Start(const MacAddress& mac) {
  const IpAddress source = from_.stack().SourceFor(request_.address).value();
  Frames frames{.path = {from_.stack().config().mac, mac, source, request_.address},
                .port = request_.port,
                .payload = Frame(frame_size_ - HeaderSize(request_.address.family)),
                .flows = request_.flows};
  rte_mempool_obj_iter(pool_, WriteFrame, &frames);
  sink_.sample = frames.Build(0);
  sink_.l4_offset = HeaderSize(request_.address.family) - sizeof(rte_udp_hdr);
  const auto cycles = request_.seconds * static_cast<double>(rte_get_tsc_hz());
  start_tsc_ = last_receive_tsc_ = rte_rdtsc();
  stop_tsc_ = start_tsc_ + static_cast<uint64_t>(cycles);
  phase_ = Phase::kSending;
}

bool Blast::StepSending(uint64_t now_ns) {
  for (int round = 0; round < kRoundsPerStep; ++round) {
    const uint64_t tsc = rte_rdtsc();
    if (tsc >= stop_tsc_) {
      end_tsc_ = tsc;
      phase_ = Phase::kDraining;
      break;
    }
    Send(tsc);
    Receive(now_ns);
  }
  return false;
}

bool Blast::StepDraining(uint64_t now_ns) {
  Receive(now_ns);
  const uint64_t quiet_since = std::max(end_tsc_, last_receive_tsc_);
  if (sink_.received < sent_ && Seconds(rte_rdtsc() - quiet_since) < kQuietSeconds) return false;
  Count();
  return true;
}

uint64_t Blast::Allowed(uint64_t tsc) const {
  if (request_.rate_pps == 0) return UINT64_MAX;
  return static_cast<uint64_t>(Seconds(tsc - start_tsc_) * static_cast<double>(request_.rate_pps));
}

void Blast::Send(uint64_t tsc) {
  if (burst_first_ == burst_end_) {
    const uint64_t due = Allowed(tsc) - std::min(Allowed(tsc), sent_);
    const auto count = static_cast<uint16_t>(std::min<uint64_t>(due, burst_.size()));
    if (count == 0 || rte_pktmbuf_alloc_bulk(pool_, burst_.data(), count) != 0) return;
    for (uint16_t i = 0; i < count; ++i) {
      burst_[i]->data_len = frame_size_;
      burst_[i]->pkt_len = frame_size_;
    }
    burst_first_ = 0;
    burst_end_ = count;
  }
  const uint16_t left = burst_end_ - burst_first_;
  if (latency_) Stamp({burst_.data() + burst_first_, left});
  const uint16_t taken = from_.port().SendBurst({burst_.data() + burst_first_, left});
  burst_first_ += taken;
  sent_ += taken;
}

void Blast::Stamp(std::span<rte_mbuf* const> packets) const {
  const uint64_t tsc = rte_rdtsc();
  const auto payload = static_cast<uint16_t>(HeaderSize(request_.address.family));
  for (rte_mbuf* packet : packets) {
    BlastLatency::Stamp(rte_pktmbuf_mtod_offset(packet, uint8_t*, payload), tsc);
  }
}

void Blast::Receive(uint64_t now_ns) {
  if (latency_) latency_->Look(rte_rdtsc());
  const uint64_t before = sink_.received;
  to_.Poll(now_ns);
  if (sink_.received != before) last_receive_tsc_ = rte_rdtsc();
}

// The pods' counters know of every packet, also of these.
void Blast::Count() {
  constexpr auto kUdp = static_cast<size_t>(FrameKind::kUdp);
  const IpAddress source = from_.stack().SourceFor(request_.address).value();
  from_.stack().counters().sent[kUdp] += sent_;
  to_.stack().counters().received[kUdp] += sink_.received;
  if (sink_.received > 0) to_.stack().counters().udp_from[source] += sink_.received;
}

Json Blast::Answer() const {
  const double seconds = phase_ == Phase::kResolving ? 0 : Seconds(end_tsc_ - start_tsc_);
  const double receiving = Seconds(std::max(end_tsc_, last_receive_tsc_) - start_tsc_);
  const auto mpps = [](uint64_t packets, double over) {
    return over > 0 ? static_cast<double>(packets) / over / 1e6 : 0;
  };
  Json answer = {{"ok", phase_ != Phase::kResolving},
                 {"sent", sent_},
                 {"received", sink_.received},
                 {"lost", sent_ - std::min(sent_, sink_.received)},
                 {"mpps", mpps(sink_.received, receiving)},
                 {"mpps_sent", mpps(sent_, seconds)},
                 {"seconds", seconds}};
  if (latency_) answer["latency_us"] = latency_->Answer();
  return answer;
}

}  // namespace sluice::pktgen
