// Objects as the API server sends them -> candidates, by way of the stream that the shapes cut.
#include "control/watcher/candidate_reader.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

namespace sluice::control {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

const WatchedKind& KindOf(const std::string& resource) {
  const auto found = std::ranges::find_if(
      WatchedKinds(), [&](const WatchedKind& kind) { return kind.resource.name == resource; });
  EXPECT_NE(found, WatchedKinds().end()) << resource;
  return *found;
}

Candidate Read(const std::string& resource, const std::string& text) {
  const WatchedKind& kind = KindOf(resource);
  std::vector<Candidate> candidates;
  ObjectStream stream(ObjectStream::Form::kList, kind.resource.shape, [&](StreamedObject object) {
    candidates.push_back(ReadCandidate(kind, object));
  });
  EXPECT_TRUE(stream.Feed("{\"items\":[" + text + "]}").ok());
  EXPECT_EQ(candidates.size(), 1u);
  return candidates.at(0);
}

std::string ErrorOf(const Candidate& candidate) {
  return candidate.object.ok() ? "read" : std::string(candidate.object.status().message());
}

// What every object of a real server carries.
std::string Metadata(const std::string& more = "") {
  return fmt::format(
      R"("metadata":{{"name":"o","namespace":"x","uid":"u","resourceVersion":"1","generation":3,)"
      R"("creationTimestamp":"2026-01-01T00:00:00Z","ownerReferences":[{{"kind":"K"}}],)"
      R"("futureField":1,"labels":{{"a":"b"}},"annotations":{{)"
      R"("kubectl.kubernetes.io/last-applied-configuration":"{{}}"{}}},)"
      R"("managedFields":[{{"manager":"kubectl","fieldsV1":{{"f:spec":{{}}}}}}]}})",
      more);
}

TEST(CandidateReader, APodIsReadFromWhatItsShapeKeeps) {
  const Candidate pod =
      Read("pods",
           "{" +
               Metadata(R"(,"k8s.v1.cni.cncf.io/network-status":)"
                        R"("[{\"name\":\"x/net\",\"ips\":[\"192.0.2.1\"]}]")") +
               R"(,"spec":{"nodeName":"n","volumes":[{"name":"v"}],"containers":[{"name":"c",)"
               R"("image":"i","ports":[{"name":"web","containerPort":80,"protocol":"TCP"}]}]},)"
               R"("status":{"phase":"Running","hostIP":"192.0.2.9","podIPs":[{"ip":"10.0.0.1"}],)"
               R"("conditions":[{"type":"Ready"}]}})");
  ASSERT_TRUE(pod.object.ok()) << pod.object.status();
  EXPECT_EQ(pod.key, (ObjectKey{"Endpoint", {"x", "o"}}));
  const auto& endpoint = std::get<acl::Endpoint>(*pod.object);
  EXPECT_EQ(endpoint.uid, "u");
  EXPECT_EQ(endpoint.labels, (acl::Labels{{"a", "b"}}));
  EXPECT_EQ(endpoint.node, "n");
  EXPECT_EQ(endpoint.addresses.size(), 1u);
  EXPECT_EQ(endpoint.node_addresses.size(), 1u);
  EXPECT_EQ(endpoint.named_ports.size(), 1u);
  ASSERT_EQ(endpoint.attachments.size(), 1u);
  EXPECT_EQ(endpoint.attachments[0].network, "x/net");
}

TEST(CandidateReader, EveryKindIsReadWithWhatARealServerAddsToIt) {
  const std::string subject = R"("subject":{"namespaces":{}})";
  const std::pair<const char*, std::string> table[] = {
      {"namespaces", ""},
      {"nodes", R"(,"status":{"addresses":[{"type":"InternalIP","address":"192.0.2.1"}]})"},
      {"networkpolicies", R"(,"spec":{"podSelector":{}},"status":{"conditions":[]})"},
      {"multi-networkpolicies", R"(,"spec":{"podSelector":{}})"},
      {"sluicepolicies", R"(,"spec":{"podSelector":{}},"status":{"conditions":[]})"},
      {"clusternetworkpolicies",
       R"(,"spec":{"tier":"Admin","priority":1,)" + subject + R"(},"status":{"conditions":[]})"},
      {"adminnetworkpolicies", R"(,"spec":{"priority":1,)" + subject + "}"},
      {"baselineadminnetworkpolicies", R"(,"spec":{)" + subject + "}"}};
  for (const auto& [resource, rest] : table) {
    const Candidate candidate = Read(resource, "{" + Metadata() + rest + "}");
    EXPECT_TRUE(candidate.object.ok()) << resource << candidate.object.status();
    EXPECT_EQ(candidate.key.kind, KindOf(resource).kind);
    EXPECT_EQ(candidate.key.name.first, KindOf(resource).namespaced ? "x" : "");
  }
}

TEST(CandidateReader, APolicyWithAFieldThatIsNotKnownIsRefusedAndItsOutlineSelectsTheSame) {
  const Candidate bad =
      Read("networkpolicies", "{" + Metadata() +
                                  R"(,"spec":{"podSelector":{"matchLabels":{"app":"a"}},"new":1,)"
                                  R"("egress":[{"when":"monday"}]}})");
  EXPECT_THAT(ErrorOf(bad), testing::StartsWith("NetworkPolicy x/o: spec.egress[0].when: "));
  EXPECT_EQ(bad.uid, "u");
  ASSERT_NE(bad.outline, nullptr);
  const auto& outline = std::get<acl::NetworkPolicy>(*bad.outline);
  EXPECT_EQ(outline.pod_selector.match_labels, (acl::Labels{{"app", "a"}}));
  EXPECT_TRUE(outline.IsolatesIngress());
  EXPECT_TRUE(outline.IsolatesEgress());
}

TEST(CandidateReader, AnnotationsOfPoliciesAreKept) {
  const Candidate read =
      Read("sluicepolicies",
           "{" +
               Metadata(R"(,"sluice.io/audit":"true","sluice.io/deny-action":"reject",)"
                        R"("sluice.io/own-node":"judge","k8s.v1.cni.cncf.io/policy-for":"fast")") +
               R"(,"spec":{"podSelector":{}}})");
  ASSERT_TRUE(read.object.ok()) << read.object.status();
  const auto& policy = std::get<acl::SluicePolicy>(*read.object);
  EXPECT_EQ(policy.options,
            (acl::PolicyOptions{.audit = true, .reject = true, .judges_own_node = true}));
  EXPECT_THAT(policy.networks, ElementsAre("x/fast"));
}

// That is the daemon's to say: it has the compiler.
TEST(CandidateReader, APatternThatDoesNotCompileIsRead) {
  const Candidate read =
      Read("sluicepolicies", "{" + Metadata() +
                                 R"(,"spec":{"podSelector":{},"egress":[{"content":)"
                                 R"([{"pattern":"a("}]}]}})");
  EXPECT_TRUE(read.object.ok()) << read.object.status();
}

TEST(CandidateReader, ASluicePolicyThatCannotBeReadHasAnOutlineOfWhomItSelects) {
  const Candidate bad = Read(
      "sluicepolicies",
      "{" + Metadata(R"(,"sluice.io/own-node":"perhaps","k8s.v1.cni.cncf.io/policy-for":"fast")") +
          R"(,"spec":{"podSelector":{"matchLabels":{"app":"a"}},)"
          R"("egress":[{"order":"first"}]}})");
  ASSERT_FALSE(bad.object.ok());
  ASSERT_NE(bad.outline, nullptr);
  const auto& outline = std::get<acl::SluicePolicy>(*bad.outline);
  EXPECT_EQ(outline.pod_selector.match_labels, (acl::Labels{{"app", "a"}}));
  EXPECT_TRUE(outline.IsolatesIngress() && outline.IsolatesEgress());
  EXPECT_THAT(outline.networks, ElementsAre("x/fast"));
}

TEST(CandidateReader, AnOptionThatCannotBeReadDoesNotHideWhomThePolicySelects) {
  const Candidate bad =
      Read("networkpolicies", "{" + Metadata(R"(,"sluice.io/audit":"perhaps")") +
                                  R"(,"spec":{"podSelector":{"matchLabels":{"app":"a"}}}})");
  ASSERT_FALSE(bad.object.ok());
  ASSERT_NE(bad.outline, nullptr);
  const auto& outline = std::get<acl::NetworkPolicy>(*bad.outline);
  EXPECT_EQ(outline.pod_selector.match_labels, (acl::Labels{{"app", "a"}}));
  EXPECT_FALSE(outline.options.audit);
}

TEST(CandidateReader, TheOutlineOfAClusterWidePolicyHasItsDirections) {
  const Candidate bad = Read(
      "adminnetworkpolicies",
      "{" + Metadata() +
          R"(,"spec":{"priority":7,"subject":{"namespaces":{"matchLabels":{"k":"v"}}},"mode":"x",)"
          R"("egress":[{"action":"Allow","to":[{"namespaces":{}}],"sometimes":true}]}})");
  ASSERT_FALSE(bad.object.ok());
  ASSERT_NE(bad.outline, nullptr);
  const auto& outline = std::get<acl::ClusterPolicy>(*bad.outline);
  EXPECT_EQ(outline.priority, 7);
  EXPECT_TRUE(outline.ingress.empty());
  EXPECT_EQ(outline.egress.size(), 1u);
}

TEST(CandidateReader, WithoutAReadableSelectorThereIsNoOutline) {
  for (const char* spec : {R"({"podSelector":5})", "3", R"({"podSelector":{"matchLabels":[]}})"}) {
    const Candidate bad = Read("networkpolicies", "{" + Metadata() + R"(,"spec":)" + spec + "}");
    EXPECT_FALSE(bad.object.ok()) << spec;
    EXPECT_EQ(bad.outline, nullptr) << spec;
  }
}

TEST(CandidateReader, AnObjectThatIsTooLargeIsRefusedByName) {
  const Candidate bad =
      Read("networkpolicies", R"({"spec":{"a":")" + std::string(3 << 20, 'x') +
                                  R"("},"metadata":{"namespace":"x","name":"o","uid":"u"}})");
  EXPECT_EQ(bad.key, (ObjectKey{"NetworkPolicy", {"x", "o"}}));
  EXPECT_EQ(bad.uid, "u");
  EXPECT_THAT(ErrorOf(bad), HasSubstr("NetworkPolicy x/o: is larger than 2 MiB"));
}

TEST(CandidateReader, OldMultiNetworkPoliciesHaveNoEndPort) {
  const auto read = [](const std::string& version) {
    return Read(
        "multi-networkpolicies",
        R"({"apiVersion":"k8s.cni.cncf.io/)" + version + "\"," + Metadata() +
            R"(,"spec":{"podSelector":{},"ingress":[{"ports":[{"port":1,"endPort":2}]}]}})");
  };
  EXPECT_TRUE(read("v1beta2").object.ok());
  EXPECT_FALSE(read("v1beta1").object.ok());
}

}  // namespace
}  // namespace sluice::control
