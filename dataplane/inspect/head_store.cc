#include "dataplane/inspect/head_store.h"

#include <algorithm>
#include <numeric>

namespace sluice::dataplane {
namespace {

std::vector<uint32_t> Numbers(uint32_t count) {
  std::vector<uint32_t> numbers(count);
  std::iota(numbers.rbegin(), numbers.rend(), 0);  // the lowest first
  return numbers;
}

}  // namespace

HeadStore::~HeadStore() {
  for (const HeadSlot& slot : slots_) {
    for (unsigned i = 0; slot.connection != nullptr && i < slot.held_count; ++i) {
      rte_pktmbuf_free(slot.held[i]);
    }
  }
}

void HeadStore::Allocate() {
  const uint32_t counts[] = {config_.small, config_.large};
  for (const bool large : {false, true}) {
    Kind& kind = kinds_[large];
    const uint32_t count = counts[large];
    // Not initialised: what nobody writes to is not there.
    kind.memory = std::unique_ptr<uint8_t[]>(new uint8_t[count * SizeOf(large)]);
    kind.free = Numbers(count);
    kind.share = std::max(count / kPartsOfShare, 1u);
  }
  slots_.resize(config_.small + config_.large);
  free_slots_ = Numbers(config_.small + config_.large);
  in_use_.reserve(slots_.size());
  by_connection_.reserve(slots_.size());
}

std::span<uint8_t> HeadStore::TakeBuffer(bool large, PortId port) {
  Kind& kind = kinds_[large];
  if (kind.free.empty() || kind.charged[port] >= kind.share) return {};
  const uint32_t number = kind.free.back();
  kind.free.pop_back();
  ++kind.charged[port];
  return {kind.memory.get() + number * SizeOf(large), SizeOf(large)};
}

void HeadStore::GiveBuffer(std::span<uint8_t> buffer, bool large, PortId port) {
  Kind& kind = kinds_[large];
  const auto place = static_cast<size_t>(buffer.data() - kind.memory.get());
  kind.free.push_back(static_cast<uint32_t>(place / SizeOf(large)));
  --kind.charged[port];
}

HeadSlot* HeadStore::Find(const Connection& connection) {
  const auto found = by_connection_.find(&connection);
  return found == by_connection_.end() ? nullptr : &slots_[found->second];
}

HeadSlot* HeadStore::Open(Connection& connection, const HeadOwner& owner, uint32_t first,
                          uint64_t octets, uint32_t now_ms) {
  if (slots_.empty()) Allocate();
  const bool large = octets > kSmallHead;
  const std::span<uint8_t> buffer = TakeBuffer(large, owner.charged);
  if (buffer.empty()) return nullptr;
  const uint32_t number = free_slots_.back();
  free_slots_.pop_back();
  HeadSlot& slot = slots_[number];
  slot = HeadSlot();
  slot.connection = &connection;
  slot.sequence = connection.sequence.load(std::memory_order_relaxed);
  slot.port = owner.charged;
  slot.in_port = owner.in_port;
  slot.large = large;
  slot.since_ms = now_ms;
  slot.head.Begin(buffer, first);
  by_connection_[&connection] = number;
  slot.place = static_cast<uint32_t>(in_use_.size());
  in_use_.push_back(number);
  return &slot;
}

bool HeadStore::Grow(HeadSlot& slot, uint64_t octets) {
  if (slot.large || octets <= kSmallHead) return true;
  const std::span<uint8_t> buffer = TakeBuffer(true, slot.port);
  if (buffer.empty()) return false;
  const std::span<uint8_t> small = slot.head.buffer();
  slot.head.MoveTo(buffer);
  GiveBuffer(small, false, slot.port);
  slot.large = true;
  return true;
}

void HeadStore::Close(HeadSlot& slot) {
  GiveBuffer(slot.head.buffer(), slot.large, slot.port);
  by_connection_.erase(slot.connection);
  free_slots_.push_back(in_use_[slot.place]);
  slots_[in_use_.back()].place = slot.place;
  in_use_[slot.place] = in_use_.back();
  in_use_.pop_back();
  slot.connection = nullptr;
}

}  // namespace sluice::dataplane
