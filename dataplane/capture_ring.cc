#include "dataplane/capture_ring.h"

#include <new>
#include <type_traits>

namespace sluice::dataplane {
namespace {

constexpr uint32_t kUnit = 16;  // that records are multiples of

constexpr uint32_t RoundUp(uint32_t bytes) { return (bytes + kUnit - 1) / kUnit * kUnit; }

static_assert(alignof(CapturedPacket) <= kUnit && std::is_trivially_destructible_v<CapturedPacket>);

}  // namespace

CaptureRing::CaptureRing(uint32_t bytes)
    : capacity_(bytes / kUnit * kUnit),
      bytes_(std::make_unique_for_overwrite<std::byte[]>(capacity_)) {}

CapturedPacket* CaptureRing::Reserve(uint32_t captured) {
  const uint32_t size = RoundUp(sizeof(Prefix) + sizeof(CapturedPacket) + captured);
  const auto to_end = static_cast<uint32_t>(capacity_ - reserved_ % capacity_);
  const uint32_t skipped = size > to_end ? to_end : 0;  // a record lies in one piece
  const uint64_t used = reserved_ - tail_.load(std::memory_order_acquire);
  if (used + skipped + size > capacity_) return nullptr;
  if (skipped > 0) Put(reserved_, skipped, /*filler=*/true);
  Prefix* prefix = Put(reserved_ + skipped, size, /*filler=*/false);
  reserved_ += skipped + size;
  return new (prefix + 1) CapturedPacket;
}

CaptureRing::Prefix* CaptureRing::Put(uint64_t position, uint32_t size, bool filler) {
  return new (At(position)) Prefix{size, filler};
}

}  // namespace sluice::dataplane
