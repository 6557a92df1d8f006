// The second opinion: NetworkPolicy straight from the text of the API, over raw objects and labels.
//
// No classes, no flat rules, no normal forms; of the policy brain it uses the objects and addresses
// alone. As slow as it looks.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "acl/address.h"
#include "acl/objects.h"

namespace sluice::naive {

struct World {
  std::span<const acl::Namespace> namespaces;
  std::span<const acl::Endpoint> endpoints;
  std::span<const acl::NetworkPolicy> policies;
  std::span<const acl::Cidr> cluster_cidrs;
};

struct Verdict {
  bool allow = true;
  // The first allowing "namespace/name ingress[0]" in the order of namespaces, names and rules, or
  // every isolating "namespace/name" if nothing allows. Empty if nothing isolates.
  std::vector<std::string> because;
};

// One attempt as one side of it sees it.
struct Attempt {
  const acl::Endpoint* subject = nullptr;
  acl::IpAddress peer;
  bool ingress = true;   // towards the subject
  std::string protocol;  // "TCP", "UDP", "SCTP" or "ICMP"
  uint16_t port = 0;     // of the destination
};

Verdict Evaluate(const World& world, const Attempt& attempt);

}  // namespace sluice::naive
