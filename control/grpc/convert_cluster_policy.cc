// ClusterNetworkPolicies, AdminNetworkPolicies, BaselineAdminNetworkPolicies.
//
// A peer or port of a kind that this program does not know arrives as one without a kind: it is
// read as an UnknownKind, and its rule fails closed.
#include <fmt/format.h>

#include <optional>
#include <string>
#include <variant>

#include "control/grpc/convert_parts.h"
#include "control/object_key.h"

namespace sluice::control {
namespace {

// Overloads of here would hide the others.
using control::Read;
using control::Write;

void Write(const acl::PodsPeer& peer, v1::PodsPeer* out) {
  Write(peer.namespaces, out->mutable_namespaces());
  Write(peer.pods, out->mutable_pods());
}

acl::PodsPeer Read(const v1::PodsPeer& proto) {
  return {Read(proto.namespaces()), Read(proto.pods())};
}

struct PeerWriter {
  v1::ClusterPeer* out;
  void operator()(const acl::UnknownKind& peer) { out->mutable_unknown()->set_field(peer.field); }
  void operator()(const acl::PodsPeer& peer) { Write(peer, out->mutable_pods()); }
  void operator()(const acl::NodesPeer& peer) {
    Write(peer.nodes, out->mutable_nodes()->mutable_nodes());
  }
  void operator()(const acl::NetworksPeer& peer) {
    out->mutable_networks()->mutable_cidrs()->Assign(peer.cidrs.begin(), peer.cidrs.end());
  }
  void operator()(const acl::DomainNamesPeer& peer) {
    out->mutable_domain_names()->mutable_names()->Assign(peer.names.begin(), peer.names.end());
  }
};

acl::ClusterPeer Read(const v1::ClusterPeer& proto) {
  switch (proto.kind_case()) {
    case v1::ClusterPeer::kPods:
      return Read(proto.pods());
    case v1::ClusterPeer::kNodes:
      return acl::NodesPeer{Read(proto.nodes().nodes())};
    case v1::ClusterPeer::kNetworks: {
      const auto& cidrs = proto.networks().cidrs();
      return acl::NetworksPeer{{cidrs.begin(), cidrs.end()}};
    }
    case v1::ClusterPeer::kDomainNames: {
      const auto& names = proto.domain_names().names();
      return acl::DomainNamesPeer{{names.begin(), names.end()}};
    }
    case v1::ClusterPeer::kUnknown:
    case v1::ClusterPeer::KIND_NOT_SET:
      break;
  }
  return acl::UnknownKind{proto.unknown().field()};
}

struct PortWriter {
  v1::ClusterPort* out;
  void operator()(const acl::UnknownKind& port) { out->mutable_unknown()->set_field(port.field); }
  void operator()(const acl::PortNumbers& port) {
    out->mutable_numbers()->set_protocol(port.protocol);
    out->mutable_numbers()->set_first(port.first);
    out->mutable_numbers()->set_last(port.last);
  }
  void operator()(const acl::PortName& port) { out->set_name(port.name); }
};

acl::ClusterPort Read(const v1::ClusterPort& proto) {
  switch (proto.kind_case()) {
    case v1::ClusterPort::kNumbers: {
      const v1::PortNumbers& numbers = proto.numbers();
      return acl::PortNumbers{numbers.protocol(), numbers.first(), numbers.last()};
    }
    case v1::ClusterPort::kName:
      return acl::PortName{proto.name()};
    case v1::ClusterPort::kUnknown:
    case v1::ClusterPort::KIND_NOT_SET:
      break;
  }
  return acl::UnknownKind{proto.unknown().field()};
}

void Write(const acl::ClusterRule& rule, v1::ClusterRule* out) {
  out->set_name(rule.name);
  out->set_action(rule.action);
  for (const acl::ClusterPeer& peer : rule.peers) std::visit(PeerWriter{out->add_peers()}, peer);
  for (const acl::ClusterPort& port : rule.ports) std::visit(PortWriter{out->add_ports()}, port);
}

acl::ClusterRule Read(const v1::ClusterRule& proto) {
  acl::ClusterRule rule;
  rule.name = proto.name();
  rule.action = proto.action();
  for (const v1::ClusterPeer& peer : proto.peers()) rule.peers.push_back(Read(peer));
  for (const v1::ClusterPort& port : proto.ports()) rule.ports.push_back(Read(port));
  return rule;
}

}  // namespace

void Write(const acl::ClusterPolicy& policy, v1::ClusterPolicy* out) {
  out->set_kind(acl::KindName(policy.kind));
  out->set_name(policy.name);
  if (policy.options != acl::PolicyOptions()) Write(policy.options, out->mutable_options());
  out->set_tier(policy.tier);
  out->set_priority(policy.priority);
  Write(policy.subject, out->mutable_subject());
  for (const acl::ClusterRule& rule : policy.ingress) Write(rule, out->add_ingress());
  for (const acl::ClusterRule& rule : policy.egress) Write(rule, out->add_egress());
}

absl::StatusOr<acl::ClusterPolicy> Read(const v1::ClusterPolicy& proto) {
  const std::optional<acl::ClusterPolicyKind> kind = ClusterPolicyKindOf(proto.kind());
  if (!kind) {
    return absl::InvalidArgumentError(
        fmt::format("ClusterPolicy {}: kind: \"{}\" is no kind of cluster-wide policy",
                    proto.name(), proto.kind()));
  }
  // An absent selector selects all: that has to be said.
  if (!proto.has_subject()) {
    return absl::InvalidArgumentError(
        fmt::format("{} {}: spec.subject: is required", proto.kind(), proto.name()));
  }
  acl::ClusterPolicy policy;
  policy.kind = *kind;
  policy.name = proto.name();
  policy.options = Read(proto.options());
  policy.tier = proto.tier();
  policy.priority = proto.priority();
  policy.subject = Read(proto.subject());
  for (const v1::ClusterRule& rule : proto.ingress()) policy.ingress.push_back(Read(rule));
  for (const v1::ClusterRule& rule : proto.egress()) policy.egress.push_back(Read(rule));
  return policy;
}

}  // namespace sluice::control
