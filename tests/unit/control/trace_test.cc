// `trace` over gRPC, on live workers.
#include <gmock/gmock.h>

#include "tests/unit/control/live_switch.h"

namespace sluice::control {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class TraceTest : public LiveSwitch {
 protected:
  grpc::Status Ask(const std::string& port, const std::string& packet, v1::TraceResponse* answer) {
    grpc::ClientContext context;
    v1::TraceRequest request;
    request.set_port(port);
    request.set_packet(packet);
    return diagnostics().Trace(&context, request, answer);
  }
  v1::TraceResponse Trace(const std::string& port, const std::string& packet) {
    v1::TraceResponse answer;
    const grpc::Status status = Ask(port, packet, &answer);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return answer;
  }
  std::string Refusal(const std::string& port, const std::string& packet) {
    v1::TraceResponse answer;
    return Ask(port, packet, &answer).error_message();
  }
  void SetMode(const std::string& mode) {
    grpc::ClientContext context;
    v1::SetModeRequest request;
    request.set_mode(mode);
    v1::SetModeResponse response;
    EXPECT_TRUE(diagnostics().SetMode(&context, request, &response).ok());
  }
  std::string ModeInStatus() {
    grpc::ClientContext context;
    v1::GetStatusResponse status;
    EXPECT_TRUE(diagnostics().GetStatus(&context, {}, &status).ok());
    return status.mode();
  }
};

TEST_F(TraceTest, SaysStageByStageWhatWouldHappen) {
  Apply({Allow("web", {{"app", "a"}}, 80)});
  const v1::TraceResponse allowed = Trace("a", "tcp default/a:1000 > default/b:80");
  EXPECT_EQ(allowed.verdict(), "deliver");
  EXPECT_THAT(allowed.delivered_to(), ElementsAre("b"));
  EXPECT_EQ(allowed.ingress().rule(), "ingress[0]");
  EXPECT_THAT(allowed.ingress().policies(), ElementsAre("NetworkPolicy default/web"));
  EXPECT_EQ(allowed.egress().verdict(), "allow");
  std::vector<std::string> stages;
  for (const v1::TraceStep& step : allowed.steps()) stages.push_back(step.stage());
  EXPECT_THAT(stages, ElementsAre("parse", "guard", "forward", "track", "judge", "transmit"));
  EXPECT_EQ(allowed.steps(0).text(),
            "tcp 10.0.0.1:1000 > 10.0.0.2:80 syn, 02:00:00:00:00:01 > 02:00:00:00:00:02");

  const v1::TraceResponse denied = Trace("a", "udp 10.0.0.1:1 > 10.0.0.2:53 len 10");
  EXPECT_EQ(denied.verdict(), "drop");
  EXPECT_EQ(denied.reason(), "policy_ingress");
  EXPECT_THAT(denied.delivered_to(), IsEmpty());
  const v1::TraceStep& last = denied.steps(denied.steps_size() - 1);
  EXPECT_TRUE(last.dropped());
  EXPECT_EQ(last.stage(), "judge");
  EXPECT_THAT(last.text(), HasSubstr("NetworkPolicy default/web"));
  EXPECT_EQ(Drops().drops_size(), 0) << "a trace is not counted";
}

TEST_F(TraceTest, WhatItSaysIsWhatHappens) {
  Apply({Allow("web", {{"app", "a"}}, 80)});
  const std::pair<const char*, test::Frame> kPackets[] = {
      {"tcp 10.0.0.1:1000 > 10.0.0.2:80", Syn('a', 'b', 80)},
      {"tcp 10.0.0.1:1000 > 10.0.0.2:81", Syn('a', 'b', 81)},
      {"icmp 10.0.0.1 > 10.0.0.2 echo id 7", From('a', 'b').Echo(true, 7)},
      {"udp 10.0.0.1:1 > 10.0.0.2:2", From('a', 'b').Udp(1, 2)}};
  for (const auto& [text, frame] : kPackets) {
    const v1::TraceResponse said = Trace("a", text);
    Send('a', frame);
    EXPECT_EQ(Received('b'), said.verdict() == "deliver" ? 1u : 0u) << text;
    if (said.verdict() == "drop") {
      bool counted = false;
      const v1::GetDropsResponse drops = Drops();
      for (const v1::DropCount& drop : drops.drops()) counted |= drop.reason() == said.reason();
      EXPECT_TRUE(counted) << text << ": " << said.reason();
    }
  }
}

TEST_F(TraceTest, ARefusedTraceNamesWhatIsWrong) {
  EXPECT_EQ(Refusal("nope", "udp 10.0.0.1:1 > 10.0.0.2:2"), "port nope: does not exist");
  EXPECT_EQ(Refusal("a", "udp 10.0.0.1:1 > default/nobody:2"),
            "packet: there is no pod default/nobody");
  EXPECT_EQ(Refusal("a", "udp 10.0.0.1:1 > [fd00::1]:2"),
            "packet: 10.0.0.1 and fd00::1 have no address of one family");
  EXPECT_EQ(Refusal("a", "udp ten:1 > 10.0.0.2:2"),
            "packet: \"ten\" is neither an IP address nor NAMESPACE/POD");
}

TEST_F(TraceTest, ModeObserveLetsThroughAndSaysSo) {
  Apply({DenyAll("deny", {{"app", "b"}})});
  EXPECT_EQ(ModeInStatus(), "enforce");
  SetMode("observe");
  EXPECT_EQ(ModeInStatus(), "observe");
  const v1::TraceResponse trace = Trace("a", "tcp 10.0.0.1:1000 > 10.0.0.2:80");
  EXPECT_EQ(trace.verdict(), "deliver");
  EXPECT_EQ(trace.would_drop(), "policy_ingress");
  Send('a', Syn('a', 'b', 80));
  EXPECT_EQ(Received('b'), 1u);
  const v1::GetDropsResponse drops = Drops();
  ASSERT_EQ(drops.drops_size(), 1);
  EXPECT_TRUE(drops.drops(0).observed());
  EXPECT_EQ(drops.drops(0).policies(0), "NetworkPolicy default/deny");

  SetMode("enforce");
  Send('b', From('b', 'a').Tcp(80, 1000, 0x12));
  EXPECT_EQ(Received('a'), 0u) << "what was let through is judged again";
}

TEST_F(TraceTest, AnUnknownModeIsRefused) {
  grpc::ClientContext context;
  v1::SetModeRequest request;
  request.set_mode("audit");
  v1::SetModeResponse response;
  EXPECT_EQ(diagnostics().SetMode(&context, request, &response).error_message(),
            "mode: \"audit\" is neither enforce nor observe");
}

}  // namespace
}  // namespace sluice::control
