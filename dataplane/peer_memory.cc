#include "dataplane/peer_memory.h"

#include <sys/mman.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <mutex>

#include "dataplane/vhost_port.h"

namespace sluice::dataplane {
namespace {

struct Region {
  uintptr_t begin = 0, end = 0;  // none: both 0
  int peer = 0;
  VhostPort* port = nullptr;
};

// Read by a signal handler: nothing but atomics, and a sequence that is odd while it is written.
// Who writes touches no peer's memory meanwhile.
class Slot {
 public:
  Region Read() const {
    while (true) {
      const uint32_t sequence = sequence_.load(std::memory_order_acquire);
      // Acquired, so that each comes before the second look at the sequence.
      const Region region = {
          begin_.load(std::memory_order_acquire), end_.load(std::memory_order_acquire),
          peer_.load(std::memory_order_acquire), port_.load(std::memory_order_acquire)};
      const bool torn = sequence % 2 != 0 || sequence_.load(std::memory_order_relaxed) != sequence;
      if (!torn) return region;
    }
  }
  void Write(const Region& region) {
    sequence_.fetch_add(1);
    begin_.store(region.begin);
    end_.store(region.end);
    peer_.store(region.peer);
    port_.store(region.port);
    sequence_.fetch_add(1);
  }

 private:
  std::atomic<uint32_t> sequence_{0};
  std::atomic<uintptr_t> begin_{0}, end_{0};
  std::atomic<int> peer_{0};
  std::atomic<VhostPort*> port_{nullptr};
};
static_assert(std::atomic<uintptr_t>::is_always_lock_free);
static_assert(std::atomic<VhostPort*>::is_always_lock_free);

enum Change : sig_atomic_t { kNone, kUnderWay, kMissed };

std::array<Slot, kMaxPeerRegions> slots;
std::mutex slots_mutex;  // between those that write
struct sigaction before;
thread_local volatile sig_atomic_t change = kNone;

// mmap is a system call, and safe in a signal handler.
bool PutZeroes(uintptr_t begin, size_t bytes) {
  return mmap(reinterpret_cast<void*>(begin), bytes, PROT_READ | PROT_WRITE,
              MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0) != MAP_FAILED;
}

// False: the address is in nobody's memory.
bool ReplaceRegion(uintptr_t address) {
  for (const Slot& slot : slots) {
    const Region region = slot.Read();
    if (address < region.begin || address >= region.end) continue;
    if (!PutZeroes(region.begin, region.end - region.begin)) return false;
    region.port->CutOff(region.peer);
    return true;
  }
  return false;
}

// Of a size that the mapping at the address can be cut at: a part of a huge page cannot be
// replaced.
bool ReplacePage(uintptr_t address) {
  if (change == kNone) return false;
  change = kMissed;
  for (const size_t bytes : {size_t{1} << 12, size_t{1} << 21, size_t{1} << 30}) {
    if (PutZeroes(address & ~(bytes - 1), bytes)) return true;
  }
  return false;
}

void OnBusError(int, siginfo_t* info, void*) {
  const int error = errno;
  const auto address = reinterpret_cast<uintptr_t>(info->si_addr);
  // Else the access is tried again, as it would have been without us.
  if (!ReplaceRegion(address) && !ReplacePage(address)) sigaction(SIGBUS, &before, nullptr);
  errno = error;
}

}  // namespace

void WatchPeerMemory() {
  static std::once_flag once;
  std::call_once(once, [] {
    struct sigaction action {};
    action.sa_sigaction = OnBusError;
    action.sa_flags = SA_SIGINFO | SA_RESTART;
    sigemptyset(&action.sa_mask);
    sigaction(SIGBUS, &action, &before);
  });
}

void SetPeerMemory(int peer, VhostPort* port, std::span<const PeerRegion> regions) {
  const std::scoped_lock lock(slots_mutex);
  for (Slot& slot : slots) {
    Region region = slot.Read();
    // The number alone may be another port's peer's by now.
    const bool own = region.port == port && region.peer == peer;
    if (own) slot.Write(region = {});
    if (regions.empty() || region.port != nullptr) continue;
    const auto begin = reinterpret_cast<uintptr_t>(regions.front().begin);
    slot.Write({begin, begin + regions.front().bytes, peer, port});
    regions = regions.subspan(1);
  }
}

void BeginMemoryChange() { change = kUnderWay; }

bool EndMemoryChange() {
  const bool missed = change == kMissed;
  change = kNone;
  return missed;
}

}  // namespace sluice::dataplane
