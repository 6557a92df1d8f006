#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "control/cni/add_port.h"
#include "control/cni/cni_error.h"
#include "control/cni/commands.h"
#include "control/cni/daemon_tombstone.h"
#include "control/cni/detach.h"
#include "control/cni/pod_interface.h"
#include "control/cni/sweep.h"

namespace sluice::cni {
namespace {

using Clock = std::chrono::steady_clock;

// An interface of that name is another's, but in a chain: there the plugins before have made it,
// and a socket or a virtual function comes beside it.
absl::Status CheckName(const Call& call) {
  if (call.config.previous && call.config.port.type != PortType::kTap) return absl::OkStatus();
  const auto taken = HasInterface(call.args.netns, call.args.ifname);
  if (!taken.ok() || !*taken) return taken.status();
  return Fail(kExists, fmt::format("environment: CNI_IFNAME: interface {} in {} exists already: it "
                                   "is not of this plugin, which leaves it alone",
                                   call.args.ifname, call.args.netns));
}

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
  Sweep(call);
  if (*record) possible = Detach(call, **record);
  if (possible.ok()) possible = CheckName(call);
  return possible.ok() ? ForgetDeletion(call, PortNameOf(call.Id())) : possible;
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

absl::StatusOr<Result> Attach(const Call& call, Clock::time_point deadline, Record& record) {
  auto ipam = call.ipam.Add();
  if (!ipam.ok()) return ipam.status();
  record.addresses = AddressesOf(call, *ipam);
  if (record.addresses.empty()) {
    return Fail(kConfig,
                "configuration: ipam: without it, addresses come from prevResult or "
                "runtimeConfig.ips, and there are none: policy is held against addresses");
  }
  absl::Status status = AddPort(call, deadline, *ipam, record);
  if (!status.ok()) return status;
  record.state = Record::State::kAdded;
  status = call.store.Save(record);
  if (!status.ok()) return status;
  return ResultOf(call, record, *ipam);
}

}  // namespace

absl::StatusOr<Result> Add(const Call& call) {
  absl::Status status = CheckPlace(call);
  if (!status.ok()) return status;
  const Clock::time_point deadline = Clock::now() + call.config.timeout;
  const auto lock = call.store.Lock(call.Id(), deadline);
  if (!lock.ok()) return lock.status();
  status = ClearTheWay(call);
  if (!status.ok()) return status;
  Record record = NewRecord(call);
  status = call.store.Save(record);
  if (!status.ok()) return status;
  auto result = Attach(call, deadline, record);
  if (result.ok()) return result;
  const absl::Status undone = Detach(call, record);
  if (undone.ok()) return result;
  return Fail(CodeOf(result.status()),
              fmt::format("{}; and it could not be undone: {}",
                          std::string(result.status().message()), std::string(undone.message())));
}

}  // namespace sluice::cni
