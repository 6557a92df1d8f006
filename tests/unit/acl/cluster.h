// A small cluster to hold policies against: who reaches whom, as their own nodes judge it.
//
// Runs Compile, LinearClassifier and Decide for a pair, exemptions included; what `sluicectl
// verdict` does with the trie.
#pragma once

#include <gtest/gtest.h>

#include <ostream>
#include <string>
#include <vector>

#include "acl/classifier.h"
#include "acl/compiler.h"

namespace sluice::acl {

// Objects in few words.
LabelSelector Having(Labels labels);
LabelSelector Having(const std::string& key, const std::string& op,
                     std::vector<std::string> values = {});
NetworkPolicyPeer Pods(LabelSelector pods);
NetworkPolicyPeer Namespaces(LabelSelector namespaces);
NetworkPolicyPeer PodsOf(LabelSelector namespaces, LabelSelector pods);
NetworkPolicyPeer Block(std::string cidr, std::vector<std::string> except = {});
NetworkPolicyPort Port(const std::string& protocol);
NetworkPolicyPort Port(const std::string& protocol, int64_t port);
NetworkPolicyPort Port(const std::string& protocol, int64_t port, int64_t end_port);
NetworkPolicyPort NamedPortOf(const std::string& protocol, const std::string& name);
IpAddress Address(const std::string& text);

// One direction of one side. `allowed_by` is "NAMESPACE/NAME ingress[0]" of the deciding policy,
// its policies alone for a default deny, empty without a match.
struct Side {
  bool judged = false;
  bool allow = true;
  std::string decided_by;
};
struct Outcome {
  Side egress;
  Side ingress;
  bool reaches() const { return egress.allow && ingress.allow; }
};

class Cluster {
 public:
  // Pods default/{web,db,client,host}, other/{web,job}, plain/pod: see cluster.cc.
  static PolicyInput Standard();

  // Compiles at once; `input` must be acceptable.
  explicit Cluster(PolicyInput input);

  // `from` and `to`: "namespace/pod" or an address; `protocol`: "tcp", "udp", "sctp" or "icmp".
  Outcome Try(const std::string& from, const std::string& to, const std::string& protocol,
              uint16_t port, Family family = Family::kIpv4) const;

  const CompiledPolicy& compiled() const { return compiled_; }

 private:
  struct End {
    const Endpoint* pod = nullptr;  // null for an address outside
    IpAddress address;
  };
  End Find(const std::string& text, Family family) const;
  ClassId SubjectClass(const End& end) const;
  Side Judge(const End& subject, const End& peer, Direction direction, uint8_t protocol,
             uint16_t port) const;

  PolicyInput input_;
  CompiledPolicy compiled_;
};

// Tables: policies, and who reaches whom under them.
struct Probe {
  std::string from;
  std::string to;
  std::string protocol;
  uint16_t port;
  bool reaches;
  Family family = Family::kIpv4;
};
struct Case {
  std::string name;  // a sentence in CamelCase
  std::vector<NetworkPolicy> policies;
  std::vector<Probe> probes;
};
inline std::string CaseName(const testing::TestParamInfo<Case>& of) { return of.param.name; }
inline std::ostream& operator<<(std::ostream& out, const Case& c) { return out << c.name; }

// Expects every probe of `c` in the standard cluster.
void Check(const Case& c);

}  // namespace sluice::acl
