// SEMANTICS lines 7, 8, 25: protocols and ports.
#include <gtest/gtest.h>

#include "tests/unit/acl/cluster.h"

namespace sluice::acl {
namespace {

NetworkPolicy Ingress(std::vector<NetworkPolicyPort> ports) {
  return {.namespace_name = "default",
          .name = "in",
          .policy_types = {"Ingress"},
          .ingress = {{.ports = std::move(ports)}}};
}

NetworkPolicy Egress(std::vector<NetworkPolicyPeer> peers, std::vector<NetworkPolicyPort> ports) {
  return {.namespace_name = "other",
          .name = "out",
          .policy_types = {"Egress"},
          .egress = {{.peers = std::move(peers), .ports = std::move(ports)}}};
}

Probe To(const std::string& to, const std::string& protocol, uint16_t port, bool reaches) {
  return {"other/job", to, protocol, port, reaches};
}
Probe ToWeb(const std::string& protocol, uint16_t port, bool reaches) {
  return To("default/web", protocol, port, reaches);
}

const std::vector<Case> kCases = {
    // Line 7
    {"APortWithoutProtocolIsTcp",
     {Ingress({Port("", 80)})},
     {ToWeb("tcp", 80, true), ToWeb("udp", 80, false), ToWeb("tcp", 81, false)}},
    {"AnEmptyPortEntryIsAllOfTcpAndNothingElse",
     {Ingress({{}})},
     {ToWeb("tcp", 1, true), ToWeb("tcp", 65535, true), ToWeb("udp", 53, false),
      ToWeb("sctp", 1, false), ToWeb("icmp", 0, false)}},
    {"AProtocolWithoutPortIsAllOfIt",
     {Ingress({Port("UDP")})},
     {ToWeb("udp", 53, true), ToWeb("udp", 65535, true), ToWeb("tcp", 53, false)}},
    {"EndPortIsInclusive",
     {Ingress({Port("TCP", 8000, 8010)})},
     {ToWeb("tcp", 7999, false), ToWeb("tcp", 8000, true), ToWeb("tcp", 8010, true),
      ToWeb("tcp", 8011, false)}},
    {"EndPortMayReachTheLastPort",
     {Ingress({Port("TCP", 65535, 65535), Port("UDP", 1, 65535)})},
     {ToWeb("tcp", 65535, true), ToWeb("tcp", 65534, false), ToWeb("udp", 1, true),
      ToWeb("udp", 65535, true)}},
    {"RangesThatOverlapOrTouchAddUp",
     {Ingress({Port("TCP", 10, 20), Port("TCP", 15, 30), Port("TCP", 31), Port("TCP", 33),
               Port("UDP", 34)})},
     {ToWeb("tcp", 9, false), ToWeb("tcp", 10, true), ToWeb("tcp", 30, true),
      ToWeb("tcp", 31, true), ToWeb("tcp", 32, false), ToWeb("tcp", 33, true),
      ToWeb("tcp", 34, false), ToWeb("udp", 34, true)}},
    {"SctpOnlyRulesIsolateTcp",
     {Ingress({Port("SCTP", 80)})},
     {ToWeb("sctp", 80, true), ToWeb("tcp", 80, false)}},
    {"UdpOnlyRulesIsolateTcp",
     {Ingress({Port("UDP", 80)})},
     {ToWeb("udp", 80, true), ToWeb("tcp", 80, false)}},
    {"EmptyPortsMatchEveryProtocol",
     {Ingress({})},
     {ToWeb("tcp", 80, true), ToWeb("udp", 80, true), ToWeb("sctp", 80, true),
      ToWeb("icmp", 0, true)}},

    // Line 8
    {"ANamedPortResolvesAtEachDestinationOfIngress",
     {Ingress({NamedPortOf("TCP", "http")})},
     {ToWeb("tcp", 8080, true), ToWeb("tcp", 9090, false), To("default/db", "tcp", 9090, true),
      To("default/db", "tcp", 8080, false), To("default/client", "tcp", 8080, false)}},
    {"ANamedPortResolvesAtEachDestinationOfEgress",
     {Egress({Namespaces({})}, {NamedPortOf("TCP", "http")})},
     {ToWeb("tcp", 8080, true), ToWeb("tcp", 9090, false), To("default/db", "tcp", 9090, true),
      To("other/web", "tcp", 7000, true), To("default/client", "tcp", 8080, false)}},
    {"ANameGivenTwiceMeansItsFirstPort",
     {Ingress({NamedPortOf("TCP", "http")})},
     {ToWeb("tcp", 8080, true), ToWeb("tcp", 8081, false)}},
    {"ANamedPortMustMatchTheProtocol",
     {Ingress({NamedPortOf("UDP", "http"), NamedPortOf("TCP", "dns")})},
     {ToWeb("udp", 8080, false), ToWeb("tcp", 8080, false), ToWeb("tcp", 53, false),
      ToWeb("udp", 53, false)}},
    {"ANamedPortNeverMatchesOutsideAddresses",
     {Egress({}, {NamedPortOf("TCP", "http")})},
     {To("203.0.113.9", "tcp", 8080, false), To("203.0.113.9", "tcp", 7000, false),
      To("10.0.200.1", "tcp", 8080, false), ToWeb("tcp", 8080, true)}},
    {"ANamedPortOfAHostNetworkPodIsNotResolved",
     {Egress({}, {NamedPortOf("TCP", "http")})},
     {To("default/host", "tcp", 6000, false)}},
    {"ANameNobodyHasStillIsolates",
     {Ingress({NamedPortOf("TCP", "metrics")})},
     {ToWeb("tcp", 8080, false)}},
    {"NamesAndNumbersAddUp",
     {Ingress({NamedPortOf("TCP", "http"), Port("TCP", 81)})},
     {ToWeb("tcp", 8080, true), ToWeb("tcp", 81, true), ToWeb("tcp", 82, false)}},

    // Line 25
    {"PoliciesThatListPortsDoNotAdmitIcmp",
     {Ingress({Port("TCP"), Port("UDP"), Port("SCTP")})},
     {ToWeb("icmp", 0, false), ToWeb("tcp", 1, true)}},
    {"ARuleWithoutPortsAdmitsIcmp", {Ingress({}), Egress({}, {})}, {ToWeb("icmp", 0, true)}},
    {"ADefaultDenyDeniesIcmp",
     {{.namespace_name = "default", .name = "deny"}},
     {ToWeb("icmp", 0, false)}},
};

class Ports : public testing::TestWithParam<Case> {};
TEST_P(Ports, Hold) { Check(GetParam()); }
INSTANTIATE_TEST_SUITE_P(Semantics, Ports, testing::ValuesIn(kCases), CaseName);

// Line 8: resolved anew when pods change.
TEST(Semantics, ANamedPortFollowsThePod) {
  PolicyInput input = Cluster::Standard();
  input.policies = {Ingress({NamedPortOf("TCP", "http")})};
  input.endpoints[0].named_ports = {{"http", "TCP", 1234}};
  const Cluster cluster(input);
  EXPECT_TRUE(cluster.Try("other/job", "default/web", "tcp", 1234).reaches());
  EXPECT_FALSE(cluster.Try("other/job", "default/web", "tcp", 8080).reaches());
}

}  // namespace
}  // namespace sluice::acl
