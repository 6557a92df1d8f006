#include "control/cni/netlink.h"

#include <libmnl/libmnl.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string>
#include <system_error>

namespace sluice::cni {
namespace {

using acl::Family;
using acl::IpAddress;

constexpr size_t kMessageBytes = 1024;  // more than any that is made here

uint8_t FamilyOf(const IpAddress& address) {
  return address.family == Family::kIpv4 ? AF_INET : AF_INET6;
}

void Put(nlmsghdr* message, uint16_t attribute, const IpAddress& address) {
  mnl_attr_put(message, attribute, address.bits() / 8, address.bytes.data());
}

absl::Status Outcome(int error) {
  if (error == 0) return absl::OkStatus();
  return absl::UnavailableError(std::generic_category().message(error));
}

// A request that is being written.
template <typename Header>
struct Message {
  Message(uint16_t type, uint16_t flags) : head(mnl_nlmsg_put_header(bytes.data())) {
    head->nlmsg_type = type;
    head->nlmsg_flags = NLM_F_REQUEST | flags;
    header = static_cast<Header*>(mnl_nlmsg_put_extra_header(head, sizeof(Header)));
  }
  alignas(nlmsghdr) std::array<char, kMessageBytes> bytes{};
  nlmsghdr* head;
  Header* header;
};

// The address in an attribute; nothing if it has no such length.
std::optional<IpAddress> Get(uint8_t family, const nlattr* attribute) {
  const Family kind = family == AF_INET ? Family::kIpv4 : Family::kIpv6;
  const IpAddress unspecified{kind, {}};
  if (mnl_attr_get_payload_len(attribute) != unspecified.bits() / 8) return std::nullopt;
  return IpAddress::FromBytes(kind, static_cast<const uint8_t*>(mnl_attr_get_payload(attribute)));
}

// Calls `use` with each attribute from `first` on.
template <typename Use>
void ForEachAttribute(const void* first, const void* end, Use use) {
  const auto* attribute = static_cast<const nlattr*>(first);
  while (mnl_attr_ok(attribute, static_cast<int>(static_cast<const char*>(end) -
                                                 reinterpret_cast<const char*>(attribute)))) {
    use(attribute);
    attribute = mnl_attr_next(attribute);
  }
}

// With each behind a header of `offset` bytes.
template <typename Use>
void ForEachAttribute(const nlmsghdr* message, size_t offset, Use use) {
  ForEachAttribute(mnl_nlmsg_get_payload_offset(message, offset),
                   mnl_nlmsg_get_payload_tail(message), use);
}

// With each of type `type` in `outer`.
template <typename Use>
void ForEachInside(const nlattr* outer, uint16_t type, Use use) {
  const auto* first = static_cast<const char*>(mnl_attr_get_payload(outer));
  ForEachAttribute(first, first + mnl_attr_get_payload_len(outer), [&](const nlattr* attribute) {
    if (mnl_attr_get_type(attribute) == type) use(attribute);
  });
}

struct AddressList {
  unsigned interface;
  std::vector<InterfaceAddress> found;
};

int NoteAddress(const nlmsghdr* message, void* data) {
  const auto* header = static_cast<const ifaddrmsg*>(mnl_nlmsg_get_payload(message));
  auto* list = static_cast<AddressList*>(data);
  if (message->nlmsg_type != RTM_NEWADDR || header->ifa_index != list->interface) return MNL_CB_OK;
  std::optional<IpAddress> address;
  ForEachAttribute(message, sizeof(ifaddrmsg), [&](const nlattr* attribute) {
    const uint16_t type = mnl_attr_get_type(attribute);
    // An IPv4 address is the local one; of IPv6 there is the other alone.
    const bool is_it = type == IFA_LOCAL || (type == IFA_ADDRESS && !address);
    if (is_it) address = Get(header->ifa_family, attribute);
  });
  if (address) list->found.push_back({*address, header->ifa_prefixlen});
  return MNL_CB_OK;
}

int NoteRoute(const nlmsghdr* message, void* data) {
  const auto* header = static_cast<const rtmsg*>(mnl_nlmsg_get_payload(message));
  const bool is_ip = header->rtm_family == AF_INET || header->rtm_family == AF_INET6;
  if (message->nlmsg_type != RTM_NEWROUTE || !is_ip) return MNL_CB_OK;
  IpAddress base{header->rtm_family == AF_INET ? Family::kIpv4 : Family::kIpv6, {}};
  Route route;
  route.table = header->rtm_table;
  ForEachAttribute(message, sizeof(rtmsg), [&](const nlattr* attribute) {
    const uint16_t type = mnl_attr_get_type(attribute);
    if (type == RTA_DST) base = Get(header->rtm_family, attribute).value_or(base);
    if (type == RTA_GATEWAY) route.gateway = Get(header->rtm_family, attribute);
    if (type == RTA_TABLE) route.table = mnl_attr_get_u32(attribute);
  });
  route.destination = acl::Cidr::Around(base, header->rtm_dst_len);
  static_cast<std::vector<Route>*>(data)->push_back(route);
  return MNL_CB_OK;
}

struct WantedFunction {
  unsigned number;
  std::optional<dataplane::MacAddress> mac;
};

int NoteVirtualFunction(const nlmsghdr* message, void* data) {
  auto* wanted = static_cast<WantedFunction*>(data);
  if (const auto mac = VirtualFunctionMacIn(message, wanted->number)) wanted->mac = mac;
  return MNL_CB_OK;
}

void PutMetrics(nlmsghdr* message, const Route& route) {
  if (route.mtu == 0 && route.advmss == 0) return;
  nlattr* metrics = mnl_attr_nest_start(message, RTA_METRICS);
  if (route.mtu != 0) mnl_attr_put_u32(message, RTAX_MTU, route.mtu);
  if (route.advmss != 0) mnl_attr_put_u32(message, RTAX_ADVMSS, route.advmss);
  mnl_attr_nest_end(message, metrics);
}

}  // namespace

std::optional<dataplane::MacAddress> VirtualFunctionMacIn(const nlmsghdr* link, unsigned number) {
  std::optional<dataplane::MacAddress> mac;
  if (link->nlmsg_type != RTM_NEWLINK) return mac;
  const auto note = [&](const nlattr* attribute) {
    ifla_vf_mac found{};
    if (mnl_attr_get_payload_len(attribute) < sizeof(found)) return;
    std::memcpy(&found, mnl_attr_get_payload(attribute), sizeof(found));
    if (found.vf == number) mac = dataplane::MacAddress::FromBytes(found.mac);
  };
  ForEachAttribute(link, sizeof(ifinfomsg), [&note](const nlattr* list) {
    if (mnl_attr_get_type(list) != IFLA_VFINFO_LIST) return;
    ForEachInside(list, IFLA_VF_INFO,
                  [&note](const nlattr* info) { ForEachInside(info, IFLA_VF_MAC, note); });
  });
  return mac;
}

void Netlink::Closer::operator()(mnl_socket* socket) const { mnl_socket_close(socket); }

absl::StatusOr<Netlink> Netlink::Open() {
  mnl_socket* socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
  if (socket == nullptr) return Outcome(errno);
  Netlink netlink(socket);
  if (mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) != 0) return Outcome(errno);
  return netlink;
}

int Netlink::Ask(nlmsghdr* message, int (*part)(const nlmsghdr*, void*), void* data) {
  message->nlmsg_seq = ++sequence_;
  if (mnl_socket_sendto(socket_.get(), message, message->nlmsg_len) < 0) return errno;
  std::vector<char> buffer(size_t{1} << 16);
  for (;;) {
    const ssize_t got = mnl_socket_recvfrom(socket_.get(), buffer.data(), buffer.size());
    if (got < 0) return errno;
    const int left = mnl_cb_run(buffer.data(), static_cast<size_t>(got), sequence_,
                                mnl_socket_get_portid(socket_.get()), part, data);
    if (left < 0) return errno;
    if (left == MNL_CB_STOP) return 0;
  }
}

absl::Status Netlink::AddAddress(unsigned interface, const InterfaceAddress& address) {
  Message<ifaddrmsg> message(RTM_NEWADDR, NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE);
  message.header->ifa_family = FamilyOf(address.address);
  message.header->ifa_prefixlen = address.prefix_len;
  message.header->ifa_index = interface;
  Put(message.head, IFA_LOCAL, address.address);
  Put(message.head, IFA_ADDRESS, address.address);
  if (address.address.family == Family::kIpv6) message.header->ifa_flags = IFA_F_NODAD;
  return Outcome(Ask(message.head, nullptr, nullptr));
}

absl::StatusOr<bool> Netlink::AddRoute(unsigned interface, const Route& route) {
  Message<rtmsg> message(RTM_NEWROUTE, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL);
  rtmsg* header = message.header;
  header->rtm_family = FamilyOf(route.destination.base);
  header->rtm_dst_len = route.destination.prefix_len;
  header->rtm_table = RT_TABLE_UNSPEC;  // the attribute has it
  header->rtm_protocol = RTPROT_STATIC;
  header->rtm_type = RTN_UNICAST;
  header->rtm_scope = route.scope.value_or(route.gateway ? RT_SCOPE_UNIVERSE : RT_SCOPE_LINK);
  Put(message.head, RTA_DST, route.destination.base);
  if (route.gateway) Put(message.head, RTA_GATEWAY, *route.gateway);
  mnl_attr_put_u32(message.head, RTA_OIF, interface);
  mnl_attr_put_u32(message.head, RTA_TABLE, route.table);
  if (route.priority != 0) mnl_attr_put_u32(message.head, RTA_PRIORITY, route.priority);
  PutMetrics(message.head, route);
  const int error = Ask(message.head, nullptr, nullptr);
  if (error != 0 && error != EEXIST) return Outcome(error);
  return error == 0;
}

absl::Status Netlink::DeleteInterface(unsigned interface) {
  Message<ifinfomsg> message(RTM_DELLINK, NLM_F_ACK);
  message.header->ifi_family = AF_UNSPEC;
  message.header->ifi_index = static_cast<int>(interface);
  const int error = Ask(message.head, nullptr, nullptr);
  return Outcome(error == ENODEV ? 0 : error);
}

absl::StatusOr<std::optional<dataplane::MacAddress>> Netlink::VirtualFunctionMac(unsigned interface,
                                                                                 unsigned number) {
  Message<ifinfomsg> message(RTM_GETLINK, NLM_F_ACK);
  message.header->ifi_family = AF_UNSPEC;
  message.header->ifi_index = static_cast<int>(interface);
  mnl_attr_put_u32(message.head, IFLA_EXT_MASK, RTEXT_FILTER_VF | RTEXT_FILTER_SKIP_STATS);
  WantedFunction wanted{number, std::nullopt};
  const int error = Ask(message.head, NoteVirtualFunction, &wanted);
  if (error != 0) return Outcome(error);
  return wanted.mac;
}

absl::Status Netlink::SetVirtualFunctionMac(unsigned interface, unsigned number,
                                            const dataplane::MacAddress& mac) {
  Message<ifinfomsg> message(RTM_SETLINK, NLM_F_ACK);
  message.header->ifi_family = AF_UNSPEC;
  message.header->ifi_index = static_cast<int>(interface);
  ifla_vf_mac wanted{};
  wanted.vf = number;
  std::ranges::copy(mac.bytes, wanted.mac);
  nlattr* list = mnl_attr_nest_start(message.head, IFLA_VFINFO_LIST);
  nlattr* info = mnl_attr_nest_start(message.head, IFLA_VF_INFO);
  mnl_attr_put(message.head, IFLA_VF_MAC, sizeof(wanted), &wanted);
  mnl_attr_nest_end(message.head, info);
  mnl_attr_nest_end(message.head, list);
  return Outcome(Ask(message.head, nullptr, nullptr));
}

absl::StatusOr<std::vector<InterfaceAddress>> Netlink::Addresses(unsigned interface) {
  Message<ifaddrmsg> message(RTM_GETADDR, NLM_F_DUMP);
  message.header->ifa_family = AF_UNSPEC;
  AddressList list{interface, {}};
  const int error = Ask(message.head, NoteAddress, &list);
  if (error != 0) return Outcome(error);
  return std::move(list.found);
}

absl::StatusOr<std::vector<Route>> Netlink::Routes() {
  Message<rtmsg> message(RTM_GETROUTE, NLM_F_DUMP);
  message.header->rtm_family = AF_UNSPEC;
  std::vector<Route> routes;
  const int error = Ask(message.head, NoteRoute, &routes);
  if (error != 0) return Outcome(error);
  return routes;
}

}  // namespace sluice::cni
