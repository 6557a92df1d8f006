#include "perf/pktgen/pods.h"

#include <fmt/core.h>

#include "perf/pktgen/arp_nd.h"

namespace sluice::pktgen {

absl::StatusOr<HostStack*> FindPod(const Pods& pods, const std::string& name) {
  const auto it = pods.find(name);
  if (it != pods.end()) return it->second;
  return absl::NotFoundError(fmt::format("pod {} is not one of this process", name));
}

absl::StatusOr<HostStack*> FindSender(const Pods& pods, const std::string& name,
                                      const IpAddress& to) {
  absl::StatusOr<HostStack*> pod = FindPod(pods, name);
  if (!pod.ok()) return pod;
  if ((*pod)->IsOwn(to)) {
    return absl::InvalidArgumentError(
        fmt::format("pod {}: {} is its own address", name, to.ToString()));
  }
  absl::Status source = (*pod)->SourceFor(to).status();
  if (!source.ok()) return source;
  return pod;
}

absl::StatusOr<IpAddress> AddressOf(const HostStack& pod, std::optional<Family> family) {
  for (const IpAddress& address : pod.config().addresses) {
    if (!IsLinkLocal(address) && (!family || address.family == *family)) return address;
  }
  return absl::FailedPreconditionError(
      fmt::format("pod {} has no address of that family", pod.config().name));
}

}  // namespace sluice::pktgen
