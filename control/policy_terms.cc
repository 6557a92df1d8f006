#include "control/policy_terms.h"

#include <algorithm>

namespace sluice::control {

size_t TermsOf(const acl::NetworkPolicy& policy) {
  size_t terms = 0;
  for (const auto* rules : {&policy.ingress, &policy.egress}) {
    for (const acl::NetworkPolicyRule& rule : *rules) {
      size_t peers = rule.peers.size();
      for (const acl::NetworkPolicyPeer& peer : rule.peers) {
        if (peer.ip_block) peers += peer.ip_block->except.size();
      }
      terms += std::max<size_t>(peers, 1) * std::max<size_t>(rule.ports.size(), 1);
    }
  }
  return std::max<size_t>(terms, 1);
}

}  // namespace sluice::control
