#include "control/cni/machine.h"

#include <fmt/format.h>
#include <net/if.h>

#include "control/cni/cni_error.h"
#include "control/cni/netlink.h"

namespace sluice::cni {
namespace {

absl::Status Failed(const VirtualFunction& function, const absl::Status& status) {
  return FailIo(
      fmt::format("virtual function {} of {}: MAC: ", function.number, function.physical_netdev),
      status);
}

unsigned IndexOf(const VirtualFunction& function) {
  return if_nametoindex(function.physical_netdev.c_str());
}

absl::StatusOr<std::optional<dataplane::MacAddress>> MacOf(const VirtualFunction& function) {
  auto netlink = Netlink::Open();
  if (!netlink.ok()) return Failed(function, netlink.status());
  auto mac = netlink->VirtualFunctionMac(IndexOf(function), function.number);
  if (!mac.ok()) return Failed(function, mac.status());
  return mac;
}

absl::Status SetMac(const VirtualFunction& function, const dataplane::MacAddress& mac) {
  auto netlink = Netlink::Open();
  if (!netlink.ok()) return Failed(function, netlink.status());
  return Failed(function, netlink->SetVirtualFunctionMac(IndexOf(function), function.number, mac));
}

}  // namespace

Machine ThisMachine() { return {"/sys", MacOf, SetMac}; }

}  // namespace sluice::cni
