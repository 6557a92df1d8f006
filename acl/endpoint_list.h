// The endpoints of one network, in any order. Lists share them: one that is copied, or made from
// objects that somebody else keeps, costs a pointer for each endpoint, not the endpoint.
//
// Read as a vector; what is written gets a copy of its own first, whoever else has it. One thread
// at a time; lists that share endpoints may be read by different ones.
#pragma once

#include <cstddef>
#include <initializer_list>
#include <iterator>
#include <memory>
#include <utility>
#include <vector>

#include "acl/objects.h"

namespace sluice::acl {

class EndpointList {
  struct Entry {
    std::shared_ptr<const Endpoint> endpoint;
    bool made_here = false;  // by a list, as an object that may be written
  };
  using Entries = std::vector<Entry>;

 public:
  using value_type = Endpoint;

  class const_iterator {  // NOLINT(readability-identifier-naming): the standard library's
   public:
    using iterator_category = std::forward_iterator_tag;
    using value_type = Endpoint;
    using difference_type = std::ptrdiff_t;
    using pointer = const Endpoint*;
    using reference = const Endpoint&;

    const_iterator() = default;
    reference operator*() const { return *at_->endpoint; }
    pointer operator->() const { return at_->endpoint.get(); }
    const_iterator& operator++() {
      ++at_;
      return *this;
    }
    const_iterator operator++(int) { return const_iterator(at_++); }
    const_iterator operator+(difference_type steps) const { return const_iterator(at_ + steps); }
    bool operator==(const const_iterator&) const = default;

   private:
    friend class EndpointList;
    explicit const_iterator(Entries::const_iterator at) : at_(at) {}
    Entries::const_iterator at_;
  };

  EndpointList() = default;
  EndpointList(std::initializer_list<Endpoint> endpoints) {
    for (const Endpoint& endpoint : endpoints) push_back(endpoint);
  }
  EndpointList(std::vector<Endpoint> endpoints) {  // NOLINT(google-explicit-constructor): a list
    for (Endpoint& endpoint : endpoints) push_back(std::move(endpoint));
  }

  const_iterator begin() const { return const_iterator(entries_.begin()); }
  const_iterator end() const { return const_iterator(entries_.end()); }
  size_t size() const { return entries_.size(); }
  bool empty() const { return entries_.empty(); }
  const Endpoint& operator[](size_t place) const { return *entries_[place].endpoint; }
  const Endpoint& back() const { return *entries_.back().endpoint; }

  // To be written, until the list is copied.
  Endpoint& operator[](size_t place) {
    Entry& entry = entries_[place];
    const bool own = entry.made_here && entry.endpoint.use_count() == 1;
    if (!own) entry = Made(*entry.endpoint);
    return const_cast<Endpoint&>(*entry.endpoint);  // Made made it, as no constant
  }
  Endpoint& back() { return (*this)[size() - 1]; }

  void reserve(size_t size) { entries_.reserve(size); }
  void push_back(Endpoint endpoint) { entries_.push_back(Made(std::move(endpoint))); }
  // One that somebody else has, too. Not null.
  void Share(std::shared_ptr<const Endpoint> endpoint) {
    entries_.push_back({std::move(endpoint), false});
  }
  void pop_back() { entries_.pop_back(); }
  void erase(const_iterator place) { entries_.erase(place.at_); }

  // Costs little where the two share their endpoints.
  bool operator==(const EndpointList& other) const {
    if (size() != other.size()) return false;
    for (size_t i = 0; i < size(); ++i) {
      const bool shared = entries_[i].endpoint == other.entries_[i].endpoint;
      if (!shared && (*this)[i] != other[i]) return false;
    }
    return true;
  }

 private:
  static Entry Made(Endpoint endpoint) {
    return {std::make_shared<Endpoint>(std::move(endpoint)), true};
  }

  Entries entries_;
};

}  // namespace sluice::acl
