// Between a memif peer that goes and the worker that is in its memory.
//
// DPDK's driver (22.11) notices on its interrupt thread that a peer is gone: it clears the flag
// that lets workers in, and unmaps the memory at once, under a worker that is in it. All that is
// missing is a grace period in between, and the one place for it is munmap, which this process has
// one of its own of: on that thread it waits for the workers first.
#pragma once

#include "dataplane/quiescence.h"

namespace sluice::dataplane {

// As long as there is one, peers' memory is not unmapped under its readers. A port has one while
// its ethdev is there. All of them name the same readers; null: nobody reads.
class MemifGuard {
 public:
  explicit MemifGuard(Quiescence* readers);
  ~MemifGuard();
  MemifGuard(const MemifGuard&) = delete;
  MemifGuard& operator=(const MemifGuard&) = delete;

  // Whether the driver would call our munmap: not under a sanitizer, which has its own.
  static bool Works();
};

}  // namespace sluice::dataplane
