// The naive twin: every rule expanded to pairs of addresses, searched from the first to the last.
// After a change all of them are gone through: those of the pod or policy are dropped, and those
// that it has now are added.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "acl/policy_input.h"

namespace sluice::perf {

struct PairRule {
  acl::IpAddress subject;
  acl::Cidr peer;
  bool ingress = true;
  uint8_t protocol = 0;
  uint16_t port_first = 0, port_last = 0xffff;
  uint32_t policy = 0;  // its place in PolicyInput::policies
};

// Allow rules of the local pods of `input`, whose policies have peers and ports by number.
std::vector<PairRule> ExpandByPod(const acl::PolicyInput& input);

// The first rule that admits; -1: none does.
int64_t FindFirst(const std::vector<PairRule>& rules, const acl::IpAddress& subject,
                  const acl::IpAddress& peer, bool ingress, uint8_t protocol, uint16_t port);

// The rules of a cluster that changes.
class NaiveTwin {
 public:
  // As ExpandByPod.
  explicit NaiveTwin(acl::PolicyInput input);

  // Creates or replaces.
  void Put(const acl::Endpoint& pod);
  void Put(const acl::NetworkPolicy& policy);
  // A pod that is there; a policy that may be.
  void DeletePod(const std::string& namespace_name, const std::string& name);
  void DeletePolicy(const std::string& namespace_name, const std::string& name);

  const std::vector<PairRule>& rules() const { return rules_; }

 private:
  void DropRulesOf(const acl::Endpoint& pod);
  size_t PlaceOf(const std::string& namespace_name, const std::string& name) const;

  acl::PolicyInput input_;  // a deleted policy's place stays, without rules
  std::vector<PairRule> rules_;
};

}  // namespace sluice::perf
