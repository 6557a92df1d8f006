// What the rules of policies look at: where an attempt has to lie to be near the edge of one.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "acl/address.h"
#include "acl/flat_rule.h"
#include "acl/policy_input.h"

namespace sluice::acl {

struct Service {
  uint8_t protocol = 0;
  uint16_t port = 0;
};

inline constexpr unsigned kFamilies = 2;
template <typename T>
using ByFamily = std::array<std::vector<T>, kFamilies>;
inline size_t FamilyIndex(Family family) { return family == Family::kIpv4 ? 0 : 1; }

// What one rule of a policy looks at.
struct Hint {
  Direction direction = Direction::kIngress;
  std::string namespace_name;                  // of its subjects; empty: any
  ByFamily<IpAddress> addresses;               // of nodes; in and just outside of its blocks
  std::vector<std::vector<Service>> services;  // by port: in and just outside of it
};

// One for each rule of `input`, with or without a pod that it concerns.
std::vector<Hint> HintsOf(const PolicyInput& input);

}  // namespace sluice::acl
