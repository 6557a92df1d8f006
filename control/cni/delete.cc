#include <algorithm>

#include "control/cni/commands.h"
#include "control/cni/detach.h"

namespace sluice::cni {
namespace {

// Without a record, or with one that cannot be read: what the names say, and the port itself.
Record Reconstruct(const Call& call) {
  const std::string attachment = ToText(call.Id());
  Record record;
  const auto ports = call.daemon.ListPorts();
  if (ports.ok()) {
    const auto port = std::ranges::find_if(
        *ports, [&](const PortState& found) { return found.spec.attachment == attachment; });
    if (port != ports->end()) record.socket_path = port->spec.path;
  }
  record.id = call.Id();
  record.daemon = call.config.daemon;
  record.netns = call.args.netns;
  return record;
}

}  // namespace

absl::Status Delete(const Call& call) {
  const auto record = call.store.Load(call.Id());
  const absl::Status status = Detach(call, record.ok() && *record ? **record : Reconstruct(call));
  const auto left = call.store.Load(call.Id());  // a tombstone: the daemon is away
  if (status.ok() && left.ok() && !*left) SweepGone(call);
  return status;
}

}  // namespace sluice::cni
