// Tables for the evaluator: objects, and what both sides of an attempt say under them, written by
// hand from SEMANTICS.
//
// The cluster is Cluster::Standard(): pods default/{web,db,client,host}, other/{web,job},
// plain/pod, all on node-a at 192.168.0.1; beside it node-b (rack=b) at 192.168.0.2.
#pragma once

#include <functional>
#include <ostream>
#include <string>
#include <vector>

#include "acl/evaluator.h"
#include "tests/unit/acl/cluster.h"

namespace sluice::acl {

inline constexpr Family kV6 = Family::kIpv6;
inline const LabelSelector kWeb = Having({{"app", "web"}});

// Sides as text: "-" (not judged), "allow" (nothing decided), or what decided:
// "deny NetworkPolicy: NetworkPolicy default/a, NetworkPolicy default/b",
// "allow Admin: ClusterNetworkPolicy p egress[0]", "reject Baseline: ...".
struct RawProbe {
  std::string from;      // "namespace/pod" or an address
  std::string to;        // likewise
  std::string protocol;  // "tcp", "udp", "sctp" or "icmp"
  uint16_t port = 0;
  std::string egress;
  std::string ingress;
  Family family = Family::kIpv4;
};

inline RawProbe On6(RawProbe probe) {
  probe.family = kV6;
  return probe;
}

struct RawCase {
  std::string name;  // a sentence in CamelCase
  std::vector<NetworkPolicy> policies;
  std::vector<ClusterPolicy> cluster_policies;
  std::vector<RawProbe> probes;
  std::function<void(PolicyInput&)> change = [](PolicyInput&) {};  // of the cluster
};
inline std::string RawCaseName(const testing::TestParamInfo<RawCase>& of) { return of.param.name; }
inline std::ostream& operator<<(std::ostream& out, const RawCase& c) { return out << c.name; }

std::string TableText(const std::optional<RawSide>& side);
// A pod of `input` by name, or a bare address.
RawEnd EndOf(const PolicyInput& input, const std::string& text, Family family);
RawFlow FlowOf(const PolicyInput& input, const RawProbe& probe);

// The standard cluster with the objects of `c`.
PolicyInput InputOf(const RawCase& c);
// Expects every probe of `c`: both sides, and that the whole is their conjunction.
void Check(const RawCase& c);

}  // namespace sluice::acl
