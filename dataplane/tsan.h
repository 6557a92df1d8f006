// What ThreadSanitizer cannot see: rings and pools inside DPDK's libraries, which are not
// instrumented, order who had a packet buffer before and who has it now. Nothing in other builds.
#pragma once

struct rte_mbuf;

#if defined(__SANITIZE_THREAD__)
extern "C" {
void __tsan_acquire(void* address);
void __tsan_release(void* address);
}
#endif

namespace sluice::dataplane {

// Out of a ring or pool: everything its last holder did has happened.
inline void BufferTaken([[maybe_unused]] rte_mbuf* mbuf) {
#if defined(__SANITIZE_THREAD__)
  __tsan_acquire(mbuf);
#endif
}

// Into a ring or pool next: everything done so far is for its next holder.
inline void BufferGiven([[maybe_unused]] rte_mbuf* mbuf) {
#if defined(__SANITIZE_THREAD__)
  __tsan_release(mbuf);
#endif
}

}  // namespace sluice::dataplane
