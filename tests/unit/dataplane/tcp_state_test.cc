// Every cell of the TCP table, and the connection states that come of it.
#include "dataplane/tcp_state.h"

#include <gtest/gtest.h>
#include <netinet/in.h>

#include "dataplane/packet.h"

namespace sluice::dataplane {
namespace {

using S = HalfState;

TEST(TcpFlags, AreSortedIntoSegments) {
  const std::pair<uint8_t, TcpSegment> rows[] = {
      {kTcpSyn, TcpSegment::kSyn},
      {kTcpSyn | kTcpAck, TcpSegment::kSynAck},
      {kTcpAck, TcpSegment::kAck},
      {kTcpAck | 0x08, TcpSegment::kAck},  // PSH
      {kTcpSyn | 0xc0, TcpSegment::kSyn},  // ECN set-up
      {kTcpFin | kTcpAck, TcpSegment::kFin},
      {kTcpRst, TcpSegment::kRst},
      {kTcpRst | kTcpAck, TcpSegment::kRst},
      {0, TcpSegment::kInvalid},
      {kTcpFin, TcpSegment::kInvalid},
      {kTcpSyn | kTcpFin, TcpSegment::kInvalid},
      {kTcpSyn | kTcpRst, TcpSegment::kInvalid},
      {0xff, TcpSegment::kInvalid},
  };
  for (const auto& [flags, segment] : rows) {
    EXPECT_EQ(ClassifyTcpFlags(flags), segment) << static_cast<int>(flags);
  }
}

struct Row {
  S own;
  // By segment: SYN of the initiator, of the responder, SYN+ACK, ACK, FIN, RST; nothing: the packet
  // dies. The peer is in the handshake.
  std::optional<S> next[6];
};

TEST(TcpTable, MovesTheSendersHalf) {
  const Row rows[] = {
      {S::kIdle, {S::kSynSent, S::kSynSent, S::kSynAckSent, S::kIdle, {}, S::kReset}},
      {S::kSynSent, {S::kSynSent, S::kSynSent, S::kSynAckSent, S::kOpen, S::kFinSent, S::kReset}},
      {S::kSynAckSent, {S::kSynAckSent, {}, S::kSynAckSent, S::kOpen, S::kFinSent, S::kReset}},
      {S::kOpen, {S::kOpen, {}, S::kOpen, S::kOpen, S::kFinSent, S::kReset}},
      {S::kFinSent, {S::kFinSent, {}, S::kFinSent, S::kFinSent, S::kFinSent, S::kReset}},
      {S::kReset, {{}, {}, {}, S::kOpen, S::kFinSent, S::kReset}},
  };
  const std::pair<TcpSegment, bool> columns[] = {
      {TcpSegment::kSyn, true},  {TcpSegment::kSyn, false}, {TcpSegment::kSynAck, false},
      {TcpSegment::kAck, false}, {TcpSegment::kFin, false}, {TcpSegment::kRst, false}};
  for (const Row& row : rows) {
    for (size_t column = 0; column < std::size(columns); ++column) {
      const auto& [segment, by_initiator] = columns[column];
      EXPECT_EQ(NextHalfState(row.own, S::kSynSent, segment, by_initiator), row.next[column])
          << "half state " << static_cast<int>(row.own) << ", column " << column;
      if (segment == TcpSegment::kSyn) continue;
      EXPECT_EQ(NextHalfState(row.own, S::kSynSent, segment, true), row.next[column])
          << "only a SYN's meaning depends on who opened the connection";
    }
  }
}

TEST(TcpTable, NobodyGoesOnBeforeTheOtherSideAnswered) {
  for (const S own : {S::kIdle, S::kSynSent}) {
    EXPECT_EQ(NextHalfState(own, S::kIdle, TcpSegment::kAck, true), std::nullopt);
    EXPECT_EQ(NextHalfState(own, S::kIdle, TcpSegment::kFin, true), std::nullopt);
    EXPECT_EQ(NextHalfState(own, S::kIdle, TcpSegment::kSynAck, true), std::nullopt);
    EXPECT_EQ(NextHalfState(own, S::kIdle, TcpSegment::kSyn, true), S::kSynSent);
    EXPECT_EQ(NextHalfState(own, S::kIdle, TcpSegment::kRst, true), S::kReset);
  }
  EXPECT_EQ(NextHalfState(S::kIdle, S::kIdle, TcpSegment::kInvalid, true), std::nullopt);
}

// What the responder opens must be judged as its own connection.
TEST(TcpTable, TheRespondersSynBelongsToAHandshakeOnly) {
  for (unsigned own = 0; own < kHalfStates; ++own) {
    for (const S peer : {S::kIdle, S::kOpen, S::kFinSent, S::kReset}) {
      EXPECT_EQ(NextHalfState(static_cast<S>(own), peer, TcpSegment::kSyn, false), std::nullopt);
    }
  }
}

TEST(ConnectionStates, FollowFromBothHalves) {
  struct Case {
    S initiator, responder;
    ConnectionState state;
  };
  const Case cases[] = {
      {S::kSynSent, S::kIdle, ConnectionState::kSynSent},
      {S::kSynSent, S::kSynAckSent, ConnectionState::kSynReceived},
      {S::kOpen, S::kSynAckSent, ConnectionState::kEstablished},
      {S::kOpen, S::kOpen, ConnectionState::kEstablished},
      {S::kFinSent, S::kOpen, ConnectionState::kClosing},
      {S::kOpen, S::kFinSent, ConnectionState::kClosing},
      {S::kFinSent, S::kFinSent, ConnectionState::kTimeWait},
      {S::kReset, S::kOpen, ConnectionState::kReset},
      {S::kSynSent, S::kReset, ConnectionState::kReset},
  };
  for (const bool initiator_is_b : {false, true}) {
    for (const Case& c : cases) {
      Connection connection;
      connection.key.protocol = IPPROTO_TCP;
      connection.initiator_is_b = initiator_is_b;
      connection.Sent(initiator_is_b).state = c.initiator;
      connection.Sent(!initiator_is_b).state = c.responder;
      EXPECT_STREQ(ConnectionStateName(StateOf(connection)), ConnectionStateName(c.state));
    }
  }
  Connection udp;
  udp.key.protocol = IPPROTO_UDP;
  udp.Sent(false).state = S::kOpen;
  EXPECT_EQ(StateOf(udp), ConnectionState::kUnreplied);
  udp.Sent(true).state = S::kOpen;
  EXPECT_EQ(StateOf(udp), ConnectionState::kReplied);
}

// From every pair of half states, two resets lead to the end: no connection lives for ever.
TEST(ConnectionStates, EveryStateReachesAnEnd) {
  for (unsigned own = 0; own < kHalfStates; ++own) {
    for (unsigned peer = 0; peer < kHalfStates; ++peer) {
      EXPECT_EQ(NextHalfState(static_cast<S>(own), static_cast<S>(peer), TcpSegment::kRst, true),
                S::kReset);
    }
  }
}

}  // namespace
}  // namespace sluice::dataplane
