// The seed of a random test: SLUICE_SEED, or a new one each run; printed either way.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <random>

namespace sluice::test {

inline uint32_t Seed() {
  const char* given = std::getenv("SLUICE_SEED");
  const uint32_t seed = given != nullptr ? static_cast<uint32_t>(std::strtoul(given, nullptr, 0))
                                         : std::random_device()();
  std::cout << "SLUICE_SEED=" << seed << std::endl;
  return seed;
}

}  // namespace sluice::test
