// A lock for critical sections of a few cache lines between pinned polling workers.
//
// On std::atomic rather than rte_spinlock, whose x86 assembly ThreadSanitizer cannot see.
#pragma once

#include <rte_pause.h>

#include <atomic>
#include <mutex>  // scoped_lock, for users

namespace sluice::dataplane {

class SpinLock {
 public:
  void lock() {
    while (locked_.exchange(true, std::memory_order_acquire)) {
      while (locked_.load(std::memory_order_relaxed)) rte_pause();
    }
  }
  void unlock() { locked_.store(false, std::memory_order_release); }

 private:
  std::atomic<bool> locked_{false};
};

}  // namespace sluice::dataplane
