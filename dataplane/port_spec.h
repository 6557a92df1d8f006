// What an operator or CNI asks for when a port is added: plain values, no DPDK.
#pragma once

#include <absl/status/status.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "acl/address.h"
#include "dataplane/mac_address.h"

namespace sluice::dataplane {

enum class PortKind : uint8_t {
  kVhostServer,
  kVhostClient,
  kMemifServer,
  kMemifClient,
  kRing,
  kPcap,
  kTap,
  kAfPacket,
  kAfXdp,
  kPci,
  kRepresentor
};

// Uplink ports lead to other nodes: no subject, no source guard, unknown unicast goes there. The
// host port leads to this node's own kernel: no subject, and the node's addresses on the network.
// A mirror leads to somebody who looks on: copies go out, and nothing comes in.
enum class PortRole : uint8_t { kPod, kUplink, kHost, kMirror };

inline constexpr unsigned kMaxQueues = 16;

// Largest IP packet that leaves by a port.
inline constexpr uint16_t kMinMtu = 68, kMinIpv6Mtu = 1280, kDefaultMtu = 1500, kMaxMtu = 9000;

// An address, or a block of them, that a pod may use beside its own: VRRP, nested pods.
struct AllowedAddress {
  acl::Cidr block;
  MacAddress mac;  // to be used with; zero: the pod's own

  // "IP[/LEN][@MAC]". Errors: InvalidArgument naming the text.
  static absl::StatusOr<AllowedAddress> Parse(std::string_view text);
  std::string ToString() const;
  bool IsSingle() const { return block.prefix_len == block.base.bits(); }
  bool operator==(const AllowedAddress&) const = default;
};

struct PortSpec {
  std::string name;  // unique in the switch: 1-32 of [a-z0-9.-]
  PortKind kind = PortKind::kVhostServer;
  PortRole role = PortRole::kPod;
  // vhost: socket path (at most 107 bytes). memif: the same, and "#N" for interface N. tap:
  // interface to create. af_packet, af_xdp: interface to open. pcap: file to read, or "" for none.
  // pci: address of a NIC. representor: "PCI-ADDRESS/vfN", the physical function and the number of
  // its virtual function. ring: unused.
  std::string path;
  std::string pcap_out;  // pcap: file to write, or "" to discard
  std::string network = "default";
  std::string pod_namespace, pod_name, pod_uid;  // kPod: whose port this is
  MacAddress mac;                                // kPod, kHost: of what is behind the port
  std::vector<acl::IpAddress> addresses;         // kPod: the pod's own; kHost: the node's
  uint8_t queues = 1;                   // vhost: pairs that the peer may use, up to kMaxQueues
  uint16_t mtu = kDefaultMtu;           // kMinMtu (IPv6: kMinIpv6Mtu) to kMaxMtu
  std::vector<AllowedAddress> allowed;  // kPod
  std::string attachment;  // kPod: what the CNI plugin calls it, "NETWORK/CONTAINER/IFNAME"; or ""
  bool guard = true;       // false: the pod may send from any address (a router pod)
  // tap: path of the network namespace that its interface is in; "": ours. In another one it
  // outlives the port, so that addresses and routes do, and the next port takes it again.
  std::string netns;
  // kMirror: names of the ports whose packets it gets copies of, whether they are there yet or not;
  // "*" alone: all. What enters by them, what leaves by them; and what entered and died.
  std::vector<std::string> mirrors;
  bool mirrors_in = true, mirrors_out = true, mirrors_dropped = false;

  bool operator==(const PortSpec&) const = default;
};

const char* PortRoleName(PortRole role);  // "pod", "uplink", "host", "mirror"
absl::StatusOr<PortRole> ParsePortRole(std::string_view text);
const char* PortKindName(PortKind kind);  // "vhost-server", "vhost-client", "ring", ...
absl::StatusOr<PortKind> ParsePortKind(std::string_view text);

// Shape only (names, lengths, required fields); whether another port stands in the way is for who
// knows the other ports. Errors: InvalidArgument "port NAME: FIELD: REASON".
absl::Status Validate(const PortSpec& spec);

}  // namespace sluice::dataplane
