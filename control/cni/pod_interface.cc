#include "control/cni/pod_interface.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <iterator>
#include <system_error>

#include "control/cni/cni_error.h"
#include "control/cni/netlink.h"
#include "control/file_descriptor.h"
#include "control/whole_file.h"
#include "dataplane/mac_address.h"
#include "dataplane/network_namespace.h"

namespace sluice::cni {
namespace {

using dataplane::MacAddress;
using dataplane::NetworkNamespaceScope;

absl::Status Failed(int code, const std::string& name, const std::string& netns,
                    const std::string& why) {
  return Fail(code, fmt::format("interface {} in {}: {}", name, netns, why));
}

// What the kernel says of an interface of the thread's namespace. False: nothing.
bool Ask(const std::string& name, unsigned long question, ifreq* request) {
  name.copy(request->ifr_name, sizeof(request->ifr_name) - 1);
  const control::FileDescriptor fd(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  return fd.IsOpen() && ioctl(fd.get(), question, request) == 0;
}

std::string MacOf(const std::string& name) {
  ifreq request{};
  if (!Ask(name, SIOCGIFHWADDR, &request)) return "";
  return MacAddress::FromBytes(reinterpret_cast<const uint8_t*>(request.ifr_hwaddr.sa_data))
      .ToString();
}

bool IsTap(const std::string& name) {
  ethtool_drvinfo info{};
  info.cmd = ETHTOOL_GDRVINFO;
  ifreq request{};
  request.ifr_data = reinterpret_cast<char*>(&info);
  return Ask(name, SIOCETHTOOL, &request) && std::string(info.driver) == "tun";
}

InterfaceAddress AddressAndLength(const IpConfig& ip) {
  return {*AddressOf(ip.address), acl::Cidr::Parse(ip.address)->prefix_len};
}

uint32_t NumberOf(const nlohmann::json& from, const char* key) {
  const auto found = from.find(key);
  return found != from.end() && found->is_number_unsigned() ? found->get<uint32_t>() : 0;
}

std::optional<acl::IpAddress> GatewayOf(const nlohmann::json& from, acl::Family family,
                                        const std::vector<IpConfig>& ips) {
  const auto found = from.find("gw");
  if (found != from.end() && found->is_string()) {
    const auto gateway = acl::IpAddress::Parse(found->get<std::string>());
    return gateway.ok() ? std::optional(*gateway) : std::nullopt;
  }
  for (const IpConfig& ip : ips) {
    const auto gateway = acl::IpAddress::Parse(ip.gateway);
    if (gateway.ok() && gateway->family == family) return *gateway;
  }
  return std::nullopt;
}

// ParseResult has looked at the destination.
Route RouteOf(const nlohmann::json& from, const std::vector<IpConfig>& ips) {
  Route route;
  route.destination = *acl::Cidr::Parse(from.at("dst").get<std::string>());
  route.gateway = GatewayOf(from, route.destination.base.family, ips);
  route.mtu = NumberOf(from, "mtu");
  route.advmss = NumberOf(from, "advmss");
  route.priority = NumberOf(from, "priority");
  if (from.contains("table")) route.table = NumberOf(from, "table");
  if (from.contains("scope")) route.scope = static_cast<uint8_t>(NumberOf(from, "scope"));
  return route;
}

// Runtimes make namespaces without IPv6; and addresses are to outlive that the link goes down.
absl::Status AllowIpv6(const std::string& name) {
  const std::string directory = "/proc/sys/net/ipv6/conf/" + name + "/";
  for (const auto& [knob, value] : {std::pair("disable_ipv6", "0"), {"keep_addr_on_down", "1"}}) {
    const control::FileDescriptor file(open((directory + knob).c_str(), O_WRONLY | O_CLOEXEC));
    const int error = file.IsOpen() ? control::WriteAll(file.get(), value) : errno;
    if (error == 0) continue;
    return absl::UnavailableError(
        fmt::format("{}{}: {}", directory, knob, std::generic_category().message(error)));
  }
  return absl::OkStatus();
}

// Those that were made.
absl::StatusOr<std::vector<nlohmann::json>> AddRoutes(Netlink& netlink, unsigned index,
                                                      const PodInterface& interface) {
  std::vector<nlohmann::json> made;
  for (const nlohmann::json& route : interface.routes) {
    const auto added = netlink.AddRoute(index, RouteOf(route, interface.ips));
    if (!added.ok()) {
      return absl::UnavailableError(
          fmt::format("route {}: {}", route.dump(), std::string(added.status().message())));
    }
    if (*added) made.push_back(route);
  }
  return made;
}

// In the interface's namespace.
absl::StatusOr<std::vector<nlohmann::json>> SetUpHere(const PodInterface& interface) {
  const unsigned index = if_nametoindex(interface.name.c_str());
  if (index == 0) return absl::NotFoundError("it is not there");
  auto netlink = Netlink::Open();
  if (!netlink.ok()) return netlink.status();
  const bool has_ipv6 = std::ranges::any_of(interface.ips, [](const IpConfig& ip) {
    return AddressOf(ip.address)->family == acl::Family::kIpv6;
  });
  absl::Status status = has_ipv6 ? AllowIpv6(interface.name) : absl::OkStatus();
  for (const IpConfig& ip : interface.ips) {
    if (!status.ok()) return status;
    status = netlink->AddAddress(index, AddressAndLength(ip));
  }
  if (!status.ok()) return status;
  return AddRoutes(*netlink, index, interface);
}

// What of the link is not as it was made; empty: nothing.
std::string WhatIsWrongWithLink(const PodInterface& interface) {
  const std::string mac = MacOf(interface.name);
  if (mac.empty()) return "it is not there";
  if (mac != interface.mac) return fmt::format("it has MAC {}, not {}", mac, interface.mac);
  ifreq mtu{}, flags{};
  const bool answered =
      Ask(interface.name, SIOCGIFMTU, &mtu) && Ask(interface.name, SIOCGIFFLAGS, &flags);
  if (!answered) return "it is not there any more";
  if (static_cast<uint32_t>(mtu.ifr_mtu) != interface.mtu) {
    return fmt::format("it has MTU {}, not {}", mtu.ifr_mtu, interface.mtu);
  }
  return (flags.ifr_flags & IFF_UP) == 0 ? "it is down" : "";
}

// What is not as SetUp left it; empty: nothing.
absl::StatusOr<std::string> WhatIsWrongHere(const PodInterface& interface) {
  std::string wrong = WhatIsWrongWithLink(interface);
  if (!wrong.empty()) return wrong;
  auto netlink = Netlink::Open();
  if (!netlink.ok()) return netlink.status();
  const auto addresses = netlink->Addresses(if_nametoindex(interface.name.c_str()));
  if (!addresses.ok()) return addresses.status();
  for (const IpConfig& ip : interface.ips) {
    if (std::ranges::find(*addresses, AddressAndLength(ip)) == addresses->end()) {
      return fmt::format("address {} is not there", ip.address);
    }
  }
  const auto routes = netlink->Routes();
  if (!routes.ok()) return routes.status();
  for (const nlohmann::json& wanted : interface.routes) {
    const Route route = RouteOf(wanted, interface.ips);
    const auto is_it = [&route](const Route& there) {
      return there.destination == route.destination && there.table == route.table &&
             there.gateway == route.gateway;
    };
    if (!std::ranges::any_of(*routes, is_it)) {
      return fmt::format("route {} is not there", wanted.dump());
    }
  }
  return "";
}

}  // namespace

PodInterface InterfaceIn(const Result& result, size_t index, uint32_t mtu) {
  const Interface& from = result.interfaces[index];
  PodInterface interface { from.sandbox, from.name, from.mac, mtu, {}, result.routes };
  std::ranges::copy_if(result.ips, std::back_inserter(interface.ips),
                       [index](const IpConfig& ip) { return ip.interface == index; });
  return interface;
}

absl::StatusOr<bool> HasInterface(const std::string& netns, const std::string& name) {
  if (dataplane::IsOwnNetworkNamespace(netns)) return if_nametoindex(name.c_str()) != 0;
  const auto there = NetworkNamespaceScope::Enter(netns);
  if (there.ok()) return if_nametoindex(name.c_str()) != 0;
  return Fail(absl::IsNotFound(there.status()) ? kEnvironment : kIo,
              "environment: CNI_NETNS: " + std::string(there.status().message()));
}

absl::StatusOr<std::vector<nlohmann::json>> SetUp(const PodInterface& interface) {
  const auto there = NetworkNamespaceScope::Enter(interface.netns);
  auto made = there.ok() ? SetUpHere(interface) : there.status();
  if (made.ok()) return made;
  return Failed(kIo, interface.name, interface.netns, std::string(made.status().message()));
}

absl::Status CheckSetUp(const PodInterface& interface) {
  const auto failed = [&](int code, const std::string& why) {
    return Failed(code, interface.name, interface.netns, why);
  };
  const auto there = NetworkNamespaceScope::Enter(interface.netns);
  if (!there.ok()) return failed(kCheck, std::string(there.status().message()));
  const auto wrong = WhatIsWrongHere(interface);
  if (!wrong.ok()) return failed(kIo, std::string(wrong.status().message()));
  return wrong->empty() ? absl::OkStatus() : failed(kCheck, *wrong);
}

absl::Status TakeAway(const std::string& netns, const std::string& name, const std::string& mac) {
  const auto there = NetworkNamespaceScope::Enter(netns);
  if (absl::IsNotFound(there.status())) return absl::OkStatus();
  absl::Status done = there.status();
  const unsigned index = done.ok() ? if_nametoindex(name.c_str()) : 0;  // 0: it is gone
  if (index != 0 && IsTap(name) && MacOf(name) == mac) {
    auto netlink = Netlink::Open();
    done = netlink.ok() ? netlink->DeleteInterface(index) : netlink.status();
  }
  return done.ok() ? done : Failed(kIo, name, netns, std::string(done.message()));
}

}  // namespace sluice::cni
