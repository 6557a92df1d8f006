#include "dataplane/capture.h"

#include <rte_cycles.h>

#include <chrono>

#include "dataplane/recorder.h"

namespace sluice::dataplane {
namespace {

constexpr uint64_t kNsPerSecond = 1'000'000'000;

uint64_t WallNowNs() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(now).count());
}

}  // namespace

Capture::Capture(const CaptureConfig& config, unsigned workers)
    : started_ticks_(rte_rdtsc()), started_ns_(WallNowNs()) {
  for (unsigned i = 0; i < workers; ++i) recorders_.push_back(std::make_unique<Recorder>(config));
}

Capture::~Capture() = default;

uint64_t Capture::WallNs(uint64_t ticks) const {
  const uint64_t since = ticks - started_ticks_, hz = rte_get_tsc_hz();
  return started_ns_ + since / hz * kNsPerSecond + since % hz * kNsPerSecond / hz;
}

void Capture::Drain(const Visit& visit) {
  for (const auto& recorder : recorders_) {
    recorder->ring().Drain([&](const CapturedPacket& packet, std::span<const uint8_t> bytes) {
      visit(WallNs(packet.ticks), packet, bytes);
    });
  }
}

uint64_t Capture::LostAt(PortId port) const {
  uint64_t lost = 0;
  for (const auto& recorder : recorders_) lost += recorder->LostAt(port);
  return lost;
}

uint64_t Capture::level(unsigned worker) const { return recorders_[worker]->ring().level(); }

}  // namespace sluice::dataplane
