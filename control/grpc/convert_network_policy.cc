// NetworkPolicies and MultiNetworkPolicies.
#include <cstdint>
#include <variant>

#include "control/grpc/convert_parts.h"

namespace sluice::control {
namespace {

// Overloads of here would hide the others.
using control::Read;
using control::Write;

void Write(const acl::NetworkPolicyPeer& peer, v1::NetworkPolicyPeer* out) {
  if (peer.pod_selector) Write(*peer.pod_selector, out->mutable_pod_selector());
  if (peer.namespace_selector) Write(*peer.namespace_selector, out->mutable_namespace_selector());
  if (peer.ip_block) {
    out->mutable_ip_block()->set_cidr(peer.ip_block->cidr);
    out->mutable_ip_block()->mutable_except()->Assign(peer.ip_block->except.begin(),
                                                      peer.ip_block->except.end());
  }
}

void Write(const acl::NetworkPolicyPort& port, v1::NetworkPolicyPort* out) {
  out->set_protocol(port.protocol);
  if (const auto* number = std::get_if<int64_t>(&port.port)) out->set_number(*number);
  if (const auto* name = std::get_if<std::string>(&port.port)) out->set_name(*name);
  if (port.end_port) out->set_end_port(*port.end_port);
}

acl::NetworkPolicyPeer Read(const v1::NetworkPolicyPeer& proto) {
  acl::NetworkPolicyPeer peer;
  if (proto.has_pod_selector()) peer.pod_selector = Read(proto.pod_selector());
  if (proto.has_namespace_selector()) peer.namespace_selector = Read(proto.namespace_selector());
  if (proto.has_ip_block()) {
    const v1::IpBlock& block = proto.ip_block();
    peer.ip_block = acl::IpBlock{block.cidr(), {block.except().begin(), block.except().end()}};
  }
  return peer;
}

acl::NetworkPolicyPort Read(const v1::NetworkPolicyPort& proto) {
  acl::NetworkPolicyPort port;
  port.protocol = proto.protocol();
  if (proto.port_case() == v1::NetworkPolicyPort::kNumber) port.port = int64_t{proto.number()};
  if (proto.port_case() == v1::NetworkPolicyPort::kName) port.port = proto.name();
  if (proto.has_end_port()) port.end_port = proto.end_port();
  return port;
}

}  // namespace

void Write(const acl::LabelSelector& selector, v1::LabelSelector* out) {
  out->mutable_match_labels()->insert(selector.match_labels.begin(), selector.match_labels.end());
  for (const acl::Requirement& requirement : selector.match_expressions) {
    v1::LabelSelectorRequirement* added = out->add_match_expressions();
    added->set_key(requirement.key);
    added->set_operator_(requirement.op);
    added->mutable_values()->Assign(requirement.values.begin(), requirement.values.end());
  }
}

acl::LabelSelector Read(const v1::LabelSelector& proto) {
  acl::LabelSelector selector;
  selector.match_labels = {proto.match_labels().begin(), proto.match_labels().end()};
  for (const v1::LabelSelectorRequirement& requirement : proto.match_expressions()) {
    selector.match_expressions.push_back(
        {requirement.key(),
         requirement.operator_(),
         {requirement.values().begin(), requirement.values().end()}});
  }
  return selector;
}

void Write(const acl::PolicyOptions& options, v1::PolicyOptions* out) {
  out->set_audit(options.audit);
  out->set_reject(options.reject);
  out->set_judges_own_node(options.judges_own_node);
}

acl::PolicyOptions Read(const v1::PolicyOptions& proto) {
  return {
      .audit = proto.audit(), .reject = proto.reject(), .judges_own_node = proto.judges_own_node()};
}

void Write(const acl::NetworkPolicyRule& rule, v1::NetworkPolicyRule* out) {
  for (const acl::NetworkPolicyPeer& peer : rule.peers) Write(peer, out->add_peers());
  for (const acl::NetworkPolicyPort& port : rule.ports) Write(port, out->add_ports());
}

acl::NetworkPolicyRule Read(const v1::NetworkPolicyRule& proto) {
  acl::NetworkPolicyRule rule;
  for (const v1::NetworkPolicyPeer& peer : proto.peers()) rule.peers.push_back(Read(peer));
  for (const v1::NetworkPolicyPort& port : proto.ports()) rule.ports.push_back(Read(port));
  return rule;
}

void Write(const acl::NetworkPolicy& policy, v1::NetworkPolicy* out) {
  WriteNamespaced(policy, out);
  out->set_legacy(policy.legacy);
}

acl::NetworkPolicy Read(const v1::NetworkPolicy& proto) {
  auto policy = ReadNamespaced<acl::NetworkPolicy>(proto);
  policy.legacy = proto.legacy();
  return policy;
}

void Write(const acl::MultiNetworkPolicy& multi, v1::MultiNetworkPolicy* out) {
  Write(multi.policy, out->mutable_policy());
  out->mutable_networks()->Assign(multi.networks.begin(), multi.networks.end());
}

acl::MultiNetworkPolicy Read(const v1::MultiNetworkPolicy& proto) {
  return {Read(proto.policy()), {proto.networks().begin(), proto.networks().end()}};
}

}  // namespace sluice::control
