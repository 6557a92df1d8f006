// The "from" and "to" lists of a `reach` command -> one probe for each pair.
#pragma once

#include <absl/status/statusor.h>

#include <vector>

#include "perf/pktgen/pods.h"
#include "perf/pktgen/reach.h"

namespace sluice::pktgen {

// `from`: names of pods. `to`: {"pod" or "address", "port" (not for icmp), "protocol": "tcp"
// (unless told), "udp" or "icmp", "family": 4 or 6 (of a pod; its first address unless told)}. A
// pair whose ends are one pod is reached without a packet. Errors: InvalidArgument or NotFound,
// naming the field or the pod.
absl::StatusOr<std::vector<Reach::Pair>> ReadReachPairs(const Json& from, const Json& to,
                                                        uint64_t timeout_ns, const Pods& pods);

}  // namespace sluice::pktgen
