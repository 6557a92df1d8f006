// The pods of one process, by name, as commands see them.
#pragma once

#include <absl/status/statusor.h>

#include <map>
#include <string>

#include "perf/pktgen/host_stack.h"

namespace sluice::pktgen {

using Pods = std::map<std::string, HostStack*>;

// Errors: NotFound naming the pod.
absl::StatusOr<HostStack*> FindPod(const Pods& pods, const std::string& name);

// FindPod, for a pod that is to send to `to`. Errors: FailedPrecondition if it has no address of
// that family, InvalidArgument if `to` is its own (no packet would leave).
absl::StatusOr<HostStack*> FindSender(const Pods& pods, const std::string& name,
                                      const IpAddress& to);

// The first address of `family` (the first of all without one); never the link-local one. Errors:
// FailedPrecondition naming the pod.
absl::StatusOr<IpAddress> AddressOf(const HostStack& pod, std::optional<Family> family);

}  // namespace sluice::pktgen
