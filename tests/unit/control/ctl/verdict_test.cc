#include "control/verdict.h"

#include <gtest/gtest.h>

#include <optional>

#include "acl/linear_classifier.h"

namespace sluice::control {
namespace {

constexpr acl::ClassId kA = 10;
constexpr acl::ClassId kB = 20;

acl::IpAddress Ip(const char* text) { return acl::IpAddress::Parse(text).value(); }

// Pod a may leave for b on TCP 80 only; b lets a in on any port, and nobody else.
class VerdictTest : public testing::Test {
 protected:
  VerdictTest() {
    table_.sources = {
        {acl::Tier::kNetworkPolicy, {"NetworkPolicy x/out"}, "egress[0]"},
        {acl::Tier::kNetworkPolicy, {"NetworkPolicy x/in"}, "ingress[1]"},
        {acl::Tier::kNetworkPolicy, {"NetworkPolicy x/in", "NetworkPolicy x/in2"}, ""},
    };
    const auto add = [&](acl::Direction direction, acl::Action action, int16_t protocol,
                         std::optional<acl::ClassId> src, std::optional<acl::ClassId> dst,
                         std::optional<uint16_t> port, uint32_t source) {
      const auto interval = [](std::optional<acl::ClassId> id) {
        return id ? acl::ClassInterval{*id, *id} : acl::ClassInterval{};
      };
      table_.rules.push_back({.direction = direction,
                              .action = action,
                              .protocol = protocol,
                              .src = interval(src),
                              .dst = interval(dst),
                              .port_first = port.value_or(0),
                              .port_last = port.value_or(0xffff),
                              .priority = 100 - static_cast<int32_t>(table_.rules.size()),
                              .source = source});
    };
    using acl::Action, acl::Direction;
    add(Direction::kEgress, Action::kAllow, 6, kA, kB, 80, 0);
    add(Direction::kEgress, Action::kDeny, acl::kAnyProtocol, kA, {}, {}, 2);
    add(Direction::kIngress, Action::kAllow, acl::kAnyProtocol, kA, kB, {}, 1);
    add(Direction::kIngress, Action::kDeny, acl::kAnyProtocol, {}, kB, {}, 2);
    addresses_.SetPrefix(acl::Cidr::Parse("0.0.0.0/0").value(), 1);
    addresses_.SetPrefix(acl::Cidr::Parse("::/0").value(), 1);
    addresses_.SetExact(Ip("10.0.0.1"), kA);
    addresses_.SetExact(Ip("10.0.0.2"), kB);
  }

  Verdict Ask(const End& source, const End& destination, uint16_t port) const {
    return Judge({source, destination, 6, port}, addresses_, table_, acl::LinearClassifier(table_));
  }

  acl::Endpoint a_{.namespace_name = "x", .name = "a", .addresses = {Ip("10.0.0.1")}};
  acl::Endpoint b_{.namespace_name = "x",
                   .name = "b",
                   .addresses = {Ip("10.0.0.2")},
                   .node_addresses = {Ip("192.168.0.1")}};
  const End pod_a_{Ip("10.0.0.1"), &a_, kA};
  const End pod_b_{Ip("10.0.0.2"), &b_, kB};
  const End outside_{Ip("8.8.8.8"), nullptr, std::nullopt};
  acl::RuleTable table_;
  acl::AddressMap addresses_;
};

const Side by_default{.allow = true, .tier = acl::Tier::kNone};
const Side left{true, acl::Tier::kNetworkPolicy, {"NetworkPolicy x/out"}, "egress[0]"};
const Side entered{true, acl::Tier::kNetworkPolicy, {"NetworkPolicy x/in"}, "ingress[1]"};
const Side closed{
    false, acl::Tier::kNetworkPolicy, {"NetworkPolicy x/in", "NetworkPolicy x/in2"}, ""};

TEST_F(VerdictTest, BothEndsAreJudgedAndNamed) {
  EXPECT_EQ(Ask(pod_a_, pod_b_, 80), (Verdict{true, left, entered}));
}

TEST_F(VerdictTest, OneDenyIsEnough) {
  EXPECT_EQ(Ask(pod_a_, pod_b_, 81), (Verdict{false, closed, entered}));
  EXPECT_EQ(Ask(pod_b_, pod_a_, 80), (Verdict{true, by_default, by_default}));
  EXPECT_EQ(Ask(outside_, pod_b_, 80), (Verdict{false, std::nullopt, closed}));
}

TEST_F(VerdictTest, EndWithoutSubjectHasNoSide) {
  EXPECT_EQ(Ask(outside_, outside_, 80), (Verdict{true, std::nullopt, std::nullopt}));
  const End remote_a{pod_a_.address, &a_, std::nullopt};
  EXPECT_EQ(Ask(remote_a, pod_b_, 81), (Verdict{true, std::nullopt, entered}));
  EXPECT_EQ(Ask(pod_a_, outside_, 80), (Verdict{false, closed, std::nullopt}));
}

TEST_F(VerdictTest, PodReachesItself) {
  EXPECT_EQ(Ask(pod_b_, pod_b_, 80), (Verdict{true, by_default, by_default}));
  EXPECT_EQ(Ask(pod_a_, pod_a_, 81), (Verdict{true, by_default, by_default}));
}

TEST_F(VerdictTest, OwnNodeReachesItsPodAndNoOther) {
  const End own_node{Ip("192.168.0.1"), nullptr, std::nullopt};
  const End other_node{Ip("192.168.0.2"), nullptr, std::nullopt};
  EXPECT_EQ(Ask(own_node, pod_b_, 80), (Verdict{true, std::nullopt, by_default}));
  EXPECT_EQ(Ask(other_node, pod_b_, 80), (Verdict{false, std::nullopt, closed}));
  a_.node_addresses = {Ip("192.168.0.1")};
  EXPECT_EQ(Ask(pod_a_, own_node, 80), (Verdict{false, closed, std::nullopt}))
      << "the exemption is for what comes in";
}

}  // namespace
}  // namespace sluice::control
