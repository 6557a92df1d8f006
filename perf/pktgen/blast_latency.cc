#include "perf/pktgen/blast_latency.h"

#include <algorithm>
#include <array>

namespace sluice::pktgen {
namespace {

constexpr double kGapUs = 20;
constexpr size_t kMostSamples = 8'000'000;

}  // namespace

BlastLatency::BlastLatency(uint64_t cycles_per_second)
    : cycles_per_us_(static_cast<double>(cycles_per_second) / 1e6) {}

// A word and its complement add nothing to a one's complement sum.
void BlastLatency::Stamp(uint8_t* payload, uint64_t tsc) {
  const std::array<uint64_t, 2> words = {tsc, ~tsc};
  static_assert(sizeof(words) == kStampSize);
  std::memcpy(payload, words.data(), sizeof(words));
}

void BlastLatency::Look(uint64_t tsc) {
  const bool gap =
      last_look_ != 0 && static_cast<double>(tsc - last_look_) > kGapUs * cycles_per_us_;
  if (gap) gap_end_ = tsc;
  last_look_ = tsc;
}

void BlastLatency::Take(Bytes payload) {
  const auto words = Load<std::array<uint64_t, 2>>(payload);
  if (!words || (*words)[0] != ~(*words)[1]) return;
  if (arrived_++ % kSampleEvery != 0 || samples_.size() == kMostSamples) return;
  const uint64_t sent = (*words)[0];
  if (sent < gap_end_) {
    ++waited_;
  } else {
    samples_.push_back(static_cast<uint32_t>(std::min<uint64_t>(last_look_ - sent, UINT32_MAX)));
  }
}

Json BlastLatency::Answer() const {
  Json answer = {{"samples", samples_.size()}, {"waited", waited_}};
  if (samples_.empty()) return answer;
  std::vector<uint32_t> sorted = samples_;
  std::ranges::sort(sorted);
  const auto quantile = [&](double share) {
    const auto at = static_cast<size_t>(share * static_cast<double>(sorted.size() - 1));
    return static_cast<double>(sorted[at]) / cycles_per_us_;
  };
  answer["p50"] = quantile(0.5);
  answer["p99"] = quantile(0.99);
  answer["p999"] = quantile(0.999);
  answer["max"] = quantile(1);
  return answer;
}

}  // namespace sluice::pktgen
