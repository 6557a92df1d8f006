// Tells when a tap has something to read, so that no worker has to ask the kernel at every turn.
#pragma once

#include <absl/status/statusor.h>

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <thread>

namespace sluice::dataplane {

// A thread that sleeps in the kernel for all taps together. Any thread may call.
class TapWatch {
 public:
  // Errors: Internal naming the call that failed.
  static absl::StatusOr<std::unique_ptr<TapWatch>> Start();
  ~TapWatch();
  TapWatch(const TapWatch&) = delete;
  TapWatch& operator=(const TapWatch&) = delete;

  using Id = uint64_t;
  // Nothing is said before Await. Both stay as they are until Forget. Errors as Start's.
  absl::StatusOr<Id> Watch(int fd, std::atomic<bool>* readable);
  // Sets `readable` once, as soon as there is something to read: at once if there is by now.
  void Await(Id id, int fd);
  // After it nothing is said any more.
  void Forget(Id id, int fd);

 private:
  TapWatch(int epoll, int stop) : epoll_(epoll), stop_(stop) {}
  void Run();
  void Say(Id id);

  static constexpr Id kStop = 0;

  const int epoll_;
  const int stop_;  // an eventfd
  std::mutex mutex_;
  Id last_ = kStop;
  std::map<Id, std::atomic<bool>*> readable_;  // guarded by mutex_
  std::thread thread_;
};

}  // namespace sluice::dataplane
