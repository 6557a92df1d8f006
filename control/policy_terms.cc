#include "control/policy_terms.h"

#include <algorithm>

namespace sluice::control {
namespace {

size_t TermsOf(const acl::NetworkPolicyRule& rule) {
  size_t peers = rule.peers.size();
  for (const acl::NetworkPolicyPeer& peer : rule.peers) {
    if (peer.ip_block) peers += peer.ip_block->except.size();
  }
  return std::max<size_t>(peers, 1) * std::max<size_t>(rule.ports.size(), 1);
}

size_t TermsOf(const acl::Content& content) {
  const size_t names = content.tls ? content.tls->server_names.size() : 0;
  const size_t questions = content.dns ? content.dns->names.size() : 0;
  return names + questions + content.http.size() + content.patterns.size();
}

}  // namespace

size_t TermsOf(const acl::NetworkPolicy& policy) {
  size_t terms = 0;
  for (const auto* rules : {&policy.ingress, &policy.egress}) {
    for (const acl::NetworkPolicyRule& rule : *rules) terms += TermsOf(rule);
  }
  return std::max<size_t>(terms, 1);
}

size_t TermsOf(const acl::SluicePolicy& policy) {
  size_t terms = 0;
  for (const auto* rules : {&policy.ingress, &policy.egress}) {
    for (const acl::SluiceRule& rule : *rules) {
      terms += TermsOf(rule.match) + TermsOf(rule.content);
    }
  }
  return std::max<size_t>(terms, 1);
}

}  // namespace sluice::control
