// TCP between two host stacks, on good and bad wires, and against hand-made segments.
#include "perf/pktgen/tcp_connection.h"

#include <gtest/gtest.h>

#include "tests/unit/pktgen/wire.h"

namespace sluice::pktgen {
namespace {

constexpr uint16_t kPort = 80;

class TcpPair : public testing::TestWithParam<const char*> {
 protected:
  // A connected client, by the address family of the parameter.
  TcpConnection* Connect(uint16_t port = kPort) {
    if (!wire_.RunUntil([&] { return client_.Resolve(to_, wire_.now()).has_value(); })) {
      return nullptr;
    }
    return client_.Connect(to_, port, wire_.now()).value();
  }
  // Sends `text` and returns what came back within `ms`.
  std::string Exchange(TcpConnection& connection, const std::string& text, uint64_t ms = 10'000) {
    connection.Send(text, wire_.now());
    std::string received;
    wire_.RunUntil(
        [&] {
          received += connection.TakeReceived();
          return received.size() >= text.size();
        },
        ms);
    return received;
  }
  bool CloseAndWait(TcpConnection& connection) {
    connection.Close(wire_.now());
    return wire_.RunUntil([&] { return connection.finished(); });
  }

  Wire wire_;
  HostStack& client_ = wire_.AddHost("client", {"10.0.0.1", "fd00::1"});
  HostStack& server_ = wire_.AddHost("server", {"10.0.0.2", "fd00::2"});
  IpAddress to_ = Address(GetParam());
};

INSTANTIATE_TEST_SUITE_P(Families, TcpPair, testing::Values("10.0.0.2", "fd00::2"),
                         [](const auto& p) { return p.param[0] == '1' ? "Ipv4" : "Ipv6"; });

TEST_P(TcpPair, HandshakeDataAndCloseLoseNothing) {
  ASSERT_TRUE(server_.Listen(Transport::kTcp, kPort).ok());
  TcpConnection* connection = Connect();
  ASSERT_NE(connection, nullptr);
  EXPECT_TRUE(wire_.RunUntil([&] { return connection->established(); }));
  EXPECT_EQ(Exchange(*connection, "hello"), "hello");
  EXPECT_TRUE(CloseAndWait(*connection));
  EXPECT_FALSE(connection->reset());
  const TcpStats stats = connection->stats();
  EXPECT_EQ(stats.lost_packets, 0u);
  EXPECT_EQ(stats.retransmits, 0u);
  // SYN, its ACK, data, ACK of the echo, FIN, ACK of the peer's FIN.
  EXPECT_EQ(stats.sent_packets, 6u);
}

TEST_P(TcpPair, ALongTextArrivesInManySegmentsUnharmed) {
  ASSERT_TRUE(server_.Listen(Transport::kTcp, kPort).ok());
  TcpConnection* connection = Connect();
  ASSERT_NE(connection, nullptr);
  std::string text;
  for (int i = 0; i < 40'000; ++i) text += std::to_string(i) + ",";
  EXPECT_EQ(Exchange(*connection, text), text);
  EXPECT_EQ(connection->stats().lost_packets, 0u);
}

TEST_P(TcpPair, ALossyWireDelaysButHarmsNothing) {
  uint64_t retransmits = 0;
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    Wire wire;
    HostStack& client = wire.AddHost("client", {"10.0.0.1", "fd00::1"});
    HostStack& server = wire.AddHost("server", {"10.0.0.2", "fd00::2"});
    ASSERT_TRUE(server.Listen(Transport::kTcp, kPort).ok());
    wire.LoseRandomly(0.2, seed);
    ASSERT_TRUE(wire.RunUntil([&] { return client.Resolve(to_, wire.now()).has_value(); }));
    TcpConnection* connection = client.Connect(to_, kPort, wire.now()).value();
    const std::string text(20'000, 'x');
    connection->Send(text, wire.now());
    std::string received;
    ASSERT_TRUE(wire.RunUntil(
        [&] {
          received += connection->TakeReceived();
          return received.size() >= text.size();
        },
        100'000));
    EXPECT_EQ(received, text);
    connection->Close(wire.now());
    EXPECT_TRUE(wire.RunUntil([&] { return connection->finished(); }, 100'000));
    EXPECT_EQ(connection->stats().lost_packets, connection->stats().retransmits);
    retransmits += connection->stats().retransmits;
  }
  EXPECT_GT(retransmits, 20u);
}

TEST_P(TcpPair, ALostSegmentIsSentAgainAndCountsOnce) {
  ASSERT_TRUE(server_.Listen(Transport::kTcp, kPort).ok());
  TcpConnection* connection = Connect();
  ASSERT_NE(connection, nullptr);
  ASSERT_TRUE(wire_.RunUntil([&] { return connection->established(); }));
  int to_lose = 1;
  wire_.LoseIf([&](const ParsedFrame& frame) { return frame.dst == to_ && to_lose-- > 0; });
  const uint64_t start_ns = wire_.now();
  EXPECT_EQ(Exchange(*connection, "again"), "again");
  EXPECT_GE(wire_.now() - start_ns, TcpConnection::kFirstTimeoutNs);
  EXPECT_EQ(connection->stats().retransmits, 1u);
  EXPECT_EQ(connection->stats().lost_packets, 1u);
}

TEST_P(TcpPair, AClosedPortResetsAtOnceAndLosesNothing) {
  TcpConnection* connection = Connect();
  ASSERT_NE(connection, nullptr);
  EXPECT_TRUE(wire_.RunUntil([&] { return connection->reset(); }, 10));
  EXPECT_FALSE(connection->established());
  EXPECT_EQ(connection->state(), TcpState::kClosed);
  EXPECT_EQ(connection->stats().lost_packets, 0u);
}

TEST_P(TcpPair, DroppedSynsAreCountedExactly) {
  ASSERT_TRUE(server_.Listen(Transport::kTcp, kPort).ok());
  wire_.LoseIf([](const ParsedFrame& frame) { return frame.kind == FrameKind::kTcpSyn; });
  TcpConnection* connection = Connect();
  ASSERT_NE(connection, nullptr);
  wire_.Run(1'000);  // sent at 0, 200 and 600 ms; the next would be at 1,400
  EXPECT_FALSE(connection->established());
  EXPECT_EQ(connection->stats().sent_packets, 3u);
  EXPECT_EQ(connection->stats().retransmits, 2u);
  EXPECT_EQ(connection->stats().lost_packets, 3u);
  EXPECT_EQ(connection->stats().received_packets, 0u);
  EXPECT_EQ(server_.counters().received[static_cast<size_t>(FrameKind::kTcpSyn)], 0u);
}

TEST_P(TcpPair, AConnectionThatIsCutLosesWhatItSendsAfterwards) {
  ASSERT_TRUE(server_.Listen(Transport::kTcp, kPort).ok());
  TcpConnection* connection = Connect();
  ASSERT_NE(connection, nullptr);
  EXPECT_EQ(Exchange(*connection, "before"), "before");
  wire_.LoseIf([](const ParsedFrame& frame) { return frame.kind == FrameKind::kTcpOther; });
  EXPECT_EQ(Exchange(*connection, "after", 1'000), "");
  EXPECT_EQ(connection->stats().lost_packets, 3u);
  wire_.LoseIf(nullptr);
  connection->Send("!", wire_.now());
  wire_.Run(5'000);
  EXPECT_EQ(connection->TakeReceived(), "after!");
  EXPECT_EQ(connection->stats().lost_packets, connection->stats().retransmits);
}

TEST_P(TcpPair, AbortResetsThePeer) {
  ASSERT_TRUE(server_.Listen(Transport::kTcp, kPort).ok());
  TcpConnection* connection = Connect();
  ASSERT_NE(connection, nullptr);
  EXPECT_EQ(Exchange(*connection, "x"), "x");
  int resets = 0;
  wire_.Watch(
      [&](const ParsedFrame& frame) { resets += ReadTcpSegment(frame.payload).Has(kRst) ? 1 : 0; });
  connection->Abort();
  client_.Release(connection);
  wire_.Run(3'000);
  EXPECT_EQ(resets, 1);  // the server took it: it neither answers nor retransmits
}

TEST_P(TcpPair, TheServerClosesWhenTheClientDoes) {
  ASSERT_TRUE(server_.Listen(Transport::kTcp, kPort).ok());
  TcpConnection* connection = Connect();
  ASSERT_NE(connection, nullptr);
  ASSERT_TRUE(wire_.RunUntil([&] { return connection->established(); }));
  EXPECT_TRUE(CloseAndWait(*connection));
  EXPECT_TRUE(connection->peer_closed());
}

// One end alone, its peer played by the test.
class TcpEnd : public testing::Test {
 protected:
  static constexpr uint32_t kOwn = 1000, kPeer = 5000;

  TcpEnd() {
    connection_.Connect(now_ns_);
    Give({.seq = kPeer, .ack = kOwn + 1, .flags = kSyn | kAck, .window = 1000, .mss = 100});
    emitted_.clear();
  }
  void Give(TcpSegment segment) { connection_.Receive(segment, now_ns_); }
  static Bytes Text(const char* text) {
    return {reinterpret_cast<const uint8_t*>(text), std::strlen(text)};
  }
  struct Seen {
    uint32_t seq, ack;
    uint8_t flags;
    size_t size;
    bool operator==(const Seen&) const = default;
  };

  uint64_t now_ns_ = 1;
  std::vector<Seen> emitted_;
  TcpConnection connection_{
      {.local_port = 1, .remote_port = 2, .initial_sequence = kOwn, .mss = 1460},
      [this](const TcpSegment& s) {
        emitted_.push_back({s.seq, s.ack, s.flags, s.payload.size()});
      }};
};

TEST_F(TcpEnd, SegmentsKeepToThePeersMssAndWindow) {
  connection_.Send(std::string(2000, 'x'), now_ns_);
  ASSERT_EQ(emitted_.size(), 10u);  // the window of 1,000, 100 bytes each
  for (const Seen& seen : emitted_) EXPECT_EQ(seen.size, 100u);
  emitted_.clear();
  Give({.seq = kPeer + 1, .ack = kOwn + 1 + 1000, .flags = kAck, .window = 50});
  EXPECT_EQ(emitted_, (std::vector<Seen>{{kOwn + 1001, kPeer + 1, kAck | kPsh, 50}}));
}

TEST_F(TcpEnd, AClosedWindowIsProbed) {
  Give({.seq = kPeer + 1, .ack = kOwn + 1, .flags = kAck, .window = 0});
  connection_.Send("abc", now_ns_);
  EXPECT_TRUE(emitted_.empty());
  now_ns_ += TcpConnection::kFirstTimeoutNs;
  connection_.Tick(now_ns_);
  ASSERT_EQ(emitted_.size(), 1u);
  EXPECT_EQ(emitted_[0].size, 1u);
  Give({.seq = kPeer + 1, .ack = kOwn + 2, .flags = kAck, .window = 100});
  ASSERT_EQ(emitted_.size(), 2u);
  EXPECT_EQ(emitted_[1].size, 2u);
}

TEST_F(TcpEnd, AfterATimeOutEveryLostSegmentFollowsItsPredecessorsAcknowledgement) {
  connection_.Send(std::string(300, 'x'), now_ns_);
  emitted_.clear();
  now_ns_ += TcpConnection::kFirstTimeoutNs;
  connection_.Tick(now_ns_);
  Give({.seq = kPeer + 1, .ack = kOwn + 101, .flags = kAck, .window = 1000});
  Give({.seq = kPeer + 1, .ack = kOwn + 201, .flags = kAck, .window = 1000});
  Give({.seq = kPeer + 1, .ack = kOwn + 301, .flags = kAck, .window = 1000});
  EXPECT_EQ(emitted_, (std::vector<Seen>{{kOwn + 1, kPeer + 1, kAck | kPsh, 100},
                                         {kOwn + 101, kPeer + 1, kAck | kPsh, 100},
                                         {kOwn + 201, kPeer + 1, kAck | kPsh, 100}}));
  EXPECT_EQ(connection_.stats().lost_packets, 3u);
}

TEST_F(TcpEnd, AGapIsAcknowledgedAgainAndTheOverlapTrimmed) {
  Give({.seq = kPeer + 4, .ack = kOwn + 1, .flags = kAck, .window = 100, .payload = Text("def")});
  EXPECT_EQ(connection_.TakeReceived(), "");
  EXPECT_EQ(emitted_, (std::vector<Seen>{{kOwn + 1, kPeer + 1, kAck, 0}}));
  Give({.seq = kPeer + 1, .ack = kOwn + 1, .flags = kAck, .window = 100, .payload = Text("abc")});
  Give({.seq = kPeer + 2, .ack = kOwn + 1, .flags = kAck, .window = 100, .payload = Text("bcdef")});
  EXPECT_EQ(connection_.TakeReceived(), "abcdef");
}

TEST_F(TcpEnd, AResetBesideTheExpectedSequenceIsChallenged) {
  Give({.seq = kPeer + 100, .flags = kRst});
  EXPECT_FALSE(connection_.reset());
  EXPECT_EQ(emitted_, (std::vector<Seen>{{kOwn + 1, kPeer + 1, kAck, 0}}));
  Give({.seq = kPeer + 1, .flags = kRst});
  EXPECT_TRUE(connection_.reset());
}

TEST_F(TcpEnd, AnAcknowledgementOfTheFutureIsAnsweredAndIgnored) {
  Give({.seq = kPeer + 1, .ack = kOwn + 500, .flags = kAck, .window = 9, .payload = Text("x")});
  EXPECT_EQ(connection_.TakeReceived(), "");
  EXPECT_EQ(emitted_.size(), 1u);
}

TEST_F(TcpEnd, ARepeatedFinIsAcknowledgedAgainInTimeWait) {
  connection_.Close(now_ns_);
  const TcpSegment fin{.seq = kPeer + 1, .ack = kOwn + 2, .flags = kFin | kAck, .window = 9};
  Give(fin);
  EXPECT_EQ(connection_.state(), TcpState::kTimeWait);
  EXPECT_TRUE(connection_.finished());
  emitted_.clear();
  Give(fin);
  EXPECT_EQ(emitted_, (std::vector<Seen>{{kOwn + 2, kPeer + 2, kAck, 0}}));
  now_ns_ += TcpConnection::kTimeWaitNs;
  connection_.Tick(now_ns_);
  EXPECT_EQ(connection_.state(), TcpState::kClosed);
}

TEST_F(TcpEnd, FinsThatCrossCloseBothEnds) {
  connection_.Close(now_ns_);
  Give({.seq = kPeer + 1, .ack = kOwn + 1, .flags = kFin | kAck, .window = 9});
  EXPECT_EQ(connection_.state(), TcpState::kClosing);
  Give({.seq = kPeer + 2, .ack = kOwn + 2, .flags = kAck, .window = 9});
  EXPECT_EQ(connection_.state(), TcpState::kTimeWait);
}

TEST_F(TcpEnd, SilenceForAMinuteEndsIt) {
  connection_.Send("x", now_ns_);
  for (; now_ns_ < TcpConnection::kGiveUpNs + 2 * TcpConnection::kMaxTimeoutNs;
       now_ns_ += 10'000'000) {
    connection_.Tick(now_ns_);
  }
  EXPECT_EQ(connection_.state(), TcpState::kClosed);
  EXPECT_FALSE(connection_.finished());
  EXPECT_EQ(connection_.stats().lost_packets, emitted_.size());
}

}  // namespace
}  // namespace sluice::pktgen
