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

// Read by a signal handler: nothing but atomics.
struct Watched {
  std::atomic<uintptr_t> begin{0};  // 0: free; written last, and first when it goes
  std::atomic<uintptr_t> end{0};
  std::atomic<int> peer{0};
  std::atomic<VhostPort*> port{nullptr};
};
static_assert(std::atomic<uintptr_t>::is_always_lock_free);
static_assert(std::atomic<VhostPort*>::is_always_lock_free);

std::array<Watched, kMaxPeerRegions> watched;
std::mutex watched_mutex;  // between those that write
struct sigaction before;

bool Covers(const Watched& region, uintptr_t address) {
  const uintptr_t begin = region.begin.load(std::memory_order_acquire);
  return begin != 0 && begin <= address && address < region.end.load(std::memory_order_relaxed);
}

// Zeroes in place of the region: mmap is a system call, and safe here. False: it is nobody's.
bool Replace(uintptr_t address) {
  for (const Watched& region : watched) {
    if (!Covers(region, address)) continue;
    const uintptr_t begin = region.begin.load(std::memory_order_relaxed);
    const size_t bytes = region.end.load(std::memory_order_relaxed) - begin;
    const void* zeroes = mmap(reinterpret_cast<void*>(begin), bytes, PROT_READ | PROT_WRITE,
                              MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (zeroes == MAP_FAILED) return false;
    region.port.load(std::memory_order_relaxed)->CutOff(region.peer.load());
    return true;
  }
  return false;
}

void OnBusError(int, siginfo_t* info, void*) {
  const int error = errno;
  // Else the access is tried again, as it would have been without us.
  if (!Replace(reinterpret_cast<uintptr_t>(info->si_addr))) sigaction(SIGBUS, &before, nullptr);
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
  const std::scoped_lock lock(watched_mutex);
  for (Watched& slot : watched) {
    const bool used = slot.begin.load(std::memory_order_relaxed) != 0;
    if (used && slot.peer.load(std::memory_order_relaxed) == peer) slot.begin.store(0);
    if (regions.empty() || slot.begin.load(std::memory_order_relaxed) != 0) continue;
    const auto begin = reinterpret_cast<uintptr_t>(regions.front().begin);
    slot.port.store(port, std::memory_order_relaxed);
    slot.peer.store(peer, std::memory_order_relaxed);
    slot.end.store(begin + regions.front().bytes, std::memory_order_relaxed);
    slot.begin.store(begin, std::memory_order_release);
    regions = regions.subspan(1);
  }
}

}  // namespace sluice::dataplane
