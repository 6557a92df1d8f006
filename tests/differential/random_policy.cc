#include "tests/differential/random_policy.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace sluice::acl {
namespace {

constexpr const char* kNamespaces[] = {"a", "a-b", "b", "c"};
constexpr const char* kKeys[] = {"app", "tier", "x.example/y"};
constexpr const char* kValues[] = {"1", "2", "3", ""};
constexpr const char* kPortNames[] = {"http", "dns", "metrics"};
constexpr const char* kProtocols[] = {"", "TCP", "UDP", "SCTP"};
constexpr const char* kBlocks[] = {"0.0.0.0/0",      "::/0",         "10.0.0.0/8",
                                   "10.0.1.0/24",    "10.0.1.2/32",  "10.0.1.4/30",
                                   "203.0.113.0/24", "203.0.0.0/16", "203.0.0.0/24",
                                   "198.51.0.0/16",  "fd00::/8",     "fd00:0:0:1::/64",
                                   "192.168.0.0/30", "2001:db8::/32"};
// The same as one of kBlocks, but for bits of the host.
constexpr const char* kUnmasked[] = {"10.0.1.77/24", "203.0.113.9/16", "fd00:0:0:1::9/64"};
constexpr const char* kHosts[] = {"one.example.org", "two.example.org", "*.example.org",
                                  "*.org",           "example.org",     "other.test"};
constexpr const char* kPaths[] = {"/", "/*", "/api", "/api/*", "/api/v1/*"};
constexpr const char* kMethods[] = {"", "", "GET", "POST"};
constexpr uint16_t kPorts[] = {1, 53, 80, 81, 1000, 2000, 8080, 65534, 65535};

NetworkPolicyPeer AnyBlockPeer(RandomSource& random) {
  const Cidr block = *Cidr::Parse(random.Pick(kBlocks));
  IpBlock peer{block.ToString(), {}};
  for (const char* text : kBlocks) {
    const Cidr except = *Cidr::Parse(text);
    const bool inside = block.Contains(except) && except != block;
    if (inside && random.Chance(25)) peer.except.push_back(text);
  }
  if (peer.except.empty() && random.Chance(25)) peer.cidr = random.Pick(kUnmasked);
  return {.pod_selector = {}, .namespace_selector = {}, .ip_block = peer};
}

NetworkPolicyPeer AnyPodsPeer(RandomSource& random) {
  NetworkPolicyPeer peer;
  const size_t form = random.Below(3);
  if (form != 0) peer.pod_selector = AnySelector(random);
  if (form != 1) peer.namespace_selector = AnySelector(random);
  return peer;
}

// A port behind the last one, if that is a number: next to it, or with one left out between.
void AddNeighbour(RandomSource& random, std::vector<NetworkPolicyPort>& ports) {
  const NetworkPolicyPort last = ports.back();
  const int64_t* number = std::get_if<int64_t>(&last.port);
  if (number == nullptr) return;
  const int64_t next = last.end_port.value_or(*number) + (random.Chance(50) ? 1 : 2);
  if (next <= 0xffff) ports.push_back({.protocol = last.protocol, .port = next});
}

NetworkPolicyPort AnyPolicyPort(RandomSource& random) {
  NetworkPolicyPort port{.protocol = random.Pick(kProtocols)};
  const size_t form = random.Below(4);
  if (form == 1) port.port = std::string(random.Pick(kPortNames));
  if (form >= 2) {
    const int64_t first = random.Pick(kPorts);
    port.port = first;
    if (form == 3) port.end_port = std::max<int64_t>(first, random.Pick(kPorts));
  }
  return port;
}

NetworkPolicyRule AnyRule(RandomSource& random, bool blocks) {
  NetworkPolicyRule rule;
  for (size_t i = random.Below(3); i > 0; --i) {
    const bool block = blocks && random.Chance(35);
    rule.peers.push_back(block ? AnyBlockPeer(random) : AnyPodsPeer(random));
  }
  for (size_t i = random.Below(3); i > 0; --i) rule.ports.push_back(AnyPolicyPort(random));
  if (!rule.ports.empty() && random.Chance(20)) AddNeighbour(random, rule.ports);
  return rule;
}

Content AnyContent(RandomSource& random) {
  Content content;
  const size_t form = random.Below(6);
  if (form == 0) return content;
  if (form == 5) {
    content.dns.emplace();
    for (size_t i = random.Below(2) + 1; i > 0; --i) {
      content.dns->names.push_back(random.Pick(kHosts));
    }
    return content;
  }
  if (form != 1) content.tls.emplace();
  for (size_t i = random.Below(2) + 1; i > 0 && content.tls; --i) {
    content.tls->server_names.push_back(random.Pick(kHosts));
  }
  for (size_t i = form < 4 ? random.Below(3) : 0; i > 0; --i) {
    HttpMatch match{.method = random.Pick(kMethods)};
    if (random.Chance(70)) match.host = random.Pick(kHosts);
    if (random.Chance(60)) match.path = random.Pick(kPaths);
    content.http.push_back(match);
  }
  return content;
}

SluiceRule AnySluiceRule(RandomSource& random) {
  constexpr int64_t kOrders[] = {0, 10, kDefaultRuleOrder, kDefaultRuleOrder, kMaxRuleOrder};
  SluiceRule rule{.match = AnyRule(random, true),
                  .action = random.Chance(40) ? "deny" : "allow",
                  .order = random.Pick(kOrders),
                  .content = AnyContent(random)};
  if (random.Chance(30)) rule.name = fmt::format("rule-{}", random.Below(4));
  if (!rule.content.IsConditional()) return rule;
  for (NetworkPolicyPort& port : rule.match.ports) port.protocol = rule.content.dns ? "UDP" : "TCP";
  if (random.Chance(40)) rule.match.ports.clear();
  if (random.Chance(40)) rule.match.peers.clear();
  return rule;
}

// Whom a cluster-wide rule may name depends on its kind, direction and action.
struct RuleForm {
  ClusterPolicyKind kind;
  bool egress;
  std::string action;
  bool named_port;  // with pods only

  bool TakesAddresses() const { return egress && !named_port; }
  bool TakesDomainNames() const {
    return TakesAddresses() && action == "Accept" &&
           kind != ClusterPolicyKind::kBaselineAdminNetworkPolicy;
  }
};

ClusterPeer AnyClusterPeer(RandomSource& random, const RuleForm& form) {
  if (random.Chance(4)) return UnknownKind{"peer"};
  if (form.TakesDomainNames() && random.Chance(10)) return DomainNamesPeer{{"*.example.org"}};
  if (form.TakesAddresses() && random.Chance(50)) {
    if (random.Chance(40)) return NodesPeer{AnySelector(random)};
    NetworksPeer peer;
    std::set<std::string> blocks;  // each once, as the API wants it
    for (size_t i = 0; i <= random.Below(2); ++i) blocks.insert(AnyBlock(random));
    peer.cidrs.assign(blocks.begin(), blocks.end());
    return peer;
  }
  PodsPeer peer{AnySelector(random), {}};
  if (random.Chance(60)) peer.pods = AnySelector(random);
  return peer;
}

ClusterPort AnyClusterPort(RandomSource& random, const RuleForm& form) {
  if (random.Chance(4)) return UnknownKind{"protocol"};
  if (form.named_port && random.Chance(60)) return PortName{random.Pick(kPortNames)};
  PortNumbers port{.protocol = random.Pick(kProtocols)};
  // v1alpha1 has no way to say "all of a protocol".
  if (form.kind == ClusterPolicyKind::kClusterNetworkPolicy && random.Chance(30)) return port;
  port.first = random.Pick(kPorts);
  port.last = random.Chance(50) ? port.first : std::max<int64_t>(port.first, random.Pick(kPorts));
  return port;
}

ClusterRule AnyClusterRule(RandomSource& random, ClusterPolicyKind kind, bool egress) {
  constexpr const char* kActions[] = {"Accept", "Deny", "Pass"};
  ClusterRule rule{.name = "", .action = random.Pick(kActions), .peers = {}, .ports = {}};
  const bool may_pass = kind != ClusterPolicyKind::kBaselineAdminNetworkPolicy;
  if (rule.action == "Pass" && !may_pass) rule.action = "Deny";
  if (random.Chance(30)) rule.name = fmt::format("rule-{}", random.Below(4));
  const RuleForm form{kind, egress, rule.action, random.Chance(40)};
  for (size_t i = 0; i <= random.Below(2); ++i) rule.peers.push_back(AnyClusterPeer(random, form));
  for (size_t i = random.Below(3); i > 0; --i) rule.ports.push_back(AnyClusterPort(random, form));
  return rule;
}

}  // namespace

const char* AnyNamespaceName(RandomSource& random) { return random.Pick(kNamespaces); }
const char* AnyPortName(RandomSource& random) { return random.Pick(kPortNames); }
const char* AnyProtocol(RandomSource& random) { return random.Pick(kProtocols); }
uint16_t AnyPortEdge(RandomSource& random) { return random.Pick(kPorts); }
const char* AnyBlock(RandomSource& random) {
  return random.Chance(15) ? random.Pick(kUnmasked) : random.Pick(kBlocks);
}

Labels AnyLabels(RandomSource& random) {
  Labels labels;
  for (const char* key : kKeys) {
    if (random.Chance(60)) labels[key] = random.Pick(kValues);
  }
  return labels;
}

LabelSelector AnySelector(RandomSource& random) {
  LabelSelector selector;
  if (random.Chance(40)) return selector;
  if (random.Chance(60)) selector.match_labels[random.Pick(kKeys)] = random.Pick(kValues);
  if (random.Chance(10)) {
    selector.match_labels["kubernetes.io/metadata.name"] = random.Pick(kNamespaces);
  }
  if (random.Chance(50)) {
    constexpr const char* kOperators[] = {"In", "NotIn", "Exists", "DoesNotExist"};
    Requirement requirement{random.Pick(kKeys), random.Pick(kOperators), {}};
    if (requirement.op.ends_with("In")) {
      for (size_t i = 0; i <= random.Below(3); ++i) {
        requirement.values.push_back(random.Pick(kValues));
      }
    }
    selector.match_expressions.push_back(requirement);
  }
  return selector;
}

NetworkPolicy AnyNetworkPolicy(RandomSource& random, unsigned number) {
  NetworkPolicy policy{.namespace_name = random.Pick(kNamespaces),
                       .name = fmt::format("p{}", number),
                       .pod_selector = AnySelector(random)};
  if (random.Chance(40)) policy.policy_types.push_back("Ingress");
  if (random.Chance(40)) policy.policy_types.push_back("Egress");
  for (size_t i = random.Below(3); i > 0; --i) policy.ingress.push_back(AnyRule(random, true));
  for (size_t i = random.Below(3); i > 0; --i) policy.egress.push_back(AnyRule(random, true));
  return policy;
}

NetworkPolicy AnyLegacyPolicy(RandomSource& random, unsigned number) {
  NetworkPolicy policy{.namespace_name = random.Pick(kNamespaces),
                       .name = fmt::format("old{}", number),
                       .legacy = true,
                       .pod_selector = AnySelector(random)};
  for (size_t i = random.Below(3); i > 0; --i) policy.ingress.push_back(AnyRule(random, false));
  return policy;
}

SluicePolicy AnySluicePolicy(RandomSource& random, unsigned number) {
  SluicePolicy policy{.namespace_name = random.Pick(kNamespaces),
                      .name = fmt::format("s{}", number),
                      .pod_selector = AnySelector(random)};
  if (random.Chance(40)) policy.policy_types.push_back("Ingress");
  if (random.Chance(40)) policy.policy_types.push_back("Egress");
  for (size_t i = random.Below(4); i > 0; --i) policy.ingress.push_back(AnySluiceRule(random));
  for (size_t i = random.Below(4); i > 0; --i) policy.egress.push_back(AnySluiceRule(random));
  return policy;
}

ClusterPolicy AnyClusterPolicy(RandomSource& random, ClusterPolicyKind kind) {
  constexpr const char* kNames[] = {"k", "l", "m", "n", "o"};
  constexpr int64_t kPriorities[] = {0, 1, 5, 5, 1000};
  ClusterPolicy policy{.kind = kind, .name = random.Pick(kNames)};
  const bool baseline = kind == ClusterPolicyKind::kBaselineAdminNetworkPolicy;
  const bool either = kind == ClusterPolicyKind::kClusterNetworkPolicy;
  policy.tier = baseline || (either && random.Chance(50)) ? "Baseline" : "Admin";
  if (baseline) {
    policy.name = "default";
  } else {
    policy.priority = random.Pick(kPriorities);
  }
  policy.subject = {AnySelector(random), {}};
  if (random.Chance(50)) policy.subject.pods = AnySelector(random);
  for (size_t i = random.Below(4); i > 0; --i) {
    policy.ingress.push_back(AnyClusterRule(random, kind, false));
  }
  for (size_t i = random.Below(4); i > 0; --i) {
    policy.egress.push_back(AnyClusterRule(random, kind, true));
  }
  return policy;
}

}  // namespace sluice::acl
