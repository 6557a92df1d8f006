#include "control/verdict_stamps.h"

#include <algorithm>
#include <memory>

namespace sluice::control {
namespace {

using dataplane::AddressStamps;
using dataplane::IsEarlierEpoch;
using dataplane::kStampHorizon;
using dataplane::PortId;
using dataplane::PortView;
using dataplane::Snapshot;

// How often stamps are pulled along so that they do not fall behind the horizon.
constexpr uint32_t kPullEvery = kStampHorizon / 1024;

const PortView* PortIn(const Snapshot& snapshot, PortId id) {
  if (id >= snapshot.ports.size() || !snapshot.ports[id].in_use) return nullptr;
  return &snapshot.ports[id];
}

bool IsSamePort(const PortView* before, const PortView* now) {
  return before != nullptr && now != nullptr && before->generation == now->generation &&
         before->subject == now->subject;
}

// No stamp may be so old that it seems to be in the future.
uint32_t WithinHorizon(uint32_t stamp, uint32_t epoch) {
  const uint32_t oldest = epoch - kStampHorizon;
  return IsEarlierEpoch(stamp, oldest) ? oldest : stamp;
}

void StampPorts(const std::set<PortId>& touched, uint32_t epoch, const Snapshot& previous,
                Snapshot& now) {
  for (size_t id = 1; id < now.ports.size(); ++id) {
    PortView& port = now.ports[id];
    if (!port.in_use) continue;
    const bool stays = !touched.contains(static_cast<PortId>(id));
    port.verdict_epoch = stays ? WithinHorizon(previous.ports[id].verdict_epoch, epoch) : epoch;
  }
}

std::shared_ptr<const AddressStamps> StampAddresses(
    const std::set<acl::IpAddress>& touched, uint32_t epoch,
    const std::shared_ptr<const AddressStamps>& previous) {
  if (touched.empty() && epoch % kPullEvery != 0) return previous;
  auto stamps = std::make_shared<AddressStamps>(*previous);
  for (uint32_t& stamp : stamps->epochs) stamp = WithinHorizon(stamp, epoch);
  for (const acl::IpAddress& address : touched) {
    stamps->epochs[AddressStamps::SlotOf(address.bytes.data())] = epoch;
  }
  return stamps;
}

struct Touched {
  std::set<PortId> ports;
  std::set<acl::IpAddress> addresses;
};

// Ports that came, went or changed, with their addresses.
Touched TouchedByPorts(const Snapshot& previous, const Snapshot& now) {
  Touched touched;
  const size_t slots = std::max(previous.ports.size(), now.ports.size());
  for (size_t slot = 1; slot < slots; ++slot) {
    const auto id = static_cast<PortId>(slot);
    const PortView *before = PortIn(previous, id), *after = PortIn(now, id);
    if ((before == nullptr && after == nullptr) || IsSamePort(before, after)) continue;
    touched.ports.insert(id);
    for (const PortView* port : {before, after}) {
      if (port == nullptr) continue;
      touched.addresses.insert(port->addresses.begin(), port->addresses.end());
    }
  }
  return touched;
}

void StampFirst(Snapshot& now) {
  now.verdict_epoch = now.everything_epoch = 1;
  for (PortView& port : now.ports) port.verdict_epoch = 1;
  now.networks[0].stamps = std::make_shared<AddressStamps>();
}

}  // namespace

void StampVerdicts(const VerdictScope& scope, const std::set<PortId>& subjects,
                   const Snapshot* previous, Snapshot& now) {
  if (previous == nullptr) return StampFirst(now);
  Touched touched = TouchedByPorts(*previous, now);
  const uint32_t epoch = previous->verdict_epoch + (scope.empty() && touched.ports.empty() ? 0 : 1);
  touched.addresses.insert(scope.new_owners.begin(), scope.new_owners.end());
  if (!now.keep_established) {
    touched.ports.insert(subjects.begin(), subjects.end());
    touched.addresses.insert(scope.addresses.begin(), scope.addresses.end());
  }
  now.verdict_epoch = epoch;
  const bool everything = scope.everything && !now.keep_established;
  now.everything_epoch = everything ? epoch : WithinHorizon(previous->everything_epoch, epoch);
  StampPorts(touched.ports, epoch, *previous, now);
  now.networks[0].stamps = StampAddresses(touched.addresses, epoch, previous->networks[0].stamps);
}

}  // namespace sluice::control
