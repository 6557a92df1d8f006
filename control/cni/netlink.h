// What the kernel is asked of the interfaces of a network namespace: rtnetlink(7).
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "acl/address.h"
#include "dataplane/mac_address.h"

struct mnl_socket;
struct nlmsghdr;

namespace sluice::cni {

struct InterfaceAddress {
  acl::IpAddress address;
  uint8_t prefix_len = 0;
  bool operator==(const InterfaceAddress&) const = default;
};

struct Route {
  acl::Cidr destination;
  std::optional<acl::IpAddress> gateway;
  uint32_t mtu = 0, advmss = 0, priority = 0;  // 0: the kernel's default
  uint32_t table = 254;                        // the main one
  std::optional<uint8_t> scope;                // as rtnetlink numbers them
};

// What the answer about a physical function's interface says of its virtual function `number`:
//   IFLA_VFINFO_LIST { IFLA_VF_INFO { IFLA_VF_MAC, ... }, ... }
// Nothing: it does not say, or is no such answer.
std::optional<dataplane::MacAddress> VirtualFunctionMacIn(const nlmsghdr* link, unsigned number);

// Of the namespace in which the thread was when it opened. Errors of all calls: Unavailable with
// the system's words. One thread.
class Netlink {
 public:
  static absl::StatusOr<Netlink> Open();

  // IPv6 without duplicate address detection: whose an address is, the switch knows. One that is
  // there is no error.
  absl::Status AddAddress(unsigned interface, const InterfaceAddress& address);
  // Whether it was made: a route to the destination that is there already stays, and is no error.
  absl::StatusOr<bool> AddRoute(unsigned interface, const Route& route);
  // One that is not there is no error.
  absl::Status DeleteInterface(unsigned interface);

  // Of virtual function `number` of the physical function's interface. Nothing: its driver does not
  // say.
  absl::StatusOr<std::optional<dataplane::MacAddress>> VirtualFunctionMac(unsigned interface,
                                                                          unsigned number);
  absl::Status SetVirtualFunctionMac(unsigned interface, unsigned number,
                                     const dataplane::MacAddress& mac);

  absl::StatusOr<std::vector<InterfaceAddress>> Addresses(unsigned interface);
  // By all interfaces; of a route, what this has is destination, gateway and table.
  absl::StatusOr<std::vector<Route>> Routes();

 private:
  struct Closer {
    void operator()(mnl_socket* socket) const;
  };
  explicit Netlink(mnl_socket* socket) : socket_(socket) {}
  // Sends `message` and hands each part of the answer to `part`. The errno of what failed, or 0.
  int Ask(nlmsghdr* message, int (*part)(const nlmsghdr*, void*), void* data);

  std::unique_ptr<mnl_socket, Closer> socket_;
  uint32_t sequence_ = 0;
};

}  // namespace sluice::cni
