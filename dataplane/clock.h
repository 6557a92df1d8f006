// The data plane's clock: milliseconds since some start, 32 bits that wrap after 49 days. Good for
// differences only.
#pragma once

#include <rte_cycles.h>

#include <cstdint>

namespace sluice::dataplane {

inline uint32_t CoarseMsOf(uint64_t ticks) {
  static const uint64_t kTicksPerMs = rte_get_tsc_hz() / 1000;
  return static_cast<uint32_t>(ticks / kTicksPerMs);
}
inline uint32_t CoarseNowMs() { return CoarseMsOf(rte_rdtsc()); }

}  // namespace sluice::dataplane
