// Copies of packets from one worker to one reader: bounded, lock-free, never waited for.
//
// A ring of bytes, in which records lie one behind the other, each a header and the frame's first
// bytes. The writer reserves records, may still change them, and then publishes all of them at
// once. What finds no room is for the writer to count.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "dataplane/captured_packet.h"

namespace sluice::dataplane {

class CaptureRing {
 public:
  explicit CaptureRing(uint32_t bytes);

  // The writer: a new record with room for `captured` bytes behind it; null: there is none.
  CapturedPacket* Reserve(uint32_t captured);
  static uint8_t* BytesOf(CapturedPacket* packet) { return reinterpret_cast<uint8_t*>(packet + 1); }
  // The last of the records that are not published yet for which match(record); null: none.
  template <typename Match>
  CapturedPacket* FindUnpublished(Match&& match) {
    CapturedPacket* found = nullptr;
    Walk(head_.load(std::memory_order_relaxed), reserved_, [&](CapturedPacket& packet) {
      if (match(packet)) found = &packet;
    });
    return found;
  }
  void Publish() { head_.store(reserved_, std::memory_order_release); }

  // The reader: visit(record, bytes) for what is published, oldest first.
  template <typename Visit>
  void Drain(Visit&& visit) {
    const uint64_t head = head_.load(std::memory_order_acquire);
    const uint64_t tail = tail_.load(std::memory_order_relaxed);
    Walk(tail, head, [&](CapturedPacket& packet) {
      visit(std::as_const(packet), std::span<const uint8_t>(BytesOf(&packet), packet.captured));
    });
    tail_.store(head, std::memory_order_release);
  }

  uint32_t capacity() const { return capacity_; }
  // Bytes that wait for the reader. Any thread.
  uint64_t level() const {
    return head_.load(std::memory_order_relaxed) - tail_.load(std::memory_order_relaxed);
  }

 private:
  // In front of each record: how far it is to the next one, and whether it is one.
  struct alignas(16) Prefix {
    uint32_t size = 0;  // of all of it
    bool filler = false;
  };

  std::byte* At(uint64_t position) { return bytes_.get() + position % capacity_; }
  Prefix* Put(uint64_t position, uint32_t size, bool filler);
  template <typename Each>
  void Walk(uint64_t from, uint64_t to, Each&& each) {
    while (from != to) {
      auto* prefix = reinterpret_cast<Prefix*>(At(from));
      if (!prefix->filler) each(*reinterpret_cast<CapturedPacket*>(prefix + 1));
      from += prefix->size;
    }
  }

  const uint32_t capacity_;
  const std::unique_ptr<std::byte[]> bytes_;
  uint64_t reserved_ = 0;                      // the writer's: all bytes ever given out
  alignas(64) std::atomic<uint64_t> head_{0};  // of them, published; written by the writer
  alignas(64) std::atomic<uint64_t> tail_{0};  // of them, read; written by the reader
};

}  // namespace sluice::dataplane
