// Validation of SluicePolicies, by the whole text that reaches the user.
#include <gtest/gtest.h>

#include <functional>

#include "acl/name_syntax.h"
#include "acl/pattern_check.h"
#include "acl/validate.h"
#include "tests/unit/acl/cluster.h"

namespace sluice::acl {
namespace {

constexpr char kPolicy[] = "SluicePolicy default/web: ";
constexpr char kHostRule[] =
    " is not a name of a host: it must have labels of up to 63 lower case alphanumeric characters, "
    "'-' or '_', with perhaps \"*.\" before them, or be an IPv4 address";
constexpr char kFormRule[] =
    " is not in normal form: what is not in RFC 3986's pchar must be escaped, in upper case, and "
    "nothing that is unreserved";

SluicePolicy GoodPolicy() {
  SluicePolicy policy;
  policy.namespace_name = "default";
  policy.name = "web";
  policy.policy_types = {"Ingress", "Egress"};
  policy.networks = {"default/fast"};
  SluiceRule& rule = policy.egress.emplace_back();
  rule.match = {.peers = {Block("10.0.0.0/8")}, .ports = {Port("TCP", 443), {}}};
  rule.name = "names";
  rule.action = "allow";
  rule.order = kMaxRuleOrder;
  rule.content.tls = TlsMatch{{"example.org", "*.example.org", "*.org", "localhost", "a_b.c"}};
  rule.content.http = {{"GET", "www.example.org", "/a/*"}, {"", "192.0.2.1", "/"}, {}};
  rule.content.patterns = {{"evil", PatternAction::kDeny}, {"odd", PatternAction::kAlert}};
  policy.ingress.emplace_back();
  policy.ingress[0].action = "deny";
  policy.ingress[0].order = 0;
  return policy;
}

struct Mutation {
  std::function<void(SluicePolicy&)> change;
  std::string message;
};

void CheckAll(const std::vector<Mutation>& mutations) {
  EXPECT_TRUE(Validate(GoodPolicy()).ok()) << Validate(GoodPolicy());
  for (const Mutation& mutation : mutations) {
    SluicePolicy bad = GoodPolicy();
    mutation.change(bad);
    const absl::Status status = Validate(bad);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << mutation.message;
    EXPECT_EQ(std::string(status.message()), kPolicy + mutation.message);
  }
}

Mutation Rule(const std::function<void(SluiceRule&)>& change, const std::string& rest) {
  return {[change](SluicePolicy& p) { change(p.egress[0]); }, "spec.egress[0]" + rest};
}

TEST(ValidateSluicePolicy, WhatANetworkPolicyIsHeldToHoldsHereToo) {
  CheckAll({
      {[](auto& p) { p.policy_types = {"Both"}; },
       "spec.policyTypes[0]: \"Both\" is not supported: Ingress or Egress"},
      {[](auto& p) { p.pod_selector = Having("a", "Is"); },
       "spec.podSelector.matchExpressions[0].operator: \"Is\" is not supported: In, NotIn, Exists "
       "or DoesNotExist"},
      {[](auto& p) { p.ingress[0].match.peers = {{}}; },
       "spec.ingress[0].from[0]: needs one of podSelector, namespaceSelector, ipBlock"},
      Rule([](auto& r) { r.match.peers = {Block("10.0.0.0")}; },
           ".to[0].ipBlock.cidr: \"10.0.0.0\" is not a CIDR: no prefix length"),
      Rule([](auto& r) { r.match.ports = {Port("TCP", 90, 80)}; },
           ".ports[0].endPort: port range 90-80 is empty"),
      {[](auto& p) { p.networks = {"fast"}; },
       "metadata.annotations[k8s.v1.cni.cncf.io/policy-for]: \"fast\" is not NAMESPACE/NAME"},
  });
}

TEST(ValidateSluicePolicy, PlacesOfRulesAreRefusedWithTheReason) {
  CheckAll({
      Rule([](auto& r) { r.action = "Allow"; },
           ".action: \"Allow\" is not supported: allow or deny"),
      Rule([](auto& r) { r.order = -1; }, ".order: -1 is not between 0 and 10000"),
      Rule([](auto& r) { r.order = 10'001; }, ".order: 10001 is not between 0 and 10000"),
      Rule([](auto& r) { r.name = std::string(101, 'a'); },
           ".name: \"" + std::string(64, 'a') + "\"... is longer than 100 characters"),
  });
}

Mutation ServerName(const std::string& name) {
  return Rule([name](auto& r) { r.content.tls->server_names[1] = name; },
              ".tls.serverNames[1]: " + Quoted(name) + kHostRule);
}

TEST(ValidateSluicePolicy, NamesAreRefusedWithTheReason) {
  const std::string longest = std::string(62, 'a') + "." + std::string(63, 'b') + "." +
                              std::string(63, 'c') + "." + std::string(62, 'd');
  EXPECT_FALSE(CheckHost(longest));
  CheckAll({
      ServerName(""),
      ServerName("*"),
      ServerName("*."),
      ServerName("*.*.org"),
      ServerName("a.*.org"),
      ServerName("*a.org"),
      ServerName("a..org"),
      ServerName(".org"),
      ServerName("example.org."),
      ServerName("Example.org"),
      ServerName("exa mple.org"),
      ServerName("-a.org"),
      ServerName("a-.org"),
      ServerName("*.0.2.1"),
      ServerName("*.1"),
      ServerName("[::1]"),
      ServerName("example.org:443"),
      ServerName("b\xc3\xbc"
                 "cher.de"),
      ServerName(std::string(64, 'a') + ".org"),
      Rule([&](auto& r) { r.content.tls->server_names[1] = "e" + longest; },
           ".tls.serverNames[1]: " + Quoted("e" + longest) + " is longer than 253 characters"),
      Rule([](auto& r) { r.content.tls->server_names.clear(); },
           ".tls.serverNames: needs at least one entry"),
      Rule([](auto& r) { r.content.tls->server_names.assign(10'001, "a.org"); },
           ".tls.serverNames: has 10001 entries, more than 10000"),
  });
}

Mutation Path(const std::string& path, const std::string& reason) {
  return Rule([path](auto& r) { r.content.http[0].path = path; },
              ".http[0].path: " + Quoted(path) + reason);
}

Mutation Method(const std::string& method) {
  return Rule(
      [method](auto& r) { r.content.http[0].method = method; },
      ".http[0].method: " + Quoted(method) + " is not a method: it must be a token, as GET is");
}

TEST(ValidateSluicePolicy, RequestsAreRefusedWithTheReason) {
  const std::string star = " has a \"*\" elsewhere than in \"/*\" at its end";
  const std::string query = " has a query or a fragment: requests are matched without";
  const std::string ambiguous =
      " has a doubled or escaped slash, a semicolon, or an escaped backslash or NUL: requests with "
      "such a path never pass";
  const std::string dots = " has \".\" or \"..\" in it: no path has in the end";
  CheckAll({
      Method("GE T"),
      Method("GET/"),
      Method(std::string("G\0T", 3)),
      Method("G\xc3\x89T"),
      Rule([](auto& r) { r.content.http[0].method = "Get"; },
           ".http[0].method: \"Get\" has lower case letters: requests with such a method never "
           "pass"),
      Rule([](auto& r) { r.content.http[1].host = "a:80"; },
           std::string(".http[1].host: \"a:80\"") + kHostRule),
      Path("a", " does not begin with \"/\""),
      Path("*", " does not begin with \"/\""),
      Path("/a*", star),
      Path("/*/a", star),
      Path("/*/*", star),
      Path("/a?b", query),
      Path("/a#b", query),
      Path("/a/../b", dots),
      Path("/./*", dots),
      Path("/..", dots),
      Path("/a//b", ambiguous),
      Path("/a//*", ambiguous),
      Path("/a;b=c", ambiguous),
      Path("/a%3Bb", ambiguous),
      Path("/%2Fa", ambiguous),
      Path("/%5C/*", ambiguous),
      Path("/a%00", ambiguous),
      Path("/a b", kFormRule),
      Path("/%", kFormRule),
      Path("/%4", kFormRule),
      Path("/%2f", kFormRule),
      Path("/%41", kFormRule),
      Path("/\xc3\xa9", kFormRule),
      Path(std::string("/a\0", 3), kFormRule),
      Rule([](auto& r) { r.content.http.resize(1'001); },
           ".http: has 1001 entries, more than 1000"),
  });
  for (const char* good : {"/", "/*", "/a", "/a/", "/%20a/%C3%A9", "/a.b/...", "/a,b=c@d"}) {
    EXPECT_FALSE(CheckHttpPath(good)) << good;
  }
}

TEST(ValidateSluicePolicy, PatternsAreRefusedWithTheReason) {
  CheckAll({
      Rule([](auto& r) { r.content.patterns[1].pattern = ""; }, ".content[1].pattern: is required"),
      Rule([](auto& r) { r.content.patterns[1].pattern.assign(1'025, 'a'); },
           ".content[1].pattern: has 1025 bytes, more than 1024"),
      Rule([](auto& r) { r.content.patterns[1].pattern = std::string("a\0b", 3); },
           ".content[1].pattern: holds a NUL byte: write \\x00"),
      Rule(
          [](auto& r) {
            r.content.patterns.assign(1'001, {"a", PatternAction::kDeny});
          },
          ".content: has 1001 entries, more than 1000"),
      Rule([](auto& r) { r.action = "deny"; },
           ".content: patterns are looked for in what a rule allows"),
  });
}

TEST(ValidateSluicePolicy, NamesAndRequestsAreForTcpAlone) {
  const std::string reason = ".ports[1].protocol: tls and http are looked for in TCP only";
  CheckAll({
      Rule([](auto& r) { r.match.ports[1] = Port("UDP", 443); }, reason),
      Rule([](auto& r) { r.match.ports[1] = Port("SCTP"); }, reason),
      Rule(
          [](auto& r) {
            r.content.tls.reset();
            r.match.ports[1] = Port("UDP", 443);
          },
          reason),
  });
  SluicePolicy patterns_alone = GoodPolicy();
  SluiceRule& rule = patterns_alone.egress[0];
  rule.match.ports[1] = Port("UDP", 53);
  rule.content.tls.reset();
  rule.content.http.clear();
  EXPECT_TRUE(Validate(patterns_alone).ok()) << Validate(patterns_alone);
}

TEST(ValidateSluicePolicy, QuestionsAreForUdpAlone) {
  SluicePolicy policy = GoodPolicy();
  SluiceRule& rule = policy.egress[0];
  rule.match.ports = {Port("UDP", 53)};
  rule.content.tls.reset();
  rule.content.http.clear();
  rule.content.dns = DnsMatch{{"example.org", "*.example.org"}};
  EXPECT_TRUE(Validate(policy).ok()) << Validate(policy);
  const auto refused = [&](const std::string& message) {
    EXPECT_EQ(std::string(Validate(policy).message()), kPolicy + message);
  };
  rule.match.ports = {Port("TCP", 53)};
  refused("spec.egress[0].ports[0].protocol: dns is looked for in UDP only");
  rule.match.ports.clear();
  rule.content.http = {{}};
  refused("spec.egress[0].dns: does not go together with tls or http: no connection says both");
  rule.content.http.clear();
  rule.content.dns->names = {"example.org", "Example.org"};
  refused(std::string("spec.egress[0].dns.names[1]: \"Example.org\"") + kHostRule);
  rule.content.dns->names.clear();
  refused("spec.egress[0].dns.names: needs at least one entry");
}

TEST(ValidateSluicePolicy, AsMuchAsItsLimitsSayIsTaken) {
  SluicePolicy policy = GoodPolicy();
  SluiceRule& rule = policy.egress[0];
  rule.content.tls->server_names.assign(10'000, "a.org");
  rule.content.http.resize(1'000);
  rule.content.patterns.assign(1'000, {std::string(1'024, 'a'), PatternAction::kDeny});
  EXPECT_TRUE(Validate(policy).ok()) << Validate(policy);
}

TEST(NormalHost, IsLowerCaseWithoutTheDotBehind) {
  EXPECT_EQ(NormalHost("WWW.Example.ORG."), "www.example.org");
  EXPECT_EQ(NormalHost("*.A."), "*.a");
  EXPECT_EQ(NormalHost(""), "");
  EXPECT_EQ(NormalHost("."), ".") << "not empty: that would be every host";
  EXPECT_EQ(NormalHost("a.."), "a.") << "which CheckHost refuses";
}

TEST(PatternCheck, SaysWhichPatternAndWhatHyperscanSaysOfIt) {
  EXPECT_TRUE(CheckPatterns(GoodPolicy()).ok());
  const std::string at = std::string(kPolicy) + "spec.egress[0].content[1].pattern: ";
  SluicePolicy bad = GoodPolicy();
  bad.egress[0].content.patterns[1].pattern = "abc(";
  EXPECT_EQ(CheckPatterns(bad).message(),
            at + "Missing close parenthesis for group started at index 3.");
  bad.egress[0].content.patterns[1].pattern = "a*";
  EXPECT_EQ(CheckPatterns(bad).message(),
            at + "Pattern matches empty buffer; use HS_FLAG_ALLOWEMPTY to enable support.");
  bad.egress[0].content.patterns[1].pattern = "(a)\\1";
  EXPECT_EQ(CheckPatterns(bad).message(), at + "Back-references are unsupported.");
  bad.ingress.push_back(bad.egress[0]);
  EXPECT_NE(CheckPatterns(bad).message().find("spec.ingress[1].content[1]"), std::string::npos);
}

}  // namespace
}  // namespace sluice::acl
