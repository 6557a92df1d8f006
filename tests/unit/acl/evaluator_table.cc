#include "tests/unit/acl/evaluator_table.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace sluice::acl {
namespace {

uint8_t NumberOf(const std::string& protocol) {
  if (protocol == "tcp") return 6;
  if (protocol == "udp") return 17;
  if (protocol == "sctp") return 132;
  return 1;
}

}  // namespace

std::string TableText(const std::optional<RawSide>& side) {
  if (!side) return "-";
  std::string text = side->allow ? "allow" : (side->reject ? "reject" : "deny");
  if (side->allow && side->reject) text = "allow and reject";
  if (side->tier != "None") text += " " + side->tier + ":";
  for (size_t i = 0; i < side->policies.size(); ++i) {
    text += (i == 0 ? " " : ", ") + side->policies[i];
  }
  return side->rule.empty() ? text : text + " " + side->rule;
}

RawEnd EndOf(const PolicyInput& input, const std::string& text, Family family) {
  for (const Endpoint& pod : input.endpoints) {
    if (pod.namespace_name + "/" + pod.name != text) continue;
    for (const IpAddress& own : pod.addresses) {
      if (own.family == family) return {&pod, own};
    }
  }
  const absl::StatusOr<IpAddress> address = IpAddress::Parse(text);
  EXPECT_TRUE(address.ok()) << text << " is neither a pod with such an address nor an address";
  return {nullptr, address.value_or(IpAddress{})};
}

RawFlow FlowOf(const PolicyInput& input, const RawProbe& probe) {
  return {.from = EndOf(input, probe.from, probe.family),
          .to = EndOf(input, probe.to, probe.family),
          .protocol = NumberOf(probe.protocol),
          .port = probe.port};
}

PolicyInput InputOf(const RawCase& c) {
  PolicyInput input = Cluster::Standard();
  input.nodes = {{"node-a", {{"rack", "a"}}, {Address("192.168.0.1")}},
                 {"node-b", {{"rack", "b"}}, {Address("192.168.0.2"), Address("fd01::2")}}};
  input.policies = c.policies;
  input.cluster_policies = c.cluster_policies;
  c.change(input);
  return input;
}

void Check(const RawCase& c) {
  ASSERT_FALSE(c.probes.empty());
  const PolicyInput input = InputOf(c);
  const Evaluator evaluator(input);
  for (const RawProbe& probe : c.probes) {
    SCOPED_TRACE(fmt::format("{} -> {} {}/{}", probe.from, probe.to, probe.protocol, probe.port));
    const RawVerdict verdict = evaluator.Evaluate(FlowOf(input, probe));
    EXPECT_EQ(TableText(verdict.egress), probe.egress);
    EXPECT_EQ(TableText(verdict.ingress), probe.ingress);
    const auto passes = [](const std::string& side) {
      return side == "-" || side.starts_with("allow");
    };
    EXPECT_EQ(verdict.allow, passes(probe.egress) && passes(probe.ingress));
  }
}

}  // namespace sluice::acl
