// Events from one writer to one reader: bounded, lock-free, lossy and honest about it.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "dataplane/connection_event.h"
#include "dataplane/tally.h"

namespace sluice::dataplane {

class EventRing {
 public:
  static constexpr uint32_t kCapacity = 4096;

  // The writer. An event that finds no room is lost, and counted.
  void Push(const ConnectionEvent& event) {
    const uint32_t head = head_.load(std::memory_order_relaxed);
    if (head - tail_.load(std::memory_order_acquire) == kCapacity) {
      lost_.Add(1);
      return;
    }
    events_[head % kCapacity] = event;
    head_.store(head + 1, std::memory_order_release);
  }
  // The writer: events that it did not even try to push.
  void CountLost(uint64_t events) { lost_.Add(events); }

  // The reader: visit(event) for what has gathered, oldest first. Returns how many.
  template <typename Visit>
  uint32_t Drain(Visit&& visit) {
    const uint32_t head = head_.load(std::memory_order_acquire);
    uint32_t tail = tail_.load(std::memory_order_relaxed);
    const uint32_t count = head - tail;
    for (; tail != head; ++tail) visit(events_[tail % kCapacity]);
    tail_.store(tail, std::memory_order_release);
    return count;
  }

  // Events that wait for the reader; any thread.
  uint32_t level() const {
    return head_.load(std::memory_order_relaxed) - tail_.load(std::memory_order_relaxed);
  }
  uint64_t lost() const { return lost_.Read(); }  // any thread

 private:
  alignas(64) std::atomic<uint32_t> head_{0};  // written by the writer
  Counter lost_;
  alignas(64) std::atomic<uint32_t> tail_{0};  // written by the reader
  std::array<ConnectionEvent, kCapacity> events_;
};

}  // namespace sluice::dataplane
