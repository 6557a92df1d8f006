// How entries of the connection table become free again: grace periods, ageing, eviction.
//
// Every step is bounded: ageing by its caller's budget, eviction by one window of payers and a
// handful of entries in it. Windows follow each other round the table, one cursor a worker, so a
// flood goes out about in the order it came in.
#include <algorithm>

#include "dataplane/connection_table.h"

namespace sluice::dataplane {
namespace {

constexpr uint32_t kEvictionWindow = 256;  // entries whose payer is looked at: 8 cache lines
constexpr unsigned kEvictionTries = 8;     // of them, connections whose state is looked at
// Below 1/64 of the table left, the port that holds most gives up entries, whoever needs them.
constexpr uint32_t kReserveShift = 6;

}  // namespace

void ConnectionTable::Append(List* list, Connection* connection) const {
  connection->link = List::kEnd;
  if (list->empty()) {
    list->head = NumberOf(*connection);
  } else {
    entries_[list->tail].link = NumberOf(*connection);
  }
  list->tail = NumberOf(*connection);
  ++list->count;
}

void ConnectionTable::GiveBack(const List& list) {
  if (list.empty()) return;
  const std::scoped_lock lock(free_lock_);
  entries_[list.tail].link = free_.head;
  free_.head = list.head;
  free_.count += list.count;
  available_.fetch_add(list.count, std::memory_order_relaxed);
}

void ConnectionTable::MoveRetired(unsigned worker) {
  WorkerPart& own = *parts_[worker];
  if (!own.closed.empty()) {
    if (!quiescence_->Passed(own.token)) return;
    GiveBack(own.closed);
    own.closed = {};
  }
  if (own.open.empty()) return;
  own.closed = own.open;
  own.open = {};
  own.token = quiescence_->Start();
}

unsigned ConnectionTable::Age(unsigned worker, uint32_t now_ms, unsigned budget) {
  MoveRetired(worker);
  if (worker == 0) region_->Tick(now_ms);
  WorkerPart& own = *parts_[worker];
  const uint32_t used = high_water_.load(std::memory_order_acquire);
  const auto workers = static_cast<uint32_t>(parts_.size());
  unsigned removed = 0;
  for (unsigned looked = 0; looked < budget && looked * workers < used; ++looked) {
    // Worker w looks at entries w, w + workers, w + 2 workers, ...
    uint64_t number = uint64_t{own.age_cursor++} * workers + worker;
    if (number >= used) {
      own.age_cursor = 1;
      number = worker;
      if (number >= used) return removed;
    }
    Connection& entry = entries_[number];
    if (!entry.IsLive()) continue;
    if (IdleMs(entry, now_ms) < config_.tracking.Timeout(StateOf(entry))) continue;
    removed += Remove(worker, &entry) ? 1 : 0;
  }
  return removed;
}

// Lets a port that is within its share pass. One beyond it gives up what nobody answered of its
// own, two for one until it is within its share again, or is refused.
DropReason ConnectionTable::MakeRoom(unsigned worker, PortId port) {
  MoveRetired(worker);
  const uint32_t available = available_.load(std::memory_order_relaxed);
  if (available <= config_.capacity >> kReserveShift) EvictWorst(worker, port);
  const uint32_t limit = accounts_.Limit(available);
  if (accounts_.Charged(port) < limit) return DropReason::kNone;
  if (!EvictOwn(worker, port)) {
    return available == 0 ? DropReason::kTableFull : DropReason::kPortShare;
  }
  if (accounts_.Charged(port) >= limit) EvictOwn(worker, port);
  return DropReason::kNone;
}

bool ConnectionTable::EvictOwn(unsigned worker, PortId port) {
  uint32_t first = 0;
  const uint32_t window = NextWindow(worker, &first);
  return Evict(worker, port, first, window);
}

// From the port that holds most, of those in sight. Never from a port that holds less than the
// beneficiary does.
void ConnectionTable::EvictWorst(unsigned worker, PortId beneficiary) {
  uint32_t first = 0;
  const uint32_t window = NextWindow(worker, &first);
  PortId worst = beneficiary;
  for (uint32_t number = first; number < first + window; ++number) {
    PortId payer = kNoPort;
    if (!accounts_.Payer(number, &payer)) continue;
    if (accounts_.Charged(payer) > accounts_.Charged(worst)) worst = payer;
  }
  Evict(worker, worst, first, window);
}

bool ConnectionTable::Evict(unsigned worker, PortId port, uint32_t first, uint32_t window) {
  unsigned tries = 0;
  for (uint32_t number = first; number < first + window && tries < kEvictionTries; ++number) {
    if (!accounts_.Pays(port, number)) continue;
    ++tries;
    Connection& entry = entries_[number];
    if (entry.IsLive() && MayBeEvicted(StateOf(entry)) && Remove(worker, &entry)) {
      parts_[worker]->eviction_cursor = number + 1;
      parts_[worker]->evicted.Add(1);
      return true;
    }
  }
  return false;
}

// The next piece of the table to look for a victim in; moves the worker's cursor past it.
uint32_t ConnectionTable::NextWindow(unsigned worker, uint32_t* first) {
  uint32_t& cursor = parts_[worker]->eviction_cursor;
  const uint32_t used = high_water_.load(std::memory_order_acquire);
  if (cursor >= used) cursor = 0;
  *first = cursor;
  const uint32_t window = std::min(kEvictionWindow, used - cursor);
  cursor += window;
  return window;
}

}  // namespace sluice::dataplane
