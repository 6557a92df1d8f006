// Connections whose content decides: what passes, what waits and what dies.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/support/hello.h"
#include "tests/support/testbed.h"

namespace sluice::test {
namespace {

using acl::Content;
using acl::SluicePolicy;
using acl::SluiceRule;
using dataplane::DropReason;
using dataplane::kTcpAck;
using dataplane::kTcpFin;
using dataplane::kTcpSyn;

constexpr size_t kHeaders = 54;  // Ethernet, IPv4, TCP
constexpr uint16_t kPort = 443;

// a's egress, or b's ingress, by these rules.
SluicePolicy Egress(std::vector<SluiceRule> rules, const std::string& name = "look") {
  SluicePolicy policy{.namespace_name = "default", .name = name};
  policy.pod_selector.match_labels = {{"name", "a"}};
  policy.policy_types = {"Egress"};
  policy.egress = std::move(rules);
  return policy;
}

SluiceRule ForNames(std::vector<std::string> names, const std::string& action = "allow") {
  SluiceRule rule{.action = action};
  rule.content.tls = acl::TlsMatch{std::move(names)};
  return rule;
}
SluiceRule ForRequests(std::vector<acl::HttpMatch> requests, const std::string& action = "allow") {
  SluiceRule rule{.action = action};
  rule.content.http = std::move(requests);
  return rule;
}
SluiceRule ForQuestions(std::vector<std::string> names, const std::string& action = "allow") {
  SluiceRule rule{.action = action};
  rule.content.dns = acl::DnsMatch{std::move(names)};
  return rule;
}
SluiceRule Without(std::vector<std::string> patterns) {
  SluiceRule rule{.action = "allow"};
  for (std::string& text : patterns) rule.content.patterns.push_back({std::move(text)});
  return rule;
}

// A TCP connection from a to b, by offsets into what each side says.
class Stream {
 public:
  explicit Stream(Testbed& bed, uint16_t source = 1000) : bed_(bed), source_(source) {}

  bool Open() {
    const bool asked = Pass('a', Frame_('a', 0, 0, kTcpSyn, "", 0));
    return asked && Pass('b', Frame_('b', 0, 1, kTcpSyn | kTcpAck, "", 0)) &&
           Pass('a', Frame_('a', 1, 1, kTcpAck, "", 0));
  }

  // What reaches b when a says `text` at `offset` of what it says.
  std::string Say(size_t offset, std::string_view text, uint8_t flags = kTcpAck) {
    bed_.Send('a', Frame_('a', 1 + offset, 1, flags, text, 0));
    bed_.Turn();
    return Arrived();
  }
  // Whether b's answer, which acknowledges `offset` octets, reaches a.
  bool Answer(size_t offset, std::string_view text) {
    return Pass('b', Frame_('b', 1 + answered_, 1 + offset, kTcpAck, text, text.size()));
  }

 private:
  Bytes Frame_(char from, size_t seq, size_t ack, uint8_t flags, std::string_view text,
               size_t answered) {
    const bool a = from == 'a';
    answered_ += answered;
    return Testbed::From(from, a ? 'b' : 'a')
        .Seq(static_cast<uint32_t>(seq), static_cast<uint32_t>(ack))
        .Tcp(a ? source_ : kPort, a ? kPort : source_, flags, text)
        .bytes();
  }

  bool Pass(char from, const Bytes& frame) {
    bed_.Send(from, frame);
    bed_.Turn();
    return bed_.Received(from == 'a' ? 'b' : 'a').size() == 1;
  }

  std::string Arrived() {
    std::string text;
    for (const Bytes& frame : bed_.Received('b')) {
      text.append(frame.begin() + kHeaders, frame.end());
    }
    return text;
  }

  Testbed& bed_;
  const uint16_t source_;
  size_t answered_ = 0;
};

TEST(Inspect, ANameThatTheRuleListsPassesAndAnotherDies) {
  Testbed bed;
  bed.ApplySluice({Egress({ForNames({"good.test", "*.fine.test"})})});
  uint16_t source = 1000;
  for (const auto& [name, passes] :
       std::vector<std::pair<const char*, bool>>{{"good.test", true},
                                                 {"GOOD.Test", true},
                                                 {"good.test.", true},
                                                 {"a.fine.test", true},
                                                 {"fine.test", false},
                                                 {"bad.test", false},
                                                 {"good.test.bad", false}}) {
    SCOPED_TRACE(name);
    Stream stream(bed, source++);
    ASSERT_TRUE(stream.Open());
    const std::string hello = UsualHello(name).bytes();
    EXPECT_EQ(stream.Say(0, hello), passes ? hello : "");
    EXPECT_EQ(stream.Say(hello.size(), "more"), passes ? "more" : "");
  }
  EXPECT_EQ(bed.Drops('a', DropReason::kPolicyEgress), 3u);
  EXPECT_EQ(bed.connections(), 4u) << "a connection that was refused is gone";
}

TEST(Inspect, WithoutANameOrWithoutTlsNothingFits) {
  Testbed bed;
  bed.ApplySluice({Egress({ForNames({"good.test"})})});
  uint16_t source = 1000;
  Hello nameless;
  for (const std::string& text :
       {Hello().bytes(), nameless.Alpn({"h2"}).bytes(), Request("good.test"),
        std::string("SSH-2.0-OpenSSH_9.2\r\n"), std::string("\x80\x2e\x01\x03\x01", 5)}) {
    Stream stream(bed, source++);
    ASSERT_TRUE(stream.Open());
    EXPECT_EQ(stream.Say(0, text), "");
  }
  EXPECT_EQ(bed.Drops('a', DropReason::kPolicyEgress), 5u);
}

TEST(Inspect, AHelloInTwoSegmentsPassesWholeAndInOrderWhereverItIsCut) {
  Testbed bed({.connections = 4096});
  bed.ApplySluice({Egress({ForNames({"good.test"})})});
  for (const bool reordered : {false, true}) {
    for (const std::string& hello :
         {UsualHello("good.test").bytes(), UsualHello("good.test").bytes(100)}) {
      for (size_t cut = 1; cut < hello.size(); ++cut) {
        SCOPED_TRACE(fmt::format("cut at {}, {}", cut, reordered ? "reordered" : "in order"));
        Stream stream(bed, static_cast<uint16_t>(1000 + cut));
        ASSERT_TRUE(stream.Open());
        const std::string first = hello.substr(0, cut), second = hello.substr(cut);
        const std::string early = reordered ? stream.Say(cut, second) : stream.Say(0, first);
        ASSERT_EQ(early, "");
        const std::string all = reordered ? stream.Say(0, first) : stream.Say(cut, second);
        // As they came.
        ASSERT_EQ(all, reordered ? second + first : hello);
        ASSERT_TRUE(stream.Answer(hello.size(), "welcome"));
        bed.table().RemoveSubject({bed.id('a'), 1});
        bed.Turn();
      }
    }
  }
}

TEST(Inspect, SmallSegmentsOfABadNameDieTogether) {
  Testbed bed;
  bed.ApplySluice({Egress({ForNames({"good.test"})})});
  const std::string hello = UsualHello("evil.test").bytes();
  Stream stream(bed);
  ASSERT_TRUE(stream.Open());
  for (size_t at = 0; at < hello.size(); at += 20) {
    ASSERT_EQ(stream.Say(at, std::string_view(hello).substr(at, 20)), "") << at;
  }
  EXPECT_EQ(bed.Drops('a', DropReason::kPolicyEgress), (hello.size() + 19) / 20);
  EXPECT_EQ(bed.connections(), 0u);
}

TEST(Inspect, ARepeatWithOtherBytesDiesBeforeAndAfterTheVerdict) {
  Testbed bed;
  bed.ApplySluice({Egress({ForNames({"good.test"})})});
  const std::string good = UsualHello("good.test").bytes(), evil = UsualHello("evil.test").bytes();
  ASSERT_EQ(good.size(), evil.size());
  Stream stream(bed);
  ASSERT_TRUE(stream.Open());
  EXPECT_EQ(stream.Say(0, std::string_view(good).substr(0, 150)), "");
  EXPECT_EQ(stream.Say(100, std::string_view(evil).substr(100)), "");
  EXPECT_EQ(stream.Say(0, std::string_view(evil).substr(0, 150)), "");
  EXPECT_EQ(bed.Drops('a', DropReason::kInspectOverlap), 2u);
  EXPECT_EQ(stream.Say(150, std::string_view(good).substr(150)), good);
}

TEST(Inspect, WhatWasLetGoCannotBeSaidOtherwiseUntilItIsAcknowledged) {
  Testbed bed;
  bed.ApplySluice({Egress({ForNames({"good.test"})})});
  const std::string good = UsualHello("good.test").bytes(), evil = UsualHello("evil.test").bytes();
  Stream stream(bed);
  ASSERT_TRUE(stream.Open());
  ASSERT_EQ(stream.Say(0, good), good);
  EXPECT_EQ(stream.Say(0, evil), "");
  EXPECT_EQ(bed.Drops('a', DropReason::kInspectOverlap), 1u);
  EXPECT_EQ(stream.Say(0, good), good) << "an honest repeat passes";
  ASSERT_TRUE(stream.Answer(good.size(), "hello"));
  EXPECT_EQ(stream.Say(good.size(), "secret"), "secret");
  EXPECT_EQ(stream.Say(0, evil), evil) << "the receiver has the first one, and takes no other";
}

TEST(Inspect, AnotherHelloThatTheServerAskedForIsJudgedToo) {
  const std::string first = UsualHello("good.test").bytes();
  const std::string spec("\x14\x03\x03\x00\x01\x01", 6), data("\x17\x03\x03\x00\x01x", 6);
  for (const auto& [second, passes] :
       std::vector<std::pair<std::string, bool>>{{spec + UsualHello("good.test").bytes(), true},
                                                 {spec + UsualHello("evil.test").bytes(), false},
                                                 {UsualHello("evil.test").bytes(), false},
                                                 {spec + data, true}}) {
    Testbed bed;
    bed.ApplySluice({Egress({ForNames({"good.test"})})});
    Stream stream(bed);
    ASSERT_TRUE(stream.Open());
    ASSERT_EQ(stream.Say(0, first), first);
    ASSERT_TRUE(stream.Answer(first.size(), "another hello, please"));
    EXPECT_EQ(stream.Say(first.size(), second.substr(0, 3)), "");
    EXPECT_EQ(stream.Say(first.size() + 3, second.substr(3)), passes ? second : "");
    const size_t all = first.size() + second.size();
    EXPECT_EQ(stream.Say(all, "evil.test"), passes ? "evil.test" : "");
  }
}

TEST(Inspect, UrgentDataDies) {
  constexpr uint8_t kUrgent = 0x20;
  Testbed bed;
  bed.ApplySluice({Egress({ForRequests({{.host = "good.test", .path = "/items/*"}})})});
  Stream stream(bed);
  ASSERT_TRUE(stream.Open());
  // Without the octet that a receiver takes out of it: "/items/../admin".
  EXPECT_EQ(stream.Say(0, Request("good.test", "/items/.x./admin"), kTcpAck | kUrgent), "");
  EXPECT_EQ(bed.Drops('a', DropReason::kInspectMalformed), 1u);
}

TEST(Inspect, TheStreamBeginsWhereTheLastSynBeforeTheAnswerSays) {
  Testbed bed;
  bed.ApplySluice({Egress({ForRequests({{.host = "good.test"}})})});
  const std::string bad = Request("evil.test"), good = Request("good.test");
  const auto frame = [](uint32_t seq, uint8_t flags, std::string_view text = "") {
    return Testbed::From('a', 'b').Seq(seq, 1).Tcp(1000, kPort, flags, text).bytes();
  };
  const uint32_t first = 5000, second = first - static_cast<uint32_t>(bad.size());
  bed.Deliver('a', frame(first, kTcpSyn));
  bed.Deliver('a', frame(second, kTcpSyn));
  ASSERT_EQ(
      bed.Deliver(
          'b',
          Testbed::From('b', 'a').Seq(0, second + 1).Tcp(kPort, 1000, kTcpSyn | kTcpAck).bytes()),
      "a");
  bed.Send('a', frame(second + 1, kTcpAck, bad));
  bed.Send('a', frame(first + 1, kTcpAck, good));
  bed.Turn();
  EXPECT_TRUE(bed.Received('b').empty());
  EXPECT_EQ(bed.Drops('a', DropReason::kPolicyEgress), 1u);
}

TEST(Inspect, AFrameThatEndsBehindWhatIsKeptDies) {
  Testbed bed;
  bed.ApplySluice({Egress({ForRequests({{.method = "POST", .host = "good.test"}})})});
  Stream stream(bed);
  ASSERT_TRUE(stream.Open());
  std::string text = "POST / HTTP/1.1\r\nHost: good.test\r\nContent-Length: 16400\r\n\r\n";
  text += std::string(16400, 'b') + Request("evil.test", "/", "POST");
  const Bytes frame = Testbed::From('a', 'b').Seq(1, 1).Tcp(1000, kPort, kTcpAck, text).bytes();
  bed.SetTakes('b', ~dataplane::Offloads{0});
  bed.SendUndone('a', frame, {.checksum = true, .segment = 1000});
  bed.Turn();
  EXPECT_TRUE(bed.ReceivedUndone('b').empty());
  EXPECT_EQ(bed.Drops('a', DropReason::kInspectBound), 1u);
}

TEST(Inspect, ARequestRightBehindABodyWaitsForTheAcknowledgement) {
  Testbed bed;
  bed.ApplySluice({Egress({ForRequests({{.host = "good.test"}})})});
  Stream stream(bed);
  ASSERT_TRUE(stream.Open());
  const std::string head = "POST / HTTP/1.1\r\nHost: good.test\r\nContent-Length: 3000\r\n\r\n";
  const std::string body(1000, 'b'), next = Request("good.test");
  ASSERT_EQ(stream.Say(0, head), head);
  for (size_t i = 0; i < 3; ++i) ASSERT_EQ(stream.Say(head.size() + i * 1000, body), body);
  const size_t end = head.size() + 3000;
  EXPECT_EQ(stream.Say(end, next), "");
  EXPECT_EQ(bed.Drops('a', DropReason::kInspectFull), 1u);
  ASSERT_TRUE(stream.Answer(end, ""));
  EXPECT_EQ(stream.Say(end, next), next) << "sent again";
}

TEST(Inspect, AConnectionWhoseRequestsWereJudgedDiesWithItsRule) {
  const SluiceRule good = ForRequests({{.host = "good.test"}});
  const SluiceRule other = ForRequests({{.host = "other.test"}});
  Testbed bed;
  bed.ApplySluice({Egress({good})});
  Stream stream(bed);
  ASSERT_TRUE(stream.Open());
  const std::string request = Request("good.test");
  ASSERT_EQ(stream.Say(0, request), request);
  bed.ApplySluice({Egress({other})});
  EXPECT_FALSE(stream.Answer(request.size(), "a long download goes on"));
  EXPECT_EQ(bed.Drops('b', DropReason::kInspectLate), 1u);
}

TEST(Inspect, WhatWasNotJudgedForAWhileIsNotTakenForJudged) {
  const SluiceRule good = ForNames({"good.test"});
  Testbed bed;
  bed.ApplySluice({Egress({good})});
  Stream stream(bed);
  ASSERT_TRUE(stream.Open());
  const std::string hello = UsualHello("good.test").bytes();
  ASSERT_EQ(stream.Say(0, hello), hello);
  ASSERT_TRUE(stream.Answer(hello.size(), "hello"));
  bed.ApplySluice({Egress({{.action = "allow"}})});
  ASSERT_EQ(stream.Say(hello.size(), "anything"), "anything");
  bed.ApplySluice({Egress({good})});
  EXPECT_EQ(stream.Say(hello.size() + 8, "more"), "");
  EXPECT_EQ(bed.Drops('a', DropReason::kInspectLate), 1u);
}

TEST(Inspect, PacketsThatWaitAreBoundedForAPort) {
  Testbed bed({.pods = "abc", .connections = 4096, .inspect = {.held_of_port = 20}});
  bed.ApplySluice({Egress({ForNames({"good.test"})})});
  for (uint16_t i = 0; i < 30; ++i) {
    Stream stream(bed, static_cast<uint16_t>(1000 + i));
    ASSERT_TRUE(stream.Open());
    ASSERT_EQ(stream.Say(0, "\x16"), "");
  }
  EXPECT_EQ(bed.Drops('a', DropReason::kInspectFull), 10u);
  const std::string hello = UsualHello("good.test").bytes();
  Stream late(bed, 1029);  // the last of them: what it said is kept all the same
  EXPECT_EQ(late.Say(0, hello), hello);
}

TEST(Inspect, TheOtherSideWaitsForTheVerdict) {
  Testbed bed;
  bed.ApplySluice({Egress({ForNames({"good.test"})})});
  Stream stream(bed);
  ASSERT_TRUE(stream.Open());
  EXPECT_FALSE(stream.Answer(0, "220 mail.test"));
  EXPECT_EQ(bed.Drops('b', DropReason::kInspectEarly), 1u);
}

TEST(Inspect, EveryRequestOfAConnectionIsJudged) {
  Testbed bed;
  bed.ApplySluice({Egress({ForRequests({{.host = "good.test", .path = "/api/*"}})})});
  Stream stream(bed);
  ASSERT_TRUE(stream.Open());
  const std::string one = Request("good.test", "/api/one"), two = Request("good.test", "/api/two"),
                    bad = Request("evil.test", "/api/");
  ASSERT_EQ(stream.Say(0, one), one);
  ASSERT_TRUE(stream.Answer(one.size(), "HTTP/1.1 200 OK\r\n\r\n"));
  size_t at = one.size();
  ASSERT_EQ(stream.Say(at, two), two);
  at += two.size();
  ASSERT_TRUE(stream.Answer(at, "HTTP/1.1 200 OK\r\n\r\n"));
  EXPECT_EQ(stream.Say(at, bad), "");
  EXPECT_EQ(bed.Drops('a', DropReason::kPolicyEgress), 1u);
  EXPECT_EQ(bed.connections(), 0u);
}

TEST(Inspect, ABadRequestBehindAGoodOneInOneSegmentTakesItAlong) {
  Testbed bed;
  bed.ApplySluice({Egress({ForRequests({{.host = "good.test"}})})});
  Stream stream(bed);
  ASSERT_TRUE(stream.Open());
  EXPECT_EQ(stream.Say(0, Request("good.test") + Request("evil.test")), "");
  EXPECT_EQ(bed.Drops('a', DropReason::kPolicyEgress), 1u);
}

TEST(Inspect, ABodyIsPassedOverAndWhatComesBehindItIsJudged) {
  Testbed bed;
  bed.ApplySluice({Egress({ForRequests({{.method = "POST", .host = "good.test"}})})});
  const std::string head = "POST / HTTP/1.1\r\nHost: good.test\r\nContent-Length: 5000\r\n\r\n";
  Stream stream(bed);
  ASSERT_TRUE(stream.Open());
  ASSERT_EQ(stream.Say(0, head), head);
  ASSERT_TRUE(stream.Answer(head.size(), ""));
  const std::string body(1000, 'G');  // which could begin a method
  for (size_t i = 0; i < 5; ++i) ASSERT_EQ(stream.Say(head.size() + i * 1000, body), body) << i;
  const size_t end = head.size() + 5000;
  EXPECT_EQ(stream.Say(end - 4, "GGGG" + Request("evil.test", "/", "POST")), "");
  EXPECT_EQ(bed.Drops('a', DropReason::kPolicyEgress), 1u);
}

TEST(Inspect, WhatServersReadDifferentlyDies) {
  Testbed bed;
  SluiceRule rest{.action = "allow"};
  rest.order = acl::kMaxRuleOrder;
  bed.ApplySluice({Egress({ForRequests({{.host = "evil.test"}}, "deny"), rest})});
  const std::vector<std::string> dies = {
      "GET / HTTP/1.1\r\nHost: good.test\r\nHost: evil.test\r\n\r\n",
      "GET http://evil.test/ HTTP/1.1\r\nHost: good.test\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: good.test\r\n evil.test\r\n\r\n",
      "GET / HTTP/1.1\r\nHost : evil.test\r\nHost: good.test\r\n\r\n",
      "GET / HTTP/1.1\nHost: evil.test\n\n",
      "\r\nGET / HTTP/1.1\r\nHost: evil.test\r\n\r\n",
      std::string("GET / HTTP/1.1\r\nHost: good\0.test\r\n\r\n", 36),
      "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: good.test\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: good.test\r\nContent-Length: 3\r\nContent-Length: 300\r\n\r\n",
  };
  uint16_t source = 1000;
  for (const std::string& text : dies) {
    SCOPED_TRACE(text);
    Stream stream(bed, source++);
    ASSERT_TRUE(stream.Open());
    EXPECT_EQ(stream.Say(0, text), "");
  }
  EXPECT_EQ(bed.Drops('a', DropReason::kInspectMalformed), dies.size());
  for (const std::string& text :
       {Request("good.test"), Request("GOOD.test:443"), std::string("SSH-2.0-x\r\n")}) {
    Stream stream(bed, source++);
    ASSERT_TRUE(stream.Open());
    EXPECT_EQ(stream.Say(0, text), text);
  }
}

TEST(Inspect, AHeadThatIsTooLongOrInTooManyPiecesDies) {
  Testbed bed;
  bed.ApplySluice({Egress({ForRequests({{.host = "good.test"}})})});
  Stream longer(bed, 1000), scattered(bed, 1001);
  ASSERT_TRUE(longer.Open());
  const std::string field = "X: " + std::string(995, 'x') + "\r\n";
  ASSERT_EQ(longer.Say(0, "GET / HTTP/1.1\r\n"), "");
  for (size_t i = 0; i < 17; ++i) ASSERT_EQ(longer.Say(16 + i * 1000, field), "");
  EXPECT_GT(bed.Drops('a', DropReason::kInspectBound), 10u);
  EXPECT_EQ(bed.connections(), 0u);
  ASSERT_TRUE(scattered.Open());
  for (size_t i = 0; i < 12; ++i) ASSERT_EQ(scattered.Say(10 + i * 20, "xxxxx"), "");
  EXPECT_EQ(bed.connections(), 1u);
  bed.Advance(11'000);
  for (int i = 0; i < 10; ++i) bed.Turn();
  EXPECT_EQ(bed.connections(), 0u) << "what never came whole";
  EXPECT_GE(bed.Drops('a', DropReason::kInspectTimeout), 8u);
}

TEST(Inspect, PatternsAreLookedForAcrossSegmentsAndOnlySoFar) {
  Testbed bed;
  bed.ApplySluice({Egress({Without({"for[b]idden"})})});
  Stream stream(bed, 1000), late(bed, 1001);
  ASSERT_TRUE(stream.Open());
  ASSERT_TRUE(stream.Answer(0, "220 who speaks first does not matter"));
  EXPECT_EQ(stream.Say(0, "this is for"), "this is for");
  EXPECT_EQ(stream.Say(11, "bidden"), "");
  EXPECT_EQ(bed.Drops('a', DropReason::kInspectPattern), 1u);
  ASSERT_TRUE(late.Open());
  const std::string text(1024, '.');
  for (size_t i = 0; i < 4; ++i) ASSERT_EQ(late.Say(i * 1024, text), text);
  EXPECT_EQ(late.Say(4096, "forbidden"), "forbidden") << "behind what is looked through";
}

TEST(Inspect, DatagramsAreLookedThroughEachByItself) {
  Testbed bed;
  bed.ApplySluice({Egress({Without({"forbidden"})})});
  const auto say = [&](std::string_view text) {
    return bed.LastDrop('a', Testbed::From('a', 'b').Udp(5000, 53, text).bytes());
  };
  EXPECT_EQ(say("fine"), DropReason::kNone);
  EXPECT_EQ(say("is forbidden"), DropReason::kInspectPattern);
  EXPECT_EQ(say("fine"), DropReason::kNone);
  EXPECT_EQ(bed.LastDrop('b', Testbed::From('b', 'a').Udp(53, 5000, "forbidden").bytes()),
            DropReason::kNone)
      << "what is answered is not what was asked";
}

TEST(Inspect, QuestionsAreJudgedEachByItself) {
  Testbed bed;
  bed.ApplySluice({Egress({ForQuestions({"good.test", "*.fine.test"})})});
  const auto ask = [&](std::string_view text) {
    return bed.LastDrop('a', Testbed::From('a', 'b').Udp(5000, 53, text).bytes());
  };
  EXPECT_EQ(ask(Query("good.test")), DropReason::kNone);
  EXPECT_EQ(bed.LastDrop('b', Testbed::From('b', 'a').Udp(53, 5000, "the answer").bytes()),
            DropReason::kNone);
  EXPECT_EQ(ask(Query("a.FINE.test")), DropReason::kNone);
  EXPECT_EQ(ask(Query("bad.test")), DropReason::kPolicyEgress);
  EXPECT_EQ(bed.LastDrop('b', Testbed::From('b', 'a').Udp(53, 5000, "the answer").bytes()),
            DropReason::kNone);
  EXPECT_EQ(ask(Query("bad.test")), DropReason::kPolicyEgress)
      << "a late answer to a question that passed does not turn the connection round";
  EXPECT_EQ(ask(Query("good.test")), DropReason::kNone);
  EXPECT_EQ(ask(Query("")), DropReason::kPolicyEgress);
  EXPECT_EQ(ask("no question"), DropReason::kPolicyEgress);
  EXPECT_EQ(ask(Query("good.te st")), DropReason::kInspectMalformed);
}

TEST(Inspect, WhereQuestionsAreDeniedOtherDatagramsPass) {
  Testbed bed;
  SluiceRule rest{.action = "allow"};
  bed.ApplySluice({Egress({ForQuestions({"bad.test"}, "deny"), rest})});
  const auto say = [&](std::string_view text) {
    return bed.LastDrop('a', Testbed::From('a', 'b').Udp(5000, 53, text).bytes());
  };
  EXPECT_EQ(say("a voice packet, and not a query"), DropReason::kNone);
  EXPECT_EQ(say(Query("good.test")), DropReason::kNone);
  EXPECT_EQ(say(Query("bAd.test")), DropReason::kPolicyEgress);
  std::string hidden = Query("bad.test");
  hidden[12] = '\x40';
  EXPECT_EQ(say(hidden), DropReason::kInspectMalformed);
  Stream stream(bed);
  EXPECT_TRUE(stream.Open()) << "a rule for questions is not about TCP";
  EXPECT_EQ(stream.Say(0, "anything"), "anything");
}

TEST(Inspect, AfterAChangeOfTheRulesThatJudgedItAConnectionDies) {
  const SluiceRule good = ForNames({"good.test"}), more = ForNames({"more.test"});
  SluiceRule deny = ForNames({"good.test"}, "deny");
  deny.order = 1;
  for (const auto& [rules, lives] : std::vector<std::pair<std::vector<SluiceRule>, bool>>{
           {{good, more}, true}, {{more, good}, false}, {{deny, good}, false}}) {
    Testbed bed;
    bed.ApplySluice({Egress({good})});
    Stream stream(bed);
    ASSERT_TRUE(stream.Open());
    const std::string hello = UsualHello("good.test").bytes();
    ASSERT_EQ(stream.Say(0, hello), hello);
    ASSERT_TRUE(stream.Answer(hello.size(), "hello"));
    bed.ApplySluice({Egress(rules)});
    EXPECT_EQ(stream.Say(hello.size(), "data"), lives ? "data" : "");
    EXPECT_EQ(bed.Drops('a', DropReason::kInspectLate), lives ? 0u : 1u);
  }
}

TEST(Inspect, AConnectionThatSpokeBeforeARuleAskedDiesAndASilentOneIsJudged) {
  Testbed bed;
  bed.ApplySluice({Egress({{.action = "allow"}})});
  Stream spoke(bed, 1000), silent(bed, 1001);
  ASSERT_TRUE(spoke.Open());
  ASSERT_TRUE(silent.Open());
  ASSERT_EQ(spoke.Say(0, "x"), "x");
  bed.ApplySluice({Egress({ForNames({"good.test"})})});
  EXPECT_EQ(spoke.Say(1, "y"), "");
  EXPECT_EQ(bed.Drops('a', DropReason::kInspectLate), 1u);
  const std::string hello = UsualHello("good.test").bytes();
  EXPECT_EQ(silent.Say(0, hello), hello);
}

TEST(Inspect, ObservedConnectionsGoOnWhateverTheySay) {
  Testbed bed;
  bed.ApplySluice({Egress({ForNames({"good.test"})})});
  bed.SetMode(dataplane::Mode::kObserve);
  const std::string hello = UsualHello("evil.test").bytes();
  Stream stream(bed);
  ASSERT_TRUE(stream.Open());
  EXPECT_EQ(stream.Say(0, hello.substr(0, 50)), "");
  EXPECT_EQ(stream.Say(50, hello.substr(50)), hello);
  EXPECT_EQ(stream.Say(hello.size(), "more"), "more");
  EXPECT_EQ(bed.Drops('a'), 0u);
}

TEST(Inspect, APortThatKeepsManyHeadsWaitingLeavesRoomForOthers) {
  Testbed bed(
      {.pods = "abc", .connections = 4096, .inspect = {.heads = {.small = 64, .large = 4}}});
  SluicePolicy all = Egress({ForNames({"good.test"})});
  all.pod_selector = {};
  bed.ApplySluice({all});
  for (uint16_t i = 0; i < 100; ++i) {
    Stream stream(bed, static_cast<uint16_t>(1000 + i));
    ASSERT_TRUE(stream.Open());
    ASSERT_EQ(stream.Say(0, "\x16"), "");
  }
  EXPECT_EQ(bed.Drops('a', DropReason::kInspectFull), 100u - 16);
}

}  // namespace
}  // namespace sluice::test
