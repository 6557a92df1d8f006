#include "tests/unit/acl/cluster.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>

#include "acl/exemption.h"
#include "acl/linear_classifier.h"
#include "acl/validate.h"

namespace sluice::acl {
namespace {

uint8_t NumberOf(const std::string& protocol) {
  if (protocol == "tcp") return 6;
  if (protocol == "udp") return 17;
  if (protocol == "sctp") return 132;
  return 1;
}

Endpoint Pod(const std::string& namespace_name, const std::string& name, Labels labels,
             std::vector<std::string> addresses, std::vector<NamedPort> ports = {}) {
  Endpoint pod{.namespace_name = namespace_name, .name = name, .labels = std::move(labels)};
  for (const std::string& address : addresses) pod.addresses.push_back(Address(address));
  pod.named_ports = std::move(ports);
  pod.node = "node-a";
  pod.node_addresses = {Address("192.168.0.1")};
  return pod;
}

std::string DecidedBy(const RuleTable& table, const Decision& decision) {
  if (decision.rule == 0) return "";
  const RuleSource& source = table.sources[table.rules[decision.rule - 1].source];
  return fmt::format("{}{}{}", fmt::join(source.policies, ", "), source.rule.empty() ? "" : " ",
                     source.rule);
}

}  // namespace

LabelSelector Having(Labels labels) { return {.match_labels = std::move(labels)}; }

LabelSelector Having(const std::string& key, const std::string& op,
                     std::vector<std::string> values) {
  return {.match_expressions = {{key, op, std::move(values)}}};
}

NetworkPolicyPeer Pods(LabelSelector pods) { return {.pod_selector = std::move(pods)}; }
NetworkPolicyPeer Namespaces(LabelSelector namespaces) {
  return {.namespace_selector = std::move(namespaces)};
}
NetworkPolicyPeer PodsOf(LabelSelector namespaces, LabelSelector pods) {
  return {.pod_selector = std::move(pods), .namespace_selector = std::move(namespaces)};
}
NetworkPolicyPeer Block(std::string cidr, std::vector<std::string> except) {
  return {.ip_block = IpBlock{std::move(cidr), std::move(except)}};
}
NetworkPolicyPort Port(const std::string& protocol) { return {.protocol = protocol}; }
NetworkPolicyPort Port(const std::string& protocol, int64_t port) {
  return {.protocol = protocol, .port = port};
}
NetworkPolicyPort Port(const std::string& protocol, int64_t port, int64_t end_port) {
  return {.protocol = protocol, .port = port, .end_port = end_port};
}
NetworkPolicyPort NamedPortOf(const std::string& protocol, const std::string& name) {
  return {.protocol = protocol, .port = name};
}

IpAddress Address(const std::string& text) { return *IpAddress::Parse(text); }

PolicyInput Cluster::Standard() {
  PolicyInput input;
  input.all_local = true;
  input.namespaces = {{"default", {{"team", "core"}, {"empty", ""}}},
                      {"other", {{"project", "myprojects"}}}};  // "plain" is not listed
  input.cluster_cidrs = {*Cidr::Parse("10.0.0.0/16"), *Cidr::Parse("fd00::/64")};
  input.endpoints = {
      Pod("default", "web", {{"app", "web"}}, {"10.0.0.1", "fd00::1"},
          {{"http", "TCP", 8080}, {"dns", "UDP", 53}, {"http", "TCP", 8081}}),
      Pod("default", "db", {{"role", "db"}, {"empty", ""}}, {"10.0.0.2", "fd00::2"},
          {{"http", "", 9090}}),
      Pod("default", "client", {{"role", "client"}, {"access", "true"}}, {"10.0.0.3", "fd00::3"}),
      Pod("other", "web", {{"app", "web"}}, {"10.0.1.1", "fd00::101"}, {{"http", "TCP", 7000}}),
      Pod("other", "job", {}, {"10.0.1.2", "fd00::102"}),
      Pod("plain", "pod", {{"app", "web"}}, {"10.0.2.1", "fd00::201"}),
      Pod("default", "host", {{"app", "web"}}, {"192.168.0.1"}, {{"http", "TCP", 6000}}),
  };
  input.endpoints.back().host_network = true;
  return input;
}

Cluster::Cluster(PolicyInput input) : input_(std::move(input)) {
  absl::StatusOr<CompiledPolicy> compiled = Compile(input_);
  EXPECT_TRUE(compiled.ok()) << compiled.status();
  compiled_ = *std::move(compiled);
}

Cluster::End Cluster::Find(const std::string& text, Family family) const {
  const absl::StatusOr<IpAddress> address = IpAddress::Parse(text);
  for (const Endpoint& pod : input_.endpoints) {
    for (const IpAddress& own : pod.addresses) {
      const bool named = pod.namespace_name + "/" + pod.name == text && own.family == family;
      if (named || (address.ok() && own == *address)) {
        return {pod.host_network ? nullptr : &pod, own};
      }
    }
  }
  EXPECT_TRUE(address.ok()) << text << " is neither a pod with such an address nor an address";
  return {nullptr, *address};
}

ClassId Cluster::SubjectClass(const End& end) const {
  const SubjectClasses& classes = compiled_.subjects.at({end.pod->namespace_name, end.pod->name});
  return end.address.family == Family::kIpv4 ? classes.v4 : classes.v6;
}

Side Cluster::Judge(const End& subject, const End& peer, Direction direction, uint8_t protocol,
                    uint16_t port) const {
  if (subject.pod == nullptr) return {};
  const ClassId own = SubjectClass(subject);
  const ClassId other = compiled_.addresses.Lookup(peer.address);
  const bool ingress = direction == Direction::kIngress;
  const ClassifyKey key =
      ClassifyKey::Make(protocol, ingress ? other : own, ingress ? own : other, port);
  std::array<uint32_t, kMaxCategories> hits{};
  const LinearClassifier classifier(compiled_.table);
  classifier.Classify({&key, 1}, hits);
  const Decision asked =
      Decide(compiled_.table, std::span(hits).first(classifier.categories()), direction);
  const Decision decision = Exempted(asked, *subject.pod, peer.address, direction);
  return {true, decision.allow, DecidedBy(compiled_.table, decision)};
}

Outcome Cluster::Try(const std::string& from, const std::string& to, const std::string& protocol,
                     uint16_t port, Family family) const {
  const End source = Find(from, family);
  const End destination = Find(to, family);
  const uint8_t number = NumberOf(protocol);
  return {Judge(source, destination, Direction::kEgress, number, port),
          Judge(destination, source, Direction::kIngress, number, port)};
}

void Check(const Case& c) {
  PolicyInput input = Cluster::Standard();
  input.policies = c.policies;
  for (const NetworkPolicy& policy : c.policies) EXPECT_TRUE(Validate(policy).ok());
  const Cluster cluster(std::move(input));
  for (const Probe& probe : c.probes) {
    const Outcome outcome =
        cluster.Try(probe.from, probe.to, probe.protocol, probe.port, probe.family);
    EXPECT_EQ(outcome.reaches(), probe.reaches)
        << probe.from << " -> " << probe.to << " " << probe.protocol << "/" << probe.port
        << "\n  egress: " << outcome.egress.decided_by
        << "\n  ingress: " << outcome.ingress.decided_by;
  }
}

}  // namespace sluice::acl
