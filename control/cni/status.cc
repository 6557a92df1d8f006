#include <fmt/format.h>

#include "control/cni/cni_error.h"
#include "control/cni/commands.h"

namespace sluice::cni {

absl::Status Status(const Call& call) {
  const auto state = call.daemon.State();
  if (!state.ok()) return Fail(kNotAvailable, std::string(state.status().message()));
  const std::string who = "sluiced at " + call.config.daemon;
  if (state->workers == 0) return Fail(kNotAvailable, who + ": has no workers");
  const std::string& network = call.config.port.network;
  if (!state->networks.contains(network)) {
    return Fail(kNotAvailable,
                fmt::format("{}: has no network \"{}\": sluicectl network add", who, network));
  }
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
