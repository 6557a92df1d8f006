#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "control/cni/cni_error.h"
#include "control/cni/commands.h"
#include "control/cni/detach.h"
#include "control/cni/device_info.h"
#include "control/cni/socket_path.h"

namespace sluice::cni {
namespace {

using Clock = std::chrono::steady_clock;

// Whether the attachment can begin: nothing of it is there, any more.
absl::Status ClearTheWay(const Call& call) {
  absl::Status possible = call.ipam.IsThere();
  if (possible.ok()) possible = call.daemon.State().status();
  if (!possible.ok()) return possible;
  const auto record = call.store.Load(call.Id());
  if (!record.ok()) return record.status();
  if (*record && (*record)->state == Record::State::kAdded) {
    return Fail(kExists,
                fmt::format("attachment {}: exists already: DEL comes first", ToText(call.Id())));
  }
  SweepGone(call);
  return *record && (*record)->state == Record::State::kAdding ? Detach(call, **record)
                                                               : absl::OkStatus();
}

// Addresses that the port has: IPAM's, else those of the plugins before, else what the runtime
// asks.
std::vector<std::string> AddressesOf(const Call& call, const Result& ipam) {
  std::vector<std::string> addresses;
  for (const IpConfig& ip : ipam.ips) addresses.push_back(ip.address);
  if (!addresses.empty() || call.ipam.IsConfigured()) return addresses;
  if (call.config.previous) {
    for (const IpConfig& ip : call.config.previous->ips) addresses.push_back(ip.address);
  }
  return addresses.empty() ? call.config.port.addresses : addresses;
}

Record NewRecord(const Call& call) {
  Record record;
  record.id = call.Id();
  record.daemon = call.config.daemon;
  record.netns = call.args.netns;
  const auto& mac = call.config.port.mac;
  record.mac = mac ? mac->ToString() : MacOf(record.id);
  return record;
}

dataplane::PortSpec SpecOf(const Call& call, const Record& record) {
  const PortConfig& port = call.config.port;
  dataplane::PortSpec spec;
  spec.name = PortNameOf(record.id);
  spec.kind =
      port.pod_listens ? dataplane::PortKind::kVhostClient : dataplane::PortKind::kVhostServer;
  spec.path = record.socket_path;
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

// What the plugins before said, and this interface; its index goes to the addresses that IPAM gave.
Result ResultOf(const Call& call, const Record& record, const Result& ipam) {
  Result result = call.config.previous.value_or(Result());
  const auto index = static_cast<unsigned>(result.interfaces.size());
  result.interfaces.push_back({call.args.ifname, record.mac, call.config.port.mtu, call.args.netns,
                               record.socket_path, ""});
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

// The port and what goes with it. `record` says at any time what there is to be undone.
absl::Status AddPort(const Call& call, const std::string& socket_path, Clock::time_point deadline,
                     Record& record) {
  const PortConfig& port = call.config.port;
  absl::Status status = MakeWay(socket_path);
  if (!status.ok()) return status;
  record.socket_path = socket_path;
  record.device_info_file = port.device_info_file;
  status = call.store.Save(record);
  if (status.ok()) status = MakeSocketDirectory(socket_path, port);
  if (!status.ok()) return status;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
  const auto epoch =
      call.daemon.AddPort(SpecOf(call, record), std::max(left, std::chrono::milliseconds(1)));
  if (!epoch.ok()) return epoch.status();
  if (!port.pod_listens) status = ShareSocket(socket_path, port);
  if (!status.ok() || port.device_info_file.empty()) return status;
  return WriteDeviceInfo(port.device_info_file, socket_path, port.pod_listens);
}

absl::StatusOr<Result> Attach(const Call& call, const std::string& socket_path, Record& record) {
  const Clock::time_point deadline = Clock::now() + call.config.timeout;
  const auto ipam = call.ipam.Add();
  if (!ipam.ok()) return ipam.status();
  record.addresses = AddressesOf(call, *ipam);
  if (record.addresses.empty()) {
    return Fail(kConfig,
                "configuration: ipam: without it, addresses come from prevResult or "
                "runtimeConfig.ips, and there are none: policy is held against addresses");
  }
  absl::Status status = AddPort(call, socket_path, deadline, record);
  if (!status.ok()) return status;
  record.state = Record::State::kAdded;
  status = call.store.Save(record);
  if (!status.ok()) return status;
  return ResultOf(call, record, *ipam);
}

}  // namespace

absl::StatusOr<Result> Add(const Call& call) {
  const auto socket_path = SocketPathOf(call.config.port, call.args);
  if (!socket_path.ok()) return socket_path.status();
  absl::Status status = ClearTheWay(call);
  if (!status.ok()) return status;
  Record record = NewRecord(call);
  status = call.store.Save(record);
  if (!status.ok()) return status;
  auto result = Attach(call, *socket_path, record);
  if (result.ok()) return result;
  const absl::Status undone = Detach(call, record);
  if (undone.ok()) return result;
  return Fail(CodeOf(result.status()),
              fmt::format("{}; and it could not be undone: {}",
                          std::string(result.status().message()), std::string(undone.message())));
}

}  // namespace sluice::cni
