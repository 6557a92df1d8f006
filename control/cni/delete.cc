#include <algorithm>
#include <chrono>

#include "control/cni/commands.h"
#include "control/cni/detach.h"
#include "control/cni/sweep.h"

namespace sluice::cni {
namespace {

// Without a record, or with one that cannot be read: what the names say, and the port itself.
Record Reconstruct(const Call& call) {
  const std::string attachment = ToText(call.Id());
  dataplane::PortSpec spec;
  const auto ports = call.daemon.ListPorts();
  if (ports.ok()) {
    const auto port = std::ranges::find_if(
        *ports, [&](const PortState& found) { return found.spec.attachment == attachment; });
    if (port != ports->end()) spec = port->spec;
  }
  Record record = RecordOf(call.Id(), call.config.daemon, spec);
  if (record.netns.empty()) record.netns = call.args.netns;
  return record;
}

}  // namespace

absl::Status Delete(const Call& call) {
  const auto lock =
      call.store.Lock(call.Id(), std::chrono::steady_clock::now() + call.config.timeout);
  if (!lock.ok()) return lock.status();
  const auto record = call.store.Load(call.Id());
  const absl::Status status = Detach(call, record.ok() && *record ? **record : Reconstruct(call));
  const auto left = call.store.Load(call.Id());  // a tombstone: the daemon is away
  if (status.ok() && left.ok() && !*left) Sweep(call);
  return status;
}

}  // namespace sluice::cni
