// The naive twin: every rule expanded to pairs of addresses, searched from the first to the last.
#pragma once

#include <cstdint>
#include <vector>

#include "acl/policy_input.h"

namespace sluice::perf {

struct PairRule {
  acl::IpAddress subject;
  acl::Cidr peer;
  bool ingress = true;
  uint8_t protocol = 0;
  uint16_t port_first = 0, port_last = 0xffff;
};

// Allow rules of the local pods of `input`, whose policies have peers and ports by number.
std::vector<PairRule> ExpandByPod(const acl::PolicyInput& input);

// The first rule that admits; -1: none does.
int64_t FindFirst(const std::vector<PairRule>& rules, const acl::IpAddress& subject,
                  const acl::IpAddress& peer, bool ingress, uint8_t protocol, uint16_t port);

}  // namespace sluice::perf
