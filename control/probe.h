// A question about a flow as people put it, and the flow that it means.
//
// Ends are "namespace/pod" or an IP address; an address that a pod owns is that pod, a host-network
// pod is its node's address. What policies say of the flow is control/verdict.h's matter.
#pragma once

#include <absl/container/flat_hash_map.h>
#include <absl/status/statusor.h>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "acl/endpoint_list.h"
#include "acl/population.h"
#include "control/verdict.h"

namespace sluice::control {

struct Probe {
  std::string from;
  std::string to;
  std::string protocol;           // "tcp", "udp", "sctp" or "icmp", in any case
  std::optional<int64_t> port;    // absent for icmp, present for the others
  int family = 0;                 // 4 or 6; 0: the first that both ends have, IPv4 before IPv6
  std::string network = {};       // empty: the primary one
  std::optional<Said> said = {};  // what the connection says first
};

// Endpoints by name and by address. Borrows them: they must outlive it and not move.
class EndpointIndex {
 public:
  explicit EndpointIndex(const acl::EndpointList& endpoints);

  // Null if there is none.
  const acl::Endpoint* Find(const std::string& namespace_name, const std::string& name) const;
  // Usually one; several share an address for a moment when pods come and go.
  std::span<const acl::Endpoint* const> Owners(const acl::IpAddress& address) const;

 private:
  absl::flat_hash_map<std::pair<std::string, std::string>, const acl::Endpoint*> by_name_;
  absl::flat_hash_map<acl::IpAddress, std::vector<const acl::Endpoint*>> by_address_;
};

// The flow, without subjects. Errors: InvalidArgument "FIELD: REASON" (no such pod, no address of
// that family, no family in common, an address with two owners, unknown protocol, bad port).
absl::StatusOr<Flow> Resolve(const Probe& probe, const EndpointIndex& endpoints);

// Makes both ends subjects if they are pods of `population`.
void SetSubjects(const acl::Population& population, Flow* flow);

}  // namespace sluice::control
