// `drops` over gRPC: by port, reason and policy.
#include <gmock/gmock.h>

#include "tests/unit/control/live_switch.h"

namespace sluice::control {
namespace {

using ::testing::ElementsAre;

using DropListing = LiveSwitch;

std::vector<std::string> Texts(const v1::GetDropsResponse& response) {
  std::vector<std::string> texts;
  for (const v1::DropCount& drop : response.drops()) {
    std::string text = drop.port() + " " + drop.reason() + " " + std::to_string(drop.packets());
    for (const std::string& policy : drop.policies()) text += " " + policy;
    if (!drop.policies().empty() && !drop.in_force()) text += " (gone)";
    texts.push_back(text);
  }
  return texts;
}

TEST_F(DropListing, PolicysRefusalsNameThePolicyAndSurviveItsDeletion) {
  Apply({DenyAll("one", {{"app", "b"}})});
  Send('a', Syn('a', 'b', 80));
  Send('a', Syn('a', 'b', 80));
  Send('a', From('b', 'a').Udp(1, 2));
  EXPECT_THAT(Texts(Drops()),
              ElementsAre("a guard_mac 1", "a policy_ingress 2 NetworkPolicy default/one"));

  Apply({DenyAll("two", {{"app", "b"}})});
  Send('a', Syn('a', 'b', 80));
  Delete(PolicyKey("one"));
  EXPECT_THAT(Texts(Drops()),
              ElementsAre("a guard_mac 1", "a policy_ingress 2 NetworkPolicy default/one (gone)",
                          "a policy_ingress 1 NetworkPolicy default/one "
                          "NetworkPolicy default/two (gone)"));
}

TEST_F(DropListing, APortThatTakesASlotAgainStartsAtZero) {
  Apply({DenyAll("one", {{"app", "b"}})});
  Send('a', Syn('a', 'b', 80));
  DeletePort('a');
  AddPort('a');
  EXPECT_THAT(Texts(Drops()), ElementsAre());
}

}  // namespace
}  // namespace sluice::control
