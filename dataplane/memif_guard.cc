#include "dataplane/memif_guard.h"

#include <dlfcn.h>
#include <rte_interrupts.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <mutex>

namespace sluice::dataplane {
namespace {

std::mutex guards_mutex;
std::atomic<unsigned> guards{0};  // written under the mutex
Quiescence* guarded = nullptr;    // guarded by it

[[maybe_unused]] void WaitForReaders() {
  if (guards.load(std::memory_order_relaxed) == 0 || rte_thread_is_intr() == 0) return;
  const std::scoped_lock lock(guards_mutex);
  if (guarded != nullptr) guarded->Wait();
}

}  // namespace

MemifGuard::MemifGuard(Quiescence* readers) {
  const std::scoped_lock lock(guards_mutex);
  ++guards;
  guarded = readers;
}

MemifGuard::~MemifGuard() {
  const std::scoped_lock lock(guards_mutex);
  if (--guards == 0) guarded = nullptr;
}

// What a plugin finds under that name is what comes first, the C library's is the next.
bool MemifGuard::Works() { return dlsym(RTLD_DEFAULT, "munmap") != dlsym(RTLD_NEXT, "munmap"); }

}  // namespace sluice::dataplane

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
extern "C" int munmap(void* begin, size_t bytes) noexcept {
  sluice::dataplane::WaitForReaders();
  return static_cast<int>(syscall(SYS_munmap, begin, bytes));
}
#endif
