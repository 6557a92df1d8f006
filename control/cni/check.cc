#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "control/cni/cni_error.h"
#include "control/cni/commands.h"
#include "control/cni/pod_interface.h"

namespace sluice::cni {
namespace {

absl::Status Wrong(const Call& call, const std::string& what, ErrorCode code = kCheck) {
  return Fail(code, fmt::format("attachment {}: {}", ToText(call.Id()), what));
}

// What the daemon says of a port is so on every worker. What it could not build is not, and may be
// this pod's.
absl::Status CheckPolicy(const Call& call, const PortState& port) {
  const auto state = call.daemon.State();
  if (!state.ok()) return state.status();
  const std::string failed =
      state->last_error.empty()
          ? ""
          : fmt::format("epoch {} is in force, and the newest policies are not: {}", state->epoch,
                        state->last_error);
  if (port.is_known) return failed.empty() ? absl::OkStatus() : Wrong(call, failed, kTryAgain);
  return Wrong(call, fmt::format("port {} is shut: no policy is in force for its pod{}{}",
                                 port.spec.name, failed.empty() ? "" : ": ", failed));
}

absl::Status CheckPort(const Call& call, const Record& record, const PortState& port) {
  if (port.spec.attachment != ToText(record.id)) {
    return Wrong(call,
                 fmt::format("port {} belongs to \"{}\"", port.spec.name, port.spec.attachment));
  }
  if (port.spec.mac.ToString() != record.mac) {
    return Wrong(call, fmt::format("port {} has MAC {}, not {}", port.spec.name,
                                   port.spec.mac.ToString(), record.mac));
  }
  std::vector<acl::IpAddress> wanted;
  for (const std::string& text : record.addresses) {
    if (const auto address = AddressOf(text)) wanted.push_back(*address);
  }
  if (port.spec.addresses != wanted) {
    return Wrong(call,
                 fmt::format("port {} has not the addresses it was made with", port.spec.name));
  }
  return CheckPolicy(call, port);
}

// Null: it has none.
nlohmann::json GatewayIn(const nlohmann::json& route) {
  const auto found = route.find("gw");
  return found == route.end() ? nullptr : *found;
}

// Those that were made for the attachment, and that no later plugin took out of the result.
std::vector<nlohmann::json> RoutesOf(const Record& record, const Result& previous) {
  std::vector<nlohmann::json> routes;
  std::ranges::copy_if(record.routes, std::back_inserter(routes), [&](const auto& made) {
    return std::ranges::any_of(previous.routes, [&made](const auto& said) {
      return said.at("dst") == made.at("dst") && GatewayIn(said) == GatewayIn(made);
    });
  });
  return routes;
}

// What the runtime remembers of this interface, and, of a tap, what is in the pod's namespace.
absl::Status CheckPrevious(const Call& call, const Record& record) {
  if (!call.config.previous) {
    return Fail(kConfig, "configuration: prevResult: CHECK needs it");
  }
  const auto& interfaces = call.config.previous->interfaces;
  const auto has_name = [&call](const Interface& interface) {
    return interface.name == call.args.ifname && interface.sandbox == call.args.netns;
  };
  // In a chain, one of a plugin before has the same name.
  auto ours = std::ranges::find_if(interfaces, [&](const Interface& interface) {
    return has_name(interface) && interface.mac == record.mac;
  });
  if (ours == interfaces.end()) ours = std::ranges::find_if(interfaces, has_name);
  if (ours == interfaces.end()) {
    return Wrong(call, fmt::format("prevResult has no interface {}", call.args.ifname));
  }
  if (ours->mac != record.mac) {
    return Wrong(call, fmt::format("prevResult has MAC {}, the record {}", ours->mac, record.mac));
  }
  if (record.interface.empty()) return absl::OkStatus();
  const auto index = static_cast<size_t>(ours - interfaces.begin());
  PodInterface interface = InterfaceIn(*call.config.previous, index, call.config.port.mtu);
  interface.routes = RoutesOf(record, *call.config.previous);
  return CheckSetUp(interface);
}

}  // namespace

absl::Status Check(const Call& call) {
  const auto record = call.store.Load(call.Id());
  if (!record.ok()) return record.status();
  if (!*record || (*record)->state != Record::State::kAdded) {
    return Wrong(call, "is not there: no ADD of it succeeded");
  }
  absl::Status status = CheckPrevious(call, **record);
  if (!status.ok()) return status;
  const auto ports = call.daemon.ListPorts();
  if (!ports.ok()) return ports.status();
  const std::string name = PortNameOf(call.Id());
  const auto port = std::ranges::find_if(
      *ports, [&](const PortState& candidate) { return candidate.spec.name == name; });
  if (port == ports->end()) return Wrong(call, fmt::format("port {} is not there", name));
  status = CheckPort(call, **record, *port);
  return status.ok() ? call.ipam.Check() : status;
}

}  // namespace sluice::cni
