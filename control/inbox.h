// A bounded queue that many threads fill and one empties whole: what has gathered while it was busy
// comes out as one batch.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

namespace sluice::control {

template <typename T>
class Inbox {
 public:
  enum class Pushed { kYes, kFull, kClosed };

  explicit Inbox(size_t capacity) : capacity_(capacity) {}

  // Any thread; never blocks. Anything but kYes leaves `item` as it was.
  Pushed Push(T&& item) {
    std::lock_guard lock(mutex_);
    if (closed_) return Pushed::kClosed;
    if (items_.size() >= capacity_) return Pushed::kFull;
    items_.push_back(std::move(item));
    filled_.notify_one();
    return Pushed::kYes;
  }

  // Waits for items, until `deadline` if there is one, and takes them all, in order. Empty: the
  // time has come. Nothing: closed, and nothing is left.
  std::optional<std::vector<T>> Drain(
      std::optional<std::chrono::steady_clock::time_point> deadline = std::nullopt) {
    std::unique_lock lock(mutex_);
    const auto is_ready = [this] { return closed_ || !items_.empty(); };
    if (deadline) {
      filled_.wait_until(lock, *deadline, is_ready);
    } else {
      filled_.wait(lock, is_ready);
    }
    if (closed_ && items_.empty()) return std::nullopt;
    return std::exchange(items_, {});
  }

  // Nothing enters any more; what is queued can still be drained.
  void Close() {
    std::lock_guard lock(mutex_);
    closed_ = true;
    filled_.notify_all();
  }

 private:
  const size_t capacity_;
  std::mutex mutex_;
  std::condition_variable filled_;
  std::vector<T> items_;  // guarded by mutex_, as is closed_
  bool closed_ = false;
};

}  // namespace sluice::control
