// A sorted map that is cheap to copy: entries lie in chunks, and copies share chunks until one of
// them writes.
//
// For state that is copied, changed a little, and either kept or dropped: a copy costs a pointer
// for each chunk, a write one chunk. A chunk that this map has written stays its own, and is
// written in place, until Freeze; a copy of a map that is not frozen copies such chunks whole. So
// copies may be read by other threads, whatever happens to this map.
#pragma once

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <memory>
#include <utility>
#include <vector>

namespace sluice::acl {

template <typename Key, typename Value>
class CowMap {
 public:
  using value_type = std::pair<Key, Value>;

  class const_iterator {  // NOLINT(readability-identifier-naming): the standard library's
   public:
    using iterator_category = std::forward_iterator_tag;
    using value_type = CowMap::value_type;
    using difference_type = std::ptrdiff_t;
    using pointer = const value_type*;
    using reference = const value_type&;

    const_iterator() = default;
    reference operator*() const { return (*map_->chunks_[chunk_].entries)[place_]; }
    pointer operator->() const { return &**this; }
    const_iterator& operator++() {
      if (++place_ == map_->chunks_[chunk_].entries->size()) {
        ++chunk_;
        place_ = 0;
      }
      return *this;
    }
    const_iterator operator++(int) {
      const_iterator before = *this;
      ++*this;
      return before;
    }
    bool operator==(const const_iterator& other) const {
      return chunk_ == other.chunk_ && place_ == other.place_;
    }

   private:
    friend class CowMap;
    const_iterator(const CowMap* map, size_t chunk, size_t place)
        : map_(map), chunk_(chunk), place_(place) {}
    // Both are at the beginning of one chunk that both maps have.
    bool SharesChunkWith(const const_iterator& other) const {
      return place_ == 0 && other.place_ == 0 &&
             map_->chunks_[chunk_].entries == other.map_->chunks_[other.chunk_].entries;
    }
    void SkipChunk() { ++chunk_; }
    const CowMap* map_ = nullptr;
    size_t chunk_ = 0;
    size_t place_ = 0;
  };

  CowMap() = default;
  CowMap(CowMap&&) noexcept = default;
  CowMap& operator=(CowMap&&) noexcept = default;
  CowMap(const CowMap& other) : chunks_(other.chunks_), size_(other.size_) {
    for (Chunk& chunk : chunks_) {
      if (chunk.mine) chunk.entries = std::make_shared<Entries>(*chunk.entries);
    }
  }
  CowMap& operator=(const CowMap& other) {
    if (this != &other) *this = CowMap(other);
    return *this;
  }
  ~CowMap() = default;

  // Copies share everything from here on, until the next write.
  void Freeze() {
    for (Chunk& chunk : chunks_) chunk.mine = false;
  }

  const_iterator begin() const { return {this, 0, 0}; }
  const_iterator end() const { return {this, chunks_.size(), 0}; }
  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }

  const_iterator find(const Key& key) const {
    const Place place = PlaceOf(key);
    return place.found ? const_iterator{this, place.chunk, place.entry} : end();
  }
  bool contains(const Key& key) const { return PlaceOf(key).found; }
  // `key` is there.
  const Value& at(const Key& key) const { return find(key)->second; }

  void insert_or_assign(const Key& key, Value value) {
    const Place place = PlaceOf(key);
    if (chunks_.empty()) chunks_.push_back({std::make_shared<Entries>(), true});
    Entries& entries = Writable(place.chunk);
    const auto at = entries.begin() + static_cast<std::ptrdiff_t>(place.entry);
    if (place.found) {
      at->second = std::move(value);
      return;
    }
    entries.emplace(at, key, std::move(value));
    ++size_;
    if (entries.size() > kMaxEntries) Split(place.chunk);
  }

  // How many went: 0 or 1.
  size_t erase(const Key& key) {
    const Place place = PlaceOf(key);
    if (!place.found) return 0;
    Entries& entries = Writable(place.chunk);
    entries.erase(entries.begin() + static_cast<std::ptrdiff_t>(place.entry));
    if (entries.empty()) chunks_.erase(chunks_.begin() + static_cast<std::ptrdiff_t>(place.chunk));
    --size_;
    return 1;
  }

  // Costs little where the two share their chunks.
  bool operator==(const CowMap& other) const {
    if (size_ != other.size_) return false;
    const_iterator own = begin(), theirs = other.begin();
    while (own != end()) {
      if (own.SharesChunkWith(theirs)) {
        own.SkipChunk();
        theirs.SkipChunk();
      } else if (*own++ != *theirs++) {
        return false;
      }
    }
    return true;
  }

 private:
  using Entries = std::vector<value_type>;  // sorted by key, not empty
  struct Chunk {
    std::shared_ptr<Entries> entries;
    bool mine = false;  // nobody else has it
  };
  static constexpr size_t kMaxEntries = 64;

  struct Place {
    size_t chunk = 0;
    size_t entry = 0;  // where `key` is or would be
    bool found = false;
  };

  Place PlaceOf(const Key& key) const {
    if (chunks_.empty()) return {};
    // The last chunk whose first key is not above `key`; the first one if there is none.
    const auto above = std::upper_bound(
        chunks_.begin(), chunks_.end(), key,
        [](const Key& k, const Chunk& chunk) { return k < chunk.entries->front().first; });
    const auto it = above == chunks_.begin() ? above : std::prev(above);
    const Entries& entries = *it->entries;
    const auto entry =
        std::lower_bound(entries.begin(), entries.end(), key,
                         [](const value_type& e, const Key& k) { return e.first < k; });
    return {static_cast<size_t>(it - chunks_.begin()), static_cast<size_t>(entry - entries.begin()),
            entry != entries.end() && entry->first == key};
  }

  Entries& Writable(size_t index) {
    Chunk& chunk = chunks_[index];
    if (!chunk.mine) chunk = {std::make_shared<Entries>(*chunk.entries), true};
    return *chunk.entries;
  }

  // Moves the upper half of a chunk into one of its own, behind it.
  void Split(size_t index) {
    Entries& lower = *chunks_[index].entries;
    const auto middle = lower.begin() + static_cast<std::ptrdiff_t>(lower.size() / 2);
    Chunk upper{std::make_shared<Entries>(std::make_move_iterator(middle),
                                          std::make_move_iterator(lower.end())),
                true};
    lower.erase(middle, lower.end());
    chunks_.insert(chunks_.begin() + static_cast<std::ptrdiff_t>(index) + 1, std::move(upper));
  }

  std::vector<Chunk> chunks_;
  size_t size_ = 0;
};

}  // namespace sluice::acl
