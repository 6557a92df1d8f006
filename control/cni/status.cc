#include <fmt/format.h>

#include "control/cni/cni_error.h"
#include "control/cni/commands.h"
#include "control/cni/sweep.h"

namespace sluice::cni {
namespace {

std::string Who(const Call& call) { return "sluiced at " + call.config.daemon; }

bool IsFull(unsigned used, unsigned slots) { return slots != 0 && used >= slots; }

// Whether an ADD would find a slot for its port. Those that are there lack nothing.
absl::Status CheckRoom(const Call& call, const DaemonState& state) {
  if (IsFull(state.ports, state.port_slots)) {
    return Fail(kNotAvailable, fmt::format("{}: all of its {} port slots are in use", Who(call),
                                           state.port_slots));
  }
  if (call.config.port.type == PortType::kSriov && IsFull(state.devices, state.device_slots)) {
    return Fail(kNotAvailable, fmt::format("{}: all of the {} devices that its DPDK allows, for "
                                           "ports that are neither vhost-user nor tap, are in use",
                                           Who(call), state.device_slots));
  }
  return absl::OkStatus();
}

absl::StatusOr<DaemonState> StateOf(const Call& call) {
  auto state = call.daemon.State();
  if (!state.ok()) return Fail(kNotAvailable, std::string(state.status().message()));
  return state;
}

// Nobody calls ADD, which sweeps, of a plugin that says that it is full.
absl::Status MakeRoom(const Call& call, const DaemonState& state) {
  const absl::Status room = CheckRoom(call, state);
  if (room.ok()) return room;
  Sweep(call);
  const auto now = StateOf(call);
  return now.ok() ? CheckRoom(call, *now) : now.status();
}

}  // namespace

absl::Status Status(const Call& call) {
  const auto state = StateOf(call);
  if (!state.ok()) return state.status();
  const std::string who = Who(call);
  if (state->workers == 0) return Fail(kNotAvailable, who + ": has no workers");
  const std::string& network = call.config.port.network;
  if (!state->networks.contains(network)) {
    return Fail(kNotAvailable,
                fmt::format("{}: has no network \"{}\": sluicectl network add", who, network));
  }
  if (const absl::Status room = MakeRoom(call, *state); !room.ok()) return room;
  if (!state->last_error.empty()) {
    return Fail(kLimited, fmt::format("{}: the newest policies are not in force: {}", who,
                                      state->last_error));
  }
  if (state->buffers_in_use >= state->packet_buffers) {
    return Fail(kLimited, fmt::format("{}: all of its {} packet buffers are in use", who,
                                      state->packet_buffers));
  }
  return call.ipam.Status();
}

}  // namespace sluice::cni
