// The soak's model of what is in force: pods, ports, policies, and what they mean for a first
// packet.
//
// Plain values and the naive evaluator over raw objects; nothing in here asks the switch.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "acl/objects.h"
#include "tests/soak/wire.h"

namespace sluice::soak {

// Where packets enter and leave: an index into World::pods, or kUplink.
using Place = unsigned;
inline constexpr Place kPods = 6;
inline constexpr Place kUplink = kPods;
inline constexpr Place kPlaces = kPods + 1;

struct Pod {
  acl::Endpoint endpoint;
  MacAddress mac;
  IpAddress v4, v6;
  bool listed = false;  // its object is applied: without it the port is shut
  bool has_port = false;
  bool guard = true;
  unsigned generation = 0;  // of its port: no two ports of the soak have the same
  std::string port_name;

  const IpAddress& Address(acl::Family family) const {
    return family == acl::Family::kIpv4 ? v4 : v6;
  }
  bool Owns(const IpAddress& address) const;
};

class World {
 public:
  World();

  std::vector<Pod> pods;              // kPods of them
  std::vector<acl::Endpoint> remote;  // pods of other nodes, behind the uplink
  std::vector<acl::Namespace> namespaces;
  std::map<std::string, acl::NetworkPolicy> policies;  // by name; all in namespace "default"
  std::vector<acl::Cidr> cluster_cidrs;
  MacAddress outside_mac;  // of the router behind the uplink

  // Whether packets may enter and leave at `place`.
  bool IsOpen(Place place) const;
  unsigned Generation(Place place) const { return place == kUplink ? 0 : pods[place].generation; }
  // Where a unicast frame to `mac` from `from` must go; kPlaces: nowhere.
  Place Receiver(Place from, const MacAddress& mac) const;
  bool IsLocal(const IpAddress& address) const;  // some port's own
  MacAddress Mac(Place place) const { return place == kUplink ? outside_mac : pods[place].mac; }

  // Whether policy admits a connection whose first packet is `first`, from place to place.
  bool Allows(Place from, Place to, const Tuple& first) const;

  std::string ToString() const;

 private:
  std::vector<acl::Endpoint> Endpoints() const;
  // A link-local address is the pod behind the port.
  IpAddress PeerAddress(Place place, const IpAddress& address) const;
};

}  // namespace sluice::soak
