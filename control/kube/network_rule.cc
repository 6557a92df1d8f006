#include "control/kube/network_rule.h"

namespace sluice::control {
namespace {

acl::IpBlock ReadIpBlock(ObjectReader block) {
  acl::IpBlock result{.cidr = block.Text("cidr"), .except = block.Texts("except")};
  block.RefuseOtherFields();
  return result;
}

// An empty selector selects everything, an absent one is no condition: presence counts here.
acl::NetworkPolicyPeer ReadPeer(ObjectReader& peer) {
  acl::NetworkPolicyPeer result;
  if (peer.Has("podSelector")) result.pod_selector = ReadSelector(peer.Object("podSelector"));
  if (peer.Has("namespaceSelector")) {
    result.namespace_selector = ReadSelector(peer.Object("namespaceSelector"));
  }
  if (peer.Has("ipBlock")) result.ip_block = ReadIpBlock(peer.Object("ipBlock"));
  peer.RefuseOtherFields();
  return result;
}

acl::NetworkPolicyPort ReadPort(ObjectReader& port) {
  acl::NetworkPolicyPort result{.protocol = port.Text("protocol"),
                                .port = port.IntegerOrText("port"),
                                .end_port = port.Integer("endPort")};
  port.RefuseOtherFields();
  return result;
}

}  // namespace

acl::NetworkPolicyRule ReadNetworkRule(ObjectReader& rule, std::string_view peers) {
  acl::NetworkPolicyRule result;
  for (ObjectReader& peer : rule.Objects(peers)) result.peers.push_back(ReadPeer(peer));
  for (ObjectReader& port : rule.Objects("ports")) result.ports.push_back(ReadPort(port));
  return result;
}

}  // namespace sluice::control
