#include "control/cni/machine.h"

#include <fmt/format.h>
#include <net/if.h>

#include "control/cni/cni_error.h"
#include "control/cni/netlink.h"

namespace sluice::cni {
namespace {

absl::Status SetMac(const VirtualFunction& function, const dataplane::MacAddress& mac) {
  auto netlink = Netlink::Open();
  const absl::Status set =
      netlink.ok() ? netlink->SetVirtualFunctionMac(
                         if_nametoindex(function.physical_netdev.c_str()), function.number, mac)
                   : netlink.status();
  return FailIo(
      fmt::format("virtual function {} of {}: MAC: ", function.number, function.physical_netdev),
      set);
}

}  // namespace

Machine ThisMachine() { return {"/sys", SetMac}; }

}  // namespace sluice::cni
