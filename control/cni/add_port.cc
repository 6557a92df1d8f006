#include "control/cni/add_port.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "control/cni/cni_error.h"
#include "control/cni/device_info.h"
#include "control/cni/pod_interface.h"
#include "control/cni/socket_path.h"
#include "dataplane/network_namespace.h"

namespace sluice::cni {
namespace {

using Clock = std::chrono::steady_clock;

// `representor`: its path as a port has it, if there is one.
dataplane::PortSpec SpecOf(const Call& call, const Record& record, const std::string& representor) {
  const PortConfig& port = call.config.port;
  dataplane::PortSpec spec;
  spec.name = PortNameOf(record.id);
  if (port.type == PortType::kSriov) {
    spec.kind = dataplane::PortKind::kRepresentor;
    spec.path = representor;
  } else if (port.type == PortType::kTap) {
    spec.kind = dataplane::PortKind::kTap;
    spec.path = record.interface;
    spec.netns = record.netns;
  } else {
    spec.kind =
        port.pod_listens ? dataplane::PortKind::kVhostClient : dataplane::PortKind::kVhostServer;
    spec.path = record.socket_path;
  }
  spec.network = port.network;
  spec.pod_namespace = call.args.pod_namespace;
  spec.pod_name = call.args.pod_name;
  spec.pod_uid = call.args.pod_uid;
  spec.mac = *dataplane::MacAddress::Parse(record.mac);
  for (const std::string& address : record.addresses) spec.addresses.push_back(*AddressOf(address));
  spec.queues = port.queues;
  spec.mtu = port.mtu;
  spec.attachment = ToText(record.id);
  return spec;
}

// An older daemon may not know of the wait that it was asked for.
absl::Status CheckThatItWaited(const Call& call, const std::string& port) {
  const auto ports = call.daemon.ListPorts();
  if (!ports.ok()) return ports.status();
  const bool is_known = std::ranges::any_of(*ports, [&port](const PortState& found) {
    return found.spec.name == port && found.is_known;
  });
  if (is_known) return absl::OkStatus();
  return Fail(kTryAgain, fmt::format("sluiced at {}: answered before the policy of port {} is in "
                                     "force: it may be older than this plugin",
                                     call.config.daemon, port));
}

// Answers when the port's policy is in force.
absl::Status Open(const Call& call, const Record& record, Clock::time_point deadline,
                  const std::string& representor = "") {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
  const dataplane::PortSpec spec = SpecOf(call, record, representor);
  const auto added = call.daemon.AddPort(spec, std::max(left, std::chrono::milliseconds(1)));
  return added.ok() ? CheckThatItWaited(call, spec.name) : added.status();
}

absl::Status AddSocketPort(const Call& call, Clock::time_point deadline, Record& record) {
  const PortConfig& port = call.config.port;
  const auto path = SocketPathOf(port, call.args);
  absl::Status status = path.ok() ? MakeWay(*path) : path.status();
  if (!status.ok()) return status;
  record.socket_path = *path;
  record.device_info_file = port.device_info_file;
  status = call.store.Save(record);
  if (status.ok()) status = MakeSocketDirectory(*path, port);
  if (status.ok()) status = Open(call, record, deadline);
  if (status.ok() && !port.pod_listens) status = ShareSocket(*path, port);
  if (!status.ok() || port.device_info_file.empty()) return status;
  return WriteDeviceInfo(port.device_info_file,
                         VhostUserInfo(PathInPod(port, *path), port.pod_listens));
}

absl::Status AddTapPort(const Call& call, Clock::time_point deadline, Result& ipam,
                        Record& record) {
  record.interface = call.args.ifname;
  absl::Status status = call.store.Save(record);
  if (status.ok()) status = Open(call, record, deadline);
  if (!status.ok()) return status;
  const Result result = ResultOf(call, record, ipam);
  PodInterface interface = InterfaceIn(result, result.interfaces.size() - 1, call.config.port.mtu);
  interface.routes = ipam.routes;  // those of the plugins before are there
  auto made = SetUp(interface);
  if (!made.ok()) return made.status();
  ipam.routes = record.routes = *std::move(made);
  return absl::OkStatus();
}

absl::StatusOr<VirtualFunction> FunctionOf(const Call& call) {
  const PortConfig& port = call.config.port;
  return FindVirtualFunction(call.machine.sysfs, port.device_key, port.device);
}

// Whatever it had before is to be put back.
absl::Status SetMac(const Call& call, const VirtualFunction& function, Record& record) {
  const auto own = call.machine.mac_of(function);
  if (!own.ok()) return own.status();
  if (*own) record.own_mac = (*own)->ToString();
  const absl::Status saved = call.store.Save(record);
  if (!saved.ok()) return saved;
  return call.machine.set_mac(function, *dataplane::MacAddress::Parse(record.mac));
}

absl::Status AddSriovPort(const Call& call, Clock::time_point deadline, Record& record) {
  const auto function = FunctionOf(call);
  if (!function.ok()) return function.status();
  record.pci = function->pci;
  record.device_info_file = call.config.port.device_info_file;
  absl::Status status = call.store.Save(record);
  if (status.ok()) {
    status =
        Open(call, record, deadline, fmt::format("{}/vf{}", function->physical, function->number));
  }
  if (status.ok()) status = SetMac(call, *function, record);  // before, it may be another pod's
  if (!status.ok() || record.device_info_file.empty()) return status;
  return WriteDeviceInfo(record.device_info_file, PciInfo(*function));
}

}  // namespace

absl::Status CheckPlace(const Call& call) {
  if (call.config.port.type == PortType::kSriov) return FunctionOf(call).status();
  if (call.config.port.type == PortType::kVhostUser) {
    return SocketPathOf(call.config.port, call.args).status();
  }
  // A tap in there would be the node's, not a pod's.
  if (!dataplane::IsOwnNetworkNamespace(call.args.netns)) return absl::OkStatus();
  return Fail(kEnvironment,
              fmt::format("environment: CNI_NETNS: {} is the node's own: a tap needs a "
                          "pod's",
                          call.args.netns));
}

absl::Status AddPort(const Call& call, Clock::time_point deadline, Result& ipam, Record& record) {
  switch (call.config.port.type) {
    case PortType::kTap:
      return AddTapPort(call, deadline, ipam, record);
    case PortType::kSriov:
      return AddSriovPort(call, deadline, record);
    case PortType::kVhostUser:
      return AddSocketPort(call, deadline, record);
  }
  return Fail(kInternal, "no such type of port");
}

Result ResultOf(const Call& call, const Record& record, const Result& ipam) {
  Result result = call.config.previous.value_or(Result());
  const auto index = static_cast<unsigned>(result.interfaces.size());
  result.interfaces.push_back({call.args.ifname, record.mac, call.config.port.mtu, call.args.netns,
                               record.socket_path, record.pci});
  std::vector<IpConfig> ips = ipam.ips;
  if (!call.ipam.IsConfigured() && !call.config.previous) {
    for (const std::string& address : record.addresses) ips.push_back({address, "", {}});
  }
  for (IpConfig& ip : ips) {
    ip.interface = index;
    result.ips.push_back(ip);
  }
  result.routes.insert(result.routes.end(), ipam.routes.begin(), ipam.routes.end());
  if (ipam.dns.is_object() && !ipam.dns.empty()) result.dns = ipam.dns;
  return result;
}

}  // namespace sluice::cni
