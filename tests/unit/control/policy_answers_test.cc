// Explain's nearest rule, DiffPolicies and GetPolicyCost over a real socket, with pods a and b.
#include <gmock/gmock.h>

#include <string>

#include "control/grpc/convert.h"
#include "tests/unit/control/live_switch.h"

namespace sluice::control {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

class PolicyAnswersTest : public LiveSwitch {
 protected:
  v1::ExplainResponse Explain(uint32_t port) {
    grpc::ClientContext context;
    v1::ExplainRequest request;
    request.set_from("default/a");
    request.set_to("default/b");
    request.set_protocol("tcp");
    request.set_port(port);
    v1::ExplainResponse response;
    EXPECT_TRUE(diagnostics().Explain(&context, request, &response).ok());
    return response;
  }

  grpc::Status Diff(const std::vector<Object>& objects, const std::vector<ObjectKey>& removed,
                    v1::DiffPoliciesResponse* response, uint32_t limit = 0) {
    grpc::ClientContext context;
    v1::DiffPoliciesRequest request;
    for (const Object& object : objects) ToProto(object, request.add_objects());
    for (const ObjectKey& key : removed) {
      request.add_removed()->set_kind(key.kind);
      request.mutable_removed()->rbegin()->set_namespace_(key.name.first);
      request.mutable_removed()->rbegin()->set_name(key.name.second);
    }
    request.set_limit(limit);
    response->Clear();
    return diagnostics().DiffPolicies(&context, request, response);
  }

  // The flips from a to b, as "tcp 80-80 allow deny".
  static std::vector<std::string> FromAToB(const v1::DiffPoliciesResponse& response) {
    std::vector<std::string> flips;
    for (const v1::PolicyFlip& flip : response.flips()) {
      if (flip.from().examples_size() == 0 || flip.to().examples_size() == 0) continue;
      if (!flip.from().examples(0).starts_with("default/a ")) continue;
      if (!flip.to().examples(0).starts_with("default/b ")) continue;
      flips.push_back(flip.protocol() + " " + std::to_string(flip.port_first()) + "-" +
                      std::to_string(flip.port_last()) + " " + flip.before().verdict() + " " +
                      flip.after().verdict());
    }
    return flips;
  }
};

TEST_F(PolicyAnswersTest, ExplainNamesTheNearestRuleOfADefaultDeny) {
  Apply({Allow("db", {{"app", "a"}}, 6379)});
  const v1::ExplainResponse denied = Explain(6380);
  EXPECT_EQ(denied.ingress().nearest().text(),
            "NetworkPolicy default/db ingress[0] admits TCP 6379 (asked: 6380)");
  EXPECT_THAT(denied.ingress().nearest().differs(), testing::ElementsAre("port"));
  EXPECT_FALSE(denied.egress().has_nearest());
  EXPECT_FALSE(Explain(6379).ingress().has_nearest());
  Apply({DenyAll("db")});
  EXPECT_FALSE(Explain(6379).ingress().has_nearest()) << "no rule admits anything";
}

TEST_F(PolicyAnswersTest, ADiffTellsWhatApplyThenDoesAndChangesNothing) {
  Apply({Allow("p", {{"app", "a"}}, 80)});
  const auto epoch = fixture_.data_plane().epoch();
  v1::DiffPoliciesResponse response;
  ASSERT_TRUE(Diff({Allow("p", {{"app", "a"}}, 81)}, {}, &response).ok());
  EXPECT_THAT(FromAToB(response),
              testing::ElementsAre("tcp 80-80 allow deny", "tcp 81-81 deny allow"));
  EXPECT_EQ(response.count(), static_cast<uint64_t>(response.flips_size()));
  EXPECT_EQ(response.flips(0).before().ingress().rule(), "ingress[0]");
  EXPECT_EQ(response.flips(0).before().ingress().policies(0), "NetworkPolicy default/p");
  EXPECT_EQ(response.networks(0).network(), "default");
  EXPECT_GE(response.epoch(), epoch) << "the rebuilding of an edit's tries may come between";
  EXPECT_EQ(Explain(80).verdict(), "allow");
  EXPECT_EQ(Explain(81).verdict(), "deny");
  Apply({Allow("p", {{"app", "a"}}, 81)});
  EXPECT_EQ(Explain(80).verdict(), "deny");
  EXPECT_EQ(Explain(81).verdict(), "allow");
}

TEST_F(PolicyAnswersTest, WhatIsRemovedOpensWhateverItsOwner) {
  Apply({DenyAll("p", {{"app", "b"}})});
  v1::DiffPoliciesResponse response;
  ASSERT_TRUE(Diff({}, {PolicyKey("p")}, &response).ok());
  EXPECT_THAT(FromAToB(response), testing::ElementsAre("any 0-65535 deny allow"));
  const uint64_t count = response.count();
  EXPECT_GT(count, 1u);
  ASSERT_TRUE(Diff({}, {PolicyKey("p")}, &response, 1).ok());
  EXPECT_EQ(response.flips_size(), 1);
  EXPECT_EQ(response.count(), count) << "exact, whatever the limit";
  ASSERT_TRUE(Diff({DenyAll("p", {{"app", "b"}})}, {PolicyKey("p")}, &response).ok());
  EXPECT_EQ(response.count(), 0u) << "removed and there again";
}

TEST_F(PolicyAnswersTest, WhatCannotBeDiffedIsAnErrorByName) {
  v1::DiffPoliciesResponse response;
  const grpc::Status bad = Diff({DenyAll("good"), BadPolicy("bad")}, {}, &response);
  EXPECT_EQ(bad.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(bad.error_message(), StartsWith("NetworkPolicy default/bad: spec.ingress[0]"));
  EXPECT_EQ(response.count(), 0u);

  const grpc::Status gone = Diff({}, {PolicyKey("nope")}, &response);
  EXPECT_EQ(gone.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(gone.error_message(), "NetworkPolicy default/nope: is not there");

  const grpc::Status pod = Diff({Pod("a", "", {{"app", "other"}})}, {}, &response);
  EXPECT_EQ(pod.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(pod.error_message(), StartsWith("Pod default/a: would change: "));
  const grpc::Status kind = Diff({}, {{"Secret", {"default", "x"}}}, &response);
  EXPECT_EQ(kind.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(kind.error_message(), HasSubstr("kind: \"Secret\" is not"));
}

TEST_F(PolicyAnswersTest, PoliciesCostWhatTheirRulesTriesAndProofsDo) {
  acl::NetworkPolicy two_ports = Allow("two", {{"app", "a"}}, 80);
  two_ports.ingress[0].ports.push_back({"TCP", int64_t{90}, std::nullopt});
  Apply({two_ports, Allow("one", {{"app", "b"}}, 70)});
  AwaitWhole();
  grpc::ClientContext context;
  v1::GetPolicyCostResponse response;
  ASSERT_TRUE(diagnostics().GetPolicyCost(&context, {}, &response).ok());
  ASSERT_EQ(response.networks_size(), 1);
  const v1::NetworkPolicyCost& cost = response.networks(0);
  EXPECT_EQ(cost.network(), "default");
  EXPECT_EQ(cost.policies(), 2u);
  EXPECT_EQ(cost.rules(), 2u);
  ASSERT_EQ(cost.most_size(), 2);
  EXPECT_EQ(cost.most(0).policy(), "NetworkPolicy default/two");
  EXPECT_EQ(cost.most(0).rules(), 1u);
  EXPECT_EQ(cost.most(0).flat_rules(), 2 * cost.most(1).flat_rules());
  const v1::RuleSetCost& tries = cost.in_force();
  EXPECT_EQ(cost.flat_rules(),
            cost.most(0).flat_rules() + cost.most(1).flat_rules() + tries.default_denies());
  ASSERT_EQ(tries.tries_size(), 2);
  EXPECT_EQ(tries.tries(0).flat_rules(), 0u);
  EXPECT_EQ(tries.tries(0).bytes(), 0u) << "no policy of egress: no trie";
  EXPECT_EQ(tries.tries(1).direction(), "ingress");
  EXPECT_EQ(tries.tries(1).flat_rules(), cost.flat_rules());
  EXPECT_GT(tries.tries(1).bytes(), 1000u);
  EXPECT_TRUE(tries.proof_exhaustive());
  EXPECT_GE(tries.proof_keys(), tries.proof_atoms());
  EXPECT_GT(tries.proof_atoms(), 0u);
  EXPECT_GT(cost.meaning_probes(), 0u);
  EXPECT_FALSE(cost.has_audit());

  Apply({Pod("c", "10.0.0.9", {{"app", "a"}})});  // a change of endpoints alone
  grpc::ClientContext again;
  v1::GetPolicyCostResponse later;
  ASSERT_TRUE(diagnostics().GetPolicyCost(&again, {}, &later).ok());
  EXPECT_EQ(later.networks(0).in_force().proof_atoms(), tries.proof_atoms());
  EXPECT_EQ(later.networks(0).meaning_probes(), cost.meaning_probes());
}

TEST_F(PolicyAnswersTest, PoliciesUnderAuditHaveTriesOfTheirOwn) {
  acl::NetworkPolicy audited = DenyAll("audited");
  audited.options.audit = true;
  Apply({audited, Allow("one", {{"app", "b"}}, 70)});
  AwaitWhole();
  grpc::ClientContext context;
  v1::GetPolicyCostResponse response;
  ASSERT_TRUE(diagnostics().GetPolicyCost(&context, {}, &response).ok());
  ASSERT_TRUE(response.networks(0).has_audit());
  EXPECT_GT(response.networks(0).audit().tries(1).bytes(), 0u);
}

}  // namespace
}  // namespace sluice::control
