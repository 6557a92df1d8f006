#include "perf/policy/manifest_text.h"

#include <nlohmann/json.hpp>

namespace sluice::perf {
namespace {

using nlohmann::json;

json Object(const char* api_version, const char* kind, const std::string& namespace_name,
            const std::string& name) {
  json object = {{"apiVersion", api_version}, {"kind", kind}, {"metadata", {{"name", name}}}};
  if (!namespace_name.empty()) object["metadata"]["namespace"] = namespace_name;
  return object;
}

json Write(const acl::Endpoint& pod) {
  json object = Object("v1", "Pod", pod.namespace_name, pod.name);
  object["metadata"]["uid"] = pod.uid;
  object["metadata"]["labels"] = pod.labels;
  object["spec"] = {{"nodeName", pod.node}, {"containers", {{{"name", "c"}}}}};
  object["status"] = {{"phase", "Running"},
                      {"podIP", pod.addresses[0].ToString()},
                      {"podIPs", {{{"ip", pod.addresses[0].ToString()}}}}};
  return object;
}

json Write(const acl::NetworkPolicyPeer& peer) {
  json written = json::object();
  if (peer.pod_selector) written["podSelector"]["matchLabels"] = peer.pod_selector->match_labels;
  if (peer.namespace_selector) {
    written["namespaceSelector"]["matchLabels"] = peer.namespace_selector->match_labels;
  }
  if (peer.ip_block) written["ipBlock"]["cidr"] = peer.ip_block->cidr;
  return written;
}

json Write(const acl::NetworkPolicyPort& port) {
  json written = {{"protocol", port.protocol}, {"port", std::get<int64_t>(port.port)}};
  if (port.end_port) written["endPort"] = *port.end_port;
  return written;
}

json Write(const std::vector<acl::NetworkPolicyRule>& rules, const char* peers) {
  json written = json::array();
  for (const acl::NetworkPolicyRule& rule : rules) {
    json& added = written.emplace_back(json::object());
    for (const acl::NetworkPolicyPeer& peer : rule.peers) added[peers].push_back(Write(peer));
    for (const acl::NetworkPolicyPort& port : rule.ports) added["ports"].push_back(Write(port));
  }
  return written;
}

json Write(const acl::NetworkPolicy& policy) {
  json object = Object("networking.k8s.io/v1", "NetworkPolicy", policy.namespace_name, policy.name);
  object["spec"] = {{"podSelector", {{"matchLabels", policy.pod_selector.match_labels}}},
                    {"policyTypes", policy.policy_types},
                    {"ingress", Write(policy.ingress, "from")},
                    {"egress", Write(policy.egress, "to")}};
  return object;
}

}  // namespace

std::string ManifestText(Cluster& cluster) {
  json items = json::array();
  const ClusterSize& size = cluster.size();
  for (unsigned i = 0; i < size.namespaces; ++i) {
    const acl::Namespace ns = cluster.NamespaceOf(i);
    items.push_back(Object("v1", "Namespace", "", ns.name));
    items.back()["metadata"]["labels"] = ns.labels;
  }
  for (unsigned i = 0; i < size.pods; ++i) items.push_back(Write(cluster.Pod(i)));
  for (unsigned i = 0; i < size.policies; ++i) items.push_back(Write(cluster.DrawPolicy(i)));
  return json{{"apiVersion", "v1"}, {"kind", "List"}, {"items", std::move(items)}}.dump();
}

}  // namespace sluice::perf
