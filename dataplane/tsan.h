// What ThreadSanitizer cannot see. Nothing in other builds.
//
// Rings and pools inside DPDK's libraries, which are not instrumented, order who had a packet
// buffer before and who has it now. rte_rcu_qsbr_check may learn from another thread, by a relaxed
// word (acked_token), that a grace period is over.
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

// Before a reader reports: what it has read so far is for who waits for it.
inline void ReadersLetGo([[maybe_unused]] void* quiescence) {
#if defined(__SANITIZE_THREAD__)
  __tsan_release(quiescence);
#endif
}

// After a grace period.
inline void AllHaveLetGo([[maybe_unused]] void* quiescence) {
#if defined(__SANITIZE_THREAD__)
  __tsan_acquire(quiescence);
#endif
}

// The last thing an lcore does for `launch`, and what its owner says when the EAL has waited for
// it.
inline void ThreadEnds([[maybe_unused]] void* launch) {
#if defined(__SANITIZE_THREAD__)
  __tsan_release(launch);
#endif
}
inline void ThreadJoined([[maybe_unused]] void* launch) {
#if defined(__SANITIZE_THREAD__)
  __tsan_acquire(launch);
#endif
}

}  // namespace sluice::dataplane
