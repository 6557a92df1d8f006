// A seeded source of choices. The same seed gives the same choices on every machine.
#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

namespace sluice::acl {

class RandomSource {
 public:
  explicit RandomSource(uint64_t seed) : random_(seed) {}

  bool Chance(int percent) { return static_cast<int>(random_() % 100) < percent; }
  size_t Below(size_t limit) { return random_() % limit; }
  template <typename T, size_t N>
  T Pick(const T (&values)[N]) {
    return values[Below(N)];
  }
  template <typename List>
  const typename List::value_type& Pick(const List& values) {
    return values[Below(values.size())];
  }

 private:
  std::mt19937_64 random_;
};

}  // namespace sluice::acl
