// Every field of every kind, wrong in turn: a full manifest of each kind is walked, and each value
// in it replaced. A value of another type has to be refused by its path; so has one that its field
// cannot have. Nothing may be taken silently, and nothing may crash.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "acl/compiler.h"
#include "control/kube/manifest.h"
#include "tests/differential/random_source.h"

namespace sluice::control {
namespace {

using Json = nlohmann::json;

constexpr size_t kLongestError = 1000;  // bytes: people read it

// One of each kind with every field that is read, and nothing else.
const std::map<std::string, std::string>& Manifests() {
  static const std::map<std::string, std::string> manifests = {
      {"Namespace x", R"({"apiVersion": "v1", "kind": "Namespace",
        "metadata": {"name": "x", "uid": "u", "labels": {"team": "a"}}})"},
      {"Node n", R"({"apiVersion": "v1", "kind": "Node",
        "metadata": {"name": "n", "labels": {"role": "edge"}},
        "status": {"addresses": [{"type": "InternalIP", "address": "192.0.2.1"}]}})"},
      {"Pod x/p", R"({"apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": "p", "namespace": "x", "uid": "u", "labels": {"app": "a"}},
        "spec": {"nodeName": "n", "hostNetwork": false, "containers":
          [{"ports": [{"name": "web", "containerPort": 80, "protocol": "TCP"}]}]},
        "status": {"phase": "Running", "podIP": "10.0.0.1", "podIPs": [{"ip": "10.0.0.1"}],
          "hostIP": "192.0.2.1", "hostIPs": [{"ip": "192.0.2.1"}]}})"},
      {"NetworkPolicy x/p", R"({"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
        "metadata": {"name": "p", "namespace": "x", "annotations": {"sluice.io/audit": "true"}},
        "spec": {"podSelector": {"matchLabels": {"app": "a"}, "matchExpressions":
            [{"key": "tier", "operator": "In", "values": ["front", "back"]}]},
          "policyTypes": ["Ingress", "Egress"],
          "ingress": [{"from": [{"podSelector": {"matchLabels": {"app": "b"}},
                                 "namespaceSelector": {"matchLabels": {"team": "a"}}},
                                {"ipBlock": {"cidr": "10.0.0.0/8", "except": ["10.1.0.0/16"]}}],
                       "ports": [{"protocol": "TCP", "port": 80, "endPort": 90},
                                 {"protocol": "UDP", "port": "dns"}]}],
          "egress": [{"to": [{"namespaceSelector": {}}], "ports": [{"port": 53}]}]}})"},
      {"MultiNetworkPolicy x/p", R"({"apiVersion": "k8s.cni.cncf.io/v1beta2",
        "kind": "MultiNetworkPolicy", "metadata": {"name": "p", "namespace": "x", "annotations":
          {"k8s.v1.cni.cncf.io/policy-for": "fast", "sluice.io/deny-action": "reject"}},
        "spec": {"podSelector": {"matchLabels": {"app": "a"}}, "policyTypes": ["Ingress"],
          "ingress": [{"from": [{"podSelector": {"matchLabels": {"app": "b"}}},
                                {"ipBlock": {"cidr": "fd00::/8", "except": ["fd00::/16"]}}],
                       "ports": [{"protocol": "SCTP", "port": 80, "endPort": 90}]}]}})"},
      {"SluicePolicy x/p", R"({"apiVersion": "sluice.io/v1alpha1", "kind": "SluicePolicy",
        "metadata": {"name": "p", "namespace": "x", "annotations":
          {"k8s.v1.cni.cncf.io/policy-for": "fast", "sluice.io/own-node": "judge"}},
        "spec": {"podSelector": {"matchLabels": {"app": "a"}}, "policyTypes": ["Ingress", "Egress"],
          "ingress": [{"name": "in", "action": "deny", "order": 5, "log": true,
                       "from": [{"podSelector": {"matchLabels": {"app": "b"}}}],
                       "ports": [{"protocol": "TCP", "port": 80, "endPort": 90}]}],
          "egress": [{"action": "allow", "to": [{"ipBlock": {"cidr": "10.0.0.0/8"}}],
                      "ports": [{"protocol": "TCP", "port": "https"}],
                      "tls": {"serverNames": ["Example.org.", "*.example.org"]},
                      "http": [{"method": "GET", "host": "www.example.org", "path": "/a/*"}],
                      "content": [{"pattern": "ev[i1]l", "action": "alert"}]},
                     {"ports": [{"protocol": "UDP", "port": 53}],
                      "dns": {"names": ["Example.org.", "*.example.org"]}}]}})"},
      {"ClusterNetworkPolicy p", R"({"apiVersion": "policy.networking.k8s.io/v1alpha2",
        "kind": "ClusterNetworkPolicy", "metadata": {"name": "p"},
        "spec": {"tier": "Admin", "priority": 7,
          "subject": {"pods": {"namespaceSelector": {"matchLabels": {"team": "a"}},
                               "podSelector": {"matchLabels": {"app": "a"}}}},
          "ingress": [{"name": "in", "action": "Pass",
                       "from": [{"namespaces": {"matchLabels": {"team": "a"}}},
                                {"pods": {"podSelector": {"matchExpressions":
                                  [{"key": "app", "operator": "Exists"}]}}}],
                       "protocols": [{"tcp": {"destinationPort": {"number": 80}}},
                                     {"sctp": {"destinationPort": {"range":
                                       {"start": 5, "end": 6}}}},
                                     {"destinationNamedPort": "web"}]}],
          "egress": [{"action": "Accept",
                      "to": [{"nodes": {"matchLabels": {"role": "edge"}}},
                             {"networks": ["10.0.0.0/8", "fd00::/8"]},
                             {"domainNames": ["*.example.org"]}],
                      "protocols": [{"udp": {"destinationPort": {"number": 53}}}]}]}})"},
      {"AdminNetworkPolicy p", R"({"apiVersion": "policy.networking.k8s.io/v1alpha1",
        "kind": "AdminNetworkPolicy", "metadata": {"name": "p"},
        "spec": {"priority": 7, "subject": {"namespaces": {"matchLabels": {"team": "a"}}},
          "ingress": [{"name": "in", "action": "Allow",
                       "from": [{"pods": {"namespaceSelector": {}, "podSelector": {}}}],
                       "ports": [{"portNumber": {"protocol": "TCP", "port": 80}},
                                 {"namedPort": "web"}]}],
          "egress": [{"action": "Deny", "to": [{"networks": ["10.0.0.0/8"]}],
                      "ports": [{"portRange": {"protocol": "UDP", "start": 5, "end": 6}}]}]}})"},
      {"BaselineAdminNetworkPolicy default", R"({
        "apiVersion": "policy.networking.k8s.io/v1alpha1",
        "kind": "BaselineAdminNetworkPolicy", "metadata": {"name": "default"},
        "spec": {"subject": {"namespaces": {}},
          "ingress": [{"action": "Deny", "from": [{"namespaces": {}}]}],
          "egress": [{"action": "Deny", "to": [{"nodes": {}}],
                      "ports": [{"portNumber": {"protocol": "SCTP", "port": 80}}]}]}})"},
  };
  return manifests;
}

// A value in a manifest: where it is, for JSON and for people.
struct Place {
  Json::json_pointer at = Json::json_pointer();
  std::string path;   // "spec.ingress[0].from", "metadata.labels[app]"
  std::string field;  // the innermost name, its list's for an element
  bool in_map = false;
};

bool IsTextMap(const std::string& field) {
  return field == "labels" || field == "annotations" || field == "matchLabels";
}

void Walk(const Json& value, const Place& here, const std::function<void(const Place&)>& visit) {
  if (!here.path.empty()) visit(here);
  if (value.is_array()) {
    for (size_t i = 0; i < value.size(); ++i) {
      Walk(value[i], {here.at / i, fmt::format("{}[{}]", here.path, i), here.field}, visit);
    }
  }
  if (!value.is_object()) return;
  const bool map = IsTextMap(here.field);
  for (const auto& [key, element] : value.items()) {
    const std::string path = map                 ? fmt::format("{}[{}]", here.path, key)
                             : here.path.empty() ? key
                                                 : here.path + "." + key;
    Walk(element, {here.at / key, path, map ? here.field : key, map}, visit);
  }
}

// Every value but what says the kind.
std::vector<Place> PlacesIn(const Json& manifest) {
  std::vector<Place> places;
  Walk(manifest, Place(), [&](const Place& place) {
    if (place.path != "apiVersion" && place.path != "kind") places.push_back(place);
  });
  return places;
}

absl::StatusOr<Manifest> Parse(const Json& manifest) {
  return ParseManifest("f.json", manifest.dump());
}

// `manifest` with that value is refused by its path, in one line that people can read.
void ExpectRefused(const std::string& name, Json manifest, const Place& place, const Json& value) {
  manifest[place.at] = value;
  const std::string what = place.path + " = " + value.dump().substr(0, 100);
  const auto parsed = Parse(manifest);
  ASSERT_FALSE(parsed.ok()) << name << ": " << what << " is taken";
  EXPECT_EQ(parsed.status().code(), absl::StatusCode::kInvalidArgument) << what;
  const std::string message(parsed.status().message());
  EXPECT_LT(message.size(), kLongestError) << what;
  EXPECT_EQ(message.find('\n'), std::string::npos) << message;
  const std::string kind = name.substr(0, name.find(' '));
  EXPECT_TRUE(message.starts_with("f.json: " + kind)) << message;
  EXPECT_NE(message.find(place.path), std::string::npos) << message << "\n" << what;
}

// Of every type but those that a value like `value` may have there.
std::vector<Json> OfOtherTypes(const Place& place, const Json& value) {
  std::vector<Json> others = {Json::parse("[[]]"), true};
  if (!value.is_array()) others.push_back(Json::parse("[{}]"));
  if (!value.is_object()) others.push_back(Json::parse(R"({"a": "b"})"));
  if (!value.is_string() && place.field != "port") others.push_back("text");
  if (!value.is_number() && place.field != "port") others.push_back(7);
  if (!value.is_string()) others.push_back(1.5);
  if (value.is_number()) others.push_back(1e300);
  if (!value.is_array()) others.push_back(Json::parse(R"(["a"])"));
  if (value.is_boolean()) std::erase(others, Json(true));
  return others;
}

TEST(Mutation, ManifestsAreGoodAsTheyAre) {
  for (const auto& [name, text] : Manifests()) {
    const auto parsed = Parse(Json::parse(text));
    EXPECT_TRUE(parsed.ok()) << parsed.status();
  }
}

TEST(Mutation, AValueOfAnotherTypeIsRefusedByItsPath) {
  unsigned tried = 0;
  for (const auto& [name, text] : Manifests()) {
    const Json manifest = Json::parse(text);
    for (const Place& place : PlacesIn(manifest)) {
      for (const Json& value : OfOtherTypes(place, manifest[place.at])) {
        ExpectRefused(name, manifest, place, value);
        ++tried;
      }
    }
  }
  EXPECT_GT(tried, 1000u);
}

// What no field of that name may hold, in any kind.
const std::map<std::string, std::vector<Json>>& BadValues() {
  static const std::string nul("a\0b", 3);
  static const std::map<std::string, std::vector<Json>> bad = {
      {"cidr", {"", "10.0.0.0", "10.0.0.0/33", "fd00::/129", "10.0.0.0/-1", "a/8", "10.0.0.0/8 "}},
      {"networks", {"", "10.0.0.0", "10.0.0.0/33", "fd00::/129", "10.0.0/8"}},
      {"except", {"", "10.1.0.0", "11.0.0.0/8", "10.0.0.0/8", "fe00::/16", "0.0.0.0/0"}},
      {"operator", {"", "Is", "in", "NotEquals"}},
      {"key", {"", "-", "a b", "/a", "a/b/c", std::string(64, 'a'), nul}},
      {"protocol", {"ICMP", "tcp", "6", "TCP "}},
      {"containerPort", {0, -1, 65536, 4294967376}},
      {"number", {0, -1, 65536, 4294967376}},
      {"start", {0, -1, 65536, 7}},
      {"end", {0, -1, 65536, 4}},
      {"endPort", {0, -1, 65536, 79}},
      {"port", {0, -1, 65536, 4294967376, "UPPER", "", "0123456789abcdef", "-a", "80"}},
      {"action", {"", "deny", "Block", "Drop"}},
      {"SluicePolicy action", {"Deny", "ALLOW", "Block", "Pass"}},
      {"order", {-1, 10001, 9223372036854775807}},
      {"serverNames", {"", ".", "*", "a..b", "*.*.org", "a.*.org", "*.0.0.1", "a b", "a:443", nul}},
      {"method", {"GE T", "GET/", "\xc3\x89", nul}},
      {"host", {".", "*", "a..b", "*.*.org", "*.0.0.1", "a:80", nul}},
      {"path", {"a", "*", "/a*", "/*/b", "/a?b", "/a#b", "/a/../b", "/%61", "/a b", nul}},
      {"pattern", {"", "(", "a)", "[a", "a*", "(?=a)b", "(a)\\1", std::string(1025, 'a'), nul}},
      {"tier", {"", "admin", "NetworkPolicy"}},
      {"priority", {-1, 1001, 9223372036854775807}},
      {"policyTypes", {"", "ingress", "Both"}},
      {"namespace", {"a.b", "A", std::string(64, 'a'), "a b", nul}},
      {"labels", {"a b", "-", std::string(64, 'a'), "\xc3\xa9", nul}},
      {"matchLabels", {"a b", "-", std::string(64, 'a'), nul}},
      {"ip",
       {"10.0.0.256", "10.0.0.0/8", "::g", "010.0.0.1", "fe80::1%eth0", "0.0.0.0", "224.0.0.1"}},
      {"address", {"10.0.0.256", "10.0.0.0/8", "host", "::"}},
      {"podIP", {"10.0.0.256", "x"}},
      {"hostIP", {"10.0.0.256", "x"}},
      {"destinationNamedPort", {"UPPER", "0123456789abcdef", "-", "1"}},
      {"namedPort", {"", "UPPER", "0123456789abcdef", "-"}},
      {"domainNames", {"", "org", "*", "a..b", "*.*.org"}},
  };
  return bad;
}

// None: any value may be taken. What one kind alone cannot have goes by its name.
const std::vector<Json>& BadValuesOf(const std::string& name, const std::string& field) {
  static const std::vector<Json> none;
  const std::map<std::string, std::vector<Json>>& bad = BadValues();
  auto found = bad.find(name.substr(0, name.find(' ') + 1) + field);
  if (found == bad.end()) found = bad.find(field);
  return found == bad.end() ? none : found->second;
}

// Where the error says it was found: some entries are read, or checked, as a whole.
Place Named(Place place) {
  const std::string pod = "spec.containers[0].";
  if (place.path.starts_with(pod) && place.field == "protocol") place.path.erase(0, pod.size());
  for (const char* whole : {".destinationPort.range", ".portRange", ".portNumber"}) {
    const size_t found = place.path.find(whole);
    if (found != std::string::npos) place.path.resize(found);
  }
  if (place.field == "port" || place.field == "endPort") place.path.resize(place.path.rfind('.'));
  if (place.field == "ip" || place.field == "podIP" || place.field == "hostIP") {
    place.path = "status.";
  }
  if (place.field == "address") place.path = "status.addresses";
  return place;
}

TEST(Mutation, AValueThatItsFieldCannotHaveIsRefusedByItsPath) {
  unsigned tried = 0;
  for (const auto& [name, text] : Manifests()) {
    const Json manifest = Json::parse(text);
    for (const Place& place : PlacesIn(manifest)) {
      if (manifest[place.at].is_structured()) continue;
      for (const Json& value : BadValuesOf(name, place.field)) {
        ExpectRefused(name, manifest, Named(place), value);
        ++tried;
      }
    }
  }
  EXPECT_GT(tried, 200u);
}

// Annotations that ask for something, and names, which say whom an error is about.
TEST(Mutation, ABadNameOrAnnotationIsRefused) {
  for (const auto& [name, text] : Manifests()) {
    const Json manifest = Json::parse(text);
    for (const char* bad : {"", "A", "a b", "-a", "a_b", "a/b"}) {
      ExpectRefused(name, manifest, {Json::json_pointer("/metadata/name"), "metadata.name", "name"},
                    bad);
    }
    if (name.find("Policy") == std::string::npos) continue;
    for (const char* annotation : {"sluice.io/audit", "sluice.io/deny-action"}) {
      for (const char* bad : {"", "yes", "True", "REJECT"}) {
        Json with = manifest;
        with["metadata"]["annotations"][annotation] = "";
        ExpectRefused(name, with,
                      {Json::json_pointer("/metadata/annotations") / annotation,
                       fmt::format("metadata.annotations[{}]", annotation), "annotations"},
                      bad);
      }
    }
  }
}

// A field that we do not know is refused, or closes its rule and is warned of; in Pods, Nodes and
// Namespaces it is none of our business, but for metadata.
TEST(Mutation, AFieldThatIsNotKnownIsNeverTakenInSilence) {
  for (const auto& [name, text] : Manifests()) {
    const Json manifest = Json::parse(text);
    const bool policy = name.find("Policy") != std::string::npos;
    for (const Place& place : PlacesIn(manifest)) {
      const bool mine = policy || place.path == "metadata";
      if (!manifest[place.at].is_object() || IsTextMap(place.field) || !mine) continue;
      Json with = manifest;
      with[place.at]["surprise"] = 1;
      const auto parsed = Parse(with);
      std::string said(parsed.ok() ? "" : parsed.status().message());
      if (parsed.ok()) {
        for (const std::string& warning : parsed->warnings) said += warning + "\n";
      }
      EXPECT_NE(said.find(place.path + ".surprise"), std::string::npos)
          << name << ": " << place.path << ": " << said;
    }
  }
}

struct Missing {
  std::string name;
  std::string at;
  std::string path;  // that the error names
};

TEST(Mutation, WhatHasToBeThereIsMissed) {
  const std::vector<Missing> rows = {
      {"Pod x/p", "/metadata", "metadata.name"},
      {"Pod x/p", "/spec/containers/0/ports/0/containerPort", "containerPort"},
      {"NetworkPolicy x/p", "/spec/ingress/0/from/1/ipBlock/cidr", "ipBlock.cidr"},
      {"NetworkPolicy x/p", "/spec/podSelector/matchExpressions/0/operator", "operator"},
      {"SluicePolicy x/p", "/spec/egress/0/tls/serverNames", "spec.egress[0].tls.serverNames"},
      {"SluicePolicy x/p", "/spec/egress/1/dns/names", "spec.egress[1].dns.names"},
      {"SluicePolicy x/p", "/spec/egress/0/content/0/pattern", "spec.egress[0].content[0].pattern"},
      {"NetworkPolicy x/p", "/spec/podSelector/matchExpressions/0/values", "values"},
      {"NetworkPolicy x/p", "/spec/podSelector/matchExpressions/0/key", "key"},
      {"NetworkPolicy x/p", "/spec/ingress/0/ports/0/port", "spec.ingress[0].ports[0]"},
      {"ClusterNetworkPolicy p", "/spec", "spec."},
      {"ClusterNetworkPolicy p", "/spec/tier", "spec.tier"},
      {"ClusterNetworkPolicy p", "/spec/priority", "spec.priority"},
      {"ClusterNetworkPolicy p", "/spec/subject", "spec.subject"},
      {"ClusterNetworkPolicy p", "/spec/subject/pods/podSelector", "spec.subject.pods.podSelector"},
      {"ClusterNetworkPolicy p", "/spec/ingress/0/action", "spec.ingress[0].action"},
      {"ClusterNetworkPolicy p", "/spec/ingress/0/from", "spec.ingress[0].from"},
      {"ClusterNetworkPolicy p", "/spec/egress/0/to", "spec.egress[0].to"},
      {"ClusterNetworkPolicy p", "/spec/ingress/0/protocols/1/sctp/destinationPort/range/start",
       "range.start"},
      {"ClusterNetworkPolicy p", "/spec/ingress/0/protocols/1/sctp/destinationPort/range/end",
       "range.end"},
      {"AdminNetworkPolicy p", "/spec/priority", "spec.priority"},
      {"AdminNetworkPolicy p", "/spec/ingress/0/from/0/pods/namespaceSelector",
       "pods.namespaceSelector"},
      {"AdminNetworkPolicy p", "/spec/ingress/0/ports/0/portNumber/port", "portNumber.port"},
      {"AdminNetworkPolicy p", "/spec/egress/0/ports/0/portRange/start", "portRange.start"},
      {"BaselineAdminNetworkPolicy default", "/spec/subject", "spec.subject"},
  };
  for (const Missing& row : rows) {
    const Json manifest = Json::parse(Manifests().at(row.name));
    ExpectRefused(row.name, manifest, {Json::json_pointer(row.at), row.path, ""}, nullptr);
  }
}

TEST(Mutation, AListThatMayNotBeEmptyIsRefusedEmpty) {
  const std::vector<Missing> rows = {
      {"NetworkPolicy x/p", "/spec/podSelector/matchExpressions/0/values", "values"},
      {"SluicePolicy x/p", "/spec/egress/0/tls/serverNames", "spec.egress[0].tls.serverNames"},
      {"SluicePolicy x/p", "/spec/egress/1/dns/names", "spec.egress[1].dns.names"},
      {"ClusterNetworkPolicy p", "/spec/ingress/0/from", "spec.ingress[0].from"},
      {"ClusterNetworkPolicy p", "/spec/ingress/0/protocols", "spec.ingress[0].protocols"},
      {"ClusterNetworkPolicy p", "/spec/egress/0/to/1/networks", "to[1].networks"},
      {"ClusterNetworkPolicy p", "/spec/egress/0/to/2/domainNames", "to[2].domainNames"},
      {"AdminNetworkPolicy p", "/spec/egress/0/to/0/networks", "to[0].networks"},
      {"AdminNetworkPolicy p", "/spec/ingress/0/ports", "spec.ingress[0].ports"},
  };
  for (const Missing& row : rows) {
    const Json manifest = Json::parse(Manifests().at(row.name));
    ExpectRefused(row.name, manifest, {Json::json_pointer(row.at), row.path, ""}, Json::array());
  }
}

// Much text where a few bytes should be: an error that people can still read.
TEST(Mutation, LongTextIsRefusedInFewWords) {
  const std::string long_text(size_t{1} << 14, 'a');
  for (const auto& [name, text] : Manifests()) {
    const Json manifest = Json::parse(text);
    for (const Place& place : PlacesIn(manifest)) {
      if (manifest[place.at].is_string()) {
        Json with = manifest;
        with[place.at] = long_text;
        const auto parsed = Parse(with);  // some text may be as long as it likes: uid, nodeName
        EXPECT_LT(parsed.ok() ? 0 : parsed.status().message().size(), kLongestError) << place.path;
      } else {
        ExpectRefused(name, manifest, Named(place),
                      place.field == "port" ? Json(1.5) : Json(long_text));
      }
    }
  }
}

// A large object is no crash and no hang: taken, or refused by its limit.
TEST(Mutation, AnObjectOfAMegabyteIsReadOrRefused) {
  Json network_policy = Json::parse(Manifests().at("NetworkPolicy x/p"));
  const Json peer = network_policy["spec"]["ingress"][0]["from"][0];
  Json cluster = Json::parse(Manifests().at("ClusterNetworkPolicy p"));
  const Json rule = cluster["spec"]["ingress"][0];
  while (network_policy["spec"]["ingress"][0]["from"].size() < 10'000) {
    network_policy["spec"]["ingress"][0]["from"].push_back(peer);
  }
  EXPECT_GT(network_policy.dump().size(), size_t{1} << 19);
  EXPECT_TRUE(Parse(network_policy).ok());
  while (cluster["spec"]["ingress"].size() < 3'000) cluster["spec"]["ingress"].push_back(rule);
  EXPECT_GT(cluster.dump().size(), size_t{1} << 19);
  EXPECT_EQ(Parse(cluster).status().message(),
            "f.json: ClusterNetworkPolicy p: spec.ingress: has 3000 entries, more than 25");
}

TEST(Mutation, ABombInsideAPolicyIsRefused) {
  std::string text =
      "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\n"
      "metadata: {name: p}\nspec:\n  podSelector: {}\n  a0: &a0 [x, x, x, x]\n";
  for (int i = 1; i < 30; ++i) {
    text += fmt::format("  a{0}: &a{0} [*a{1}, *a{1}, *a{1}, *a{1}]\n", i, i - 1);
  }
  const auto parsed = ParseManifest("f.yaml", text);
  ASSERT_FALSE(parsed.ok());
  EXPECT_LT(parsed.status().message().size(), kLongestError) << parsed.status();
}

// Two or three values wrong at once. What is taken all the same can be compiled.
TEST(Mutation, WhateverIsTakenCompiles) {
  const std::vector<Json> values = {nullptr,
                                    Json::array(),
                                    Json::object(),
                                    "",
                                    "x",
                                    0,
                                    1,
                                    80,
                                    -1,
                                    65535,
                                    65536,
                                    1e18,
                                    true,
                                    "10.0.0.0/8",
                                    "::/0",
                                    "In",
                                    "Accept",
                                    "Egress",
                                    "TCP",
                                    Json::parse(R"([{}])"),
                                    Json::parse(R"({"matchLabels": {}})")};
  unsigned taken = 0;
  for (uint64_t seed = 1; seed <= 4000; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    acl::RandomSource random(seed);
    auto of = Manifests().begin();
    std::advance(of, random.Below(Manifests().size()));
    Json manifest = Json::parse(of->second);
    for (size_t i = random.Below(3); i + 1 > 0; --i) {
      const Place place = random.Pick(PlacesIn(manifest));
      manifest[place.at] = random.Pick(values);
    }
    const auto parsed = Parse(manifest);
    if (!parsed.ok()) continue;
    ++taken;
    acl::PolicyInput input;
    for (const Object& object : parsed->objects) {
      if (auto* policy = std::get_if<acl::NetworkPolicy>(&object)) input.policies = {*policy};
      if (auto* policy = std::get_if<acl::ClusterPolicy>(&object)) {
        input.cluster_policies = {*policy};
      }
      if (auto* policy = std::get_if<acl::MultiNetworkPolicy>(&object)) {
        input.multi_policies = {*policy};
      }
      if (auto* policy = std::get_if<acl::SluicePolicy>(&object)) {
        input.sluice_policies = {*policy};
      }
      if (auto* pod = std::get_if<acl::Endpoint>(&object)) input.endpoints = {*pod};
      if (auto* node = std::get_if<acl::Node>(&object)) input.nodes = {*node};
      if (auto* ns = std::get_if<acl::Namespace>(&object)) input.namespaces = {*ns};
    }
    EXPECT_TRUE(acl::Compile(input).ok()) << manifest;
  }
  EXPECT_GT(taken, 100u);
}

}  // namespace
}  // namespace sluice::control
