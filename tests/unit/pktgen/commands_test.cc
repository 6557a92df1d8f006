// The JSON commands, between pods on an in-memory wire.
#include "perf/pktgen/commands.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/pktgen/wire.h"

namespace sluice::pktgen {
namespace {

class CommandsTest : public testing::Test {
 protected:
  CommandsTest() {
    for (const char* name : {"default/a", "default/b", "default/c"}) {
      const std::string number = std::to_string(pods_.size() + 1);
      pods_[name] = &wire_.AddHost(name, {"10.0.0." + number, "fd00::" + number});
    }
    const auto no_blast = [](const BlastRequest&) -> absl::StatusOr<std::unique_ptr<Operation>> {
      return absl::UnimplementedError("blast needs ports");
    };
    commands_ = std::make_unique<Commands>(
        pods_, no_blast, [this](const Json& answer) { answers_.push_back(answer); });
  }

  // The answer to one command.
  Json Ask(const std::string& line) {
    answers_.clear();
    commands_->Start(line, wire_.now());
    wire_.RunUntil([&] {
      commands_->Step(wire_.now());
      return commands_->idle();
    });
    if (answers_.size() != 1) return Json{{"answers", answers_}};
    return answers_[0];
  }
  void Listen(const char* pod, const char* protocol, int port) {
    ASSERT_EQ(Ask(Json{{"cmd", "listen"}, {"pod", pod}, {"protocol", protocol}, {"port", port}}
                      .dump())["ok"],
              true);
  }
  void LoseKind(FrameKind kind) {
    wire_.LoseIf([=](const ParsedFrame& frame) { return frame.kind == kind; });
  }

  Wire wire_;
  Pods pods_;
  std::unique_ptr<Commands> commands_;
  std::vector<Json> answers_;
};

TEST_F(CommandsTest, ConnectOpensSendsAndCloses) {
  Listen("default/b", "tcp", 80);
  EXPECT_EQ(Ask(R"({"id":2,"cmd":"connect","pod":"default/a","to":"10.0.0.2","port":80,
                    "send":"hello","timeout_ms":500,"keep":false})"),
            Json::parse(R"({"id":2,"ok":true,"stage":"closed","received":"hello",
                "received_bytes":5,"sent_packets":6,"received_packets":5,"retransmits":0,
                "lost_packets":0,"reset":false})"));
}

TEST_F(CommandsTest, ConnectWithoutTextIsAHandshakeAndAClose) {
  Listen("default/b", "tcp", 80);
  const Json answer = Ask(R"({"cmd":"connect","pod":"default/a","to":"fd00::2","port":80})");
  EXPECT_EQ(answer["ok"], true);
  EXPECT_EQ(answer["stage"], "closed");
  EXPECT_EQ(answer["received_bytes"], 0);
  EXPECT_TRUE(answer["id"].is_null());
}

TEST_F(CommandsTest, ConnectReportsHowFarItCame) {
  struct Case {
    const char* stage;
    std::function<bool(const ParsedFrame&)> lose;
    int lost;
  };
  const auto to_server = [](const ParsedFrame& f) { return f.dst == Address("10.0.0.2"); };
  const auto is_data = [](const ParsedFrame& f) {
    return f.kind == FrameKind::kTcpOther && !ReadTcpSegment(f.payload).payload.empty();
  };
  const auto is_fin = [](const ParsedFrame& f) {
    return f.kind == FrameKind::kTcpOther && ReadTcpSegment(f.payload).Has(kFin);
  };
  const Case cases[] = {
      {"resolving", [](const ParsedFrame& f) { return f.kind == FrameKind::kArp; }, 0},
      {"syn_sent", [](const ParsedFrame& f) { return f.kind == FrameKind::kTcpSyn; }, 2},
      {"established", [=](const ParsedFrame& f) { return is_data(f) && to_server(f); }, 2},
      {"replied", [=](const ParsedFrame& f) { return is_fin(f) && to_server(f); }, 2},
  };
  Listen("default/b", "tcp", 80);
  for (const Case& c : cases) {
    SCOPED_TRACE(c.stage);
    wire_.LoseIf(c.lose);
    const Json answer = Ask(R"({"cmd":"connect","pod":"default/a","to":"10.0.0.2","port":80,
                                "send":"hello","timeout_ms":500})");
    EXPECT_EQ(answer["ok"], false);
    EXPECT_EQ(answer["stage"], c.stage);
    EXPECT_EQ(answer["lost_packets"], c.lost);  // sent at 0 and 200 ms
    EXPECT_EQ(answer["reset"], false);
    EXPECT_FALSE(answer.contains("error"));
  }
}

TEST_F(CommandsTest, ARefusedConnectionSaysReset) {
  const Json answer =
      Ask(R"({"cmd":"connect","pod":"default/a","to":"10.0.0.2","port":81,"send":"x"})");
  EXPECT_EQ(answer["ok"], false);
  EXPECT_EQ(answer["stage"], "syn_sent");
  EXPECT_EQ(answer["reset"], true);
  EXPECT_EQ(answer["lost_packets"], 0);
}

TEST_F(CommandsTest, AKeptConnectionTakesMoreCommandsUntilClosed) {
  Listen("default/b", "tcp", 80);
  const Json opened = Ask(R"({"cmd":"connect","pod":"default/a","to":"10.0.0.2","port":80,
                              "send":"one","keep":true})");
  EXPECT_EQ(opened["ok"], true);
  EXPECT_EQ(opened["stage"], "replied");
  ASSERT_TRUE(opened.contains("connection"));
  const Json handle = opened["connection"];
  Json send = {{"cmd", "send"}, {"connection", handle}, {"send", "two"}, {"timeout_ms", 500}};
  const Json sent = Ask(send.dump());
  EXPECT_EQ(sent["ok"], true);
  EXPECT_EQ(sent["received"], "two");
  EXPECT_EQ(sent["connection"], handle);

  LoseKind(FrameKind::kTcpOther);
  const Json cut = Ask(send.dump());
  EXPECT_EQ(cut["ok"], false);
  EXPECT_EQ(cut["stage"], "established");
  EXPECT_EQ(cut["lost_packets"], 2);
  EXPECT_EQ(cut["connection"], handle);
  wire_.LoseIf(nullptr);

  const Json closed = Ask(Json{{"cmd", "close"}, {"connection", handle}}.dump());
  EXPECT_EQ(closed["ok"], true);
  EXPECT_EQ(closed["stage"], "closed");
  EXPECT_EQ(closed["received"], "two");  // what was cut arrived in the end
  EXPECT_EQ(Ask(send.dump())["error"], "send: connection " + handle.dump() + " is not open");
}

TEST_F(CommandsTest, AConnectionThatDidNotOpenIsNotKept) {
  LoseKind(FrameKind::kTcpSyn);
  const Json answer = Ask(R"({"cmd":"connect","pod":"default/a","to":"10.0.0.2","port":80,
                              "send":"x","timeout_ms":100,"keep":true})");
  EXPECT_EQ(answer["ok"], false);
  EXPECT_FALSE(answer.contains("connection"));
}

TEST_F(CommandsTest, ExpectBytesWaitsForTheWholeReply) {
  Listen("default/b", "tcp", 80);
  const std::string text(10'000, 'x');
  const Json answer = Ask(Json{
      {"cmd", "connect"},
      {"pod", "default/a"},
      {"to", "10.0.0.2"},
      {"port", 80},
      {"send", text},
      {"expect_bytes",
       text.size()}}.dump());
  EXPECT_EQ(answer["ok"], true);
  EXPECT_EQ(answer["received_bytes"], text.size());
  EXPECT_EQ(answer["received"], text.substr(0, TcpExchange::kMaxText));
}

TEST_F(CommandsTest, RequestsWithoutAReplyAreLost) {
  Listen("default/b", "udp", 53);
  int seen = 0;
  wire_.LoseIf([&](const ParsedFrame& f) { return f.kind == FrameKind::kUdp && ++seen % 10 == 0; });
  EXPECT_EQ(Ask(R"({"id":4,"cmd":"request","pod":"default/a","to":"10.0.0.2","port":53,
                    "send":"q","count":10,"timeout_ms":100})"),
            Json::parse(R"({"id":4,"ok":false,"sent_packets":10,"received_packets":9,
                            "lost_packets":1,"received":"q"})"));
}

TEST_F(CommandsTest, PingCountsItsAnswers) {
  const char* line = R"({"cmd":"ping","pod":"default/a","to":"fd00::3","count":3,
                         "timeout_ms":100})";
  EXPECT_EQ(Ask(line), Json::parse(R"({"id":null,"ok":true,"sent_packets":3,"received_packets":3,
                                       "lost_packets":0})"));
  LoseKind(FrameKind::kIcmp);
  EXPECT_EQ(Ask(line)["lost_packets"], 3);
}

TEST_F(CommandsTest, CountersProveWhatArrived) {
  LoseKind(FrameKind::kTcpOther);
  Ask(R"({"cmd":"connect","pod":"default/a","to":"10.0.0.2","port":80,"timeout_ms":300})");
  const Json b = Ask(R"({"id":6,"cmd":"counters","pod":"default/b"})");
  EXPECT_EQ(b["received"]["tcp_syn"], 2);
  EXPECT_EQ(b["received"]["tcp_syn_from"], (Json{{"10.0.0.1", 2}}));
  EXPECT_EQ(b["received"]["udp_from"], Json::object());
  EXPECT_EQ(b["sent"]["tcp_other"], 2);  // resets, lost
  EXPECT_EQ(b["sent"]["arp"], 1);
}

TEST_F(CommandsTest, ReachTriesAllPairsAtOnce) {
  Listen("default/b", "tcp", 80);
  Listen("default/b", "udp", 53);
  wire_.LoseIf([](const ParsedFrame& f) {
    return f.kind == FrameKind::kTcpSyn && f.src == Address("10.0.0.3");
  });
  const uint64_t start_ns = wire_.now();
  const Json answer = Ask(R"({"id":8,"cmd":"reach","from":["default/a","default/b","default/c"],
      "to":[{"pod":"default/b","port":80,"protocol":"tcp"},
            {"pod":"default/b","port":53,"protocol":"udp","family":6},
            {"address":"10.0.0.1","protocol":"icmp"}],"timeout_ms":300})");
  EXPECT_LT(wire_.now() - start_ns, 400 * Wire::kMs);
  ASSERT_EQ(answer["results"].size(), 9u);
  std::vector<std::pair<std::string, bool>> reached;
  for (const Json& r : answer["results"]) {
    reached.emplace_back(r["from"].get<std::string>() + " " + r["to"].get<std::string>() + " " +
                             r["protocol"].get<std::string>(),
                         r["reached"].get<bool>());
  }
  using testing::Pair;
  EXPECT_THAT(reached,
              testing::ElementsAre(
                  Pair("default/a default/b tcp", true), Pair("default/a default/b udp", true),
                  Pair("default/a 10.0.0.1 icmp", true), Pair("default/b default/b tcp", true),
                  Pair("default/b default/b udp", true), Pair("default/b 10.0.0.1 icmp", true),
                  Pair("default/c default/b tcp", false), Pair("default/c default/b udp", true),
                  Pair("default/c 10.0.0.1 icmp", true)));
  EXPECT_EQ(answer["results"][6]["lost_packets"], 2);
}

TEST_F(CommandsTest, CommandsRunSideBySideAndAnswerById) {
  LoseKind(FrameKind::kTcpSyn);
  commands_->Start(R"({"id":"slow","cmd":"connect","pod":"default/a","to":"10.0.0.2","port":80,
                       "timeout_ms":200})",
                   wire_.now());
  commands_->Start(R"({"id":"fast","cmd":"ping","pod":"default/a","to":"10.0.0.2"})", wire_.now());
  ASSERT_TRUE(wire_.RunUntil([&] {
    commands_->Step(wire_.now());
    return commands_->idle();
  }));
  ASSERT_EQ(answers_.size(), 2u);
  EXPECT_EQ(answers_[0]["id"], "fast");
  EXPECT_EQ(answers_[1]["id"], "slow");
}

TEST_F(CommandsTest, WhatCannotBeCarriedOutSaysWhy) {
  struct Case {
    const char* line;
    const char* error;
  };
  const Case cases[] = {
      {"nonsense", "a command is a JSON object on a line"},
      {"[1]", "a command is a JSON object on a line"},
      {"{}", "cmd: is missing"},
      {R"({"cmd":"dance"})", "cmd: \"dance\" is unknown"},
      {R"({"cmd":"listen","pod":"default/a"})", "listen: port: is missing"},
      {R"({"cmd":"listen","pod":"default/a","port":0})",
       "listen: port: is not a whole number from 1 to 65535"},
      {R"({"cmd":"listen","pod":"default/a","port":"80"})",
       "listen: port: is not a whole number from 1 to 65535"},
      {R"({"cmd":"listen","pod":"default/z","port":80})",
       "pod default/z is not one of this process"},
      {R"({"cmd":"listen","pod":"default/a","port":80,"protocol":"sctp"})",
       "listen: protocol: \"sctp\" is unknown"},
      {R"({"cmd":"ping","pod":"default/a","to":"10.0.0.300"})",
       "ping: to: \"10.0.0.300\" is not an IP address"},
      {R"({"cmd":"ping","pod":"default/a","to":"10.0.0.1"})",
       "pod default/a: 10.0.0.1 is its own address"},
      {R"({"cmd":"ping","pod":"default/a","to":"10.0.0.2","timeout":5})",
       "ping: timeout: is unknown"},
      {R"({"cmd":"close","connection":77})", "close: connection 77 is not open"},
      {R"({"cmd":"reach","from":"default/a","to":[]})", "reach: from: is not a list"},
      {R"({"cmd":"reach","from":[],"to":[{"pod":"default/b"}]})", "reach: to: port: is missing"},
      {R"({"cmd":"blast","pod":"default/a","to":"10.0.0.9","port":9,"seconds":1})",
       "blast: to: 10.0.0.9 is not another pod of this process"},
      {R"({"cmd":"blast","pod":"default/a","to":"10.0.0.2","port":9,"seconds":1,"size":63})",
       "blast: size: is not a whole number from 64 to 1518"},
  };
  for (const Case& c : cases) {
    const Json answer = Ask(c.line);
    EXPECT_EQ(answer["ok"], false) << c.line;
    EXPECT_EQ(answer["error"], c.error) << c.line;
  }
}

TEST_F(CommandsTest, QuitIsAnswered) {
  EXPECT_EQ(Ask(R"({"id":9,"cmd":"quit"})"), Json::parse(R"({"id":9,"ok":true})"));
  EXPECT_TRUE(commands_->quit());
}

}  // namespace
}  // namespace sluice::pktgen
