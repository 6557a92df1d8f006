// Every cell of the TCP table (dataplane/tcp_state.cc): how the half comes there, the packet, and
// what becomes of both.
#include <gtest/gtest.h>

#include <set>

#include "tests/support/conversation.h"

namespace sluice::test {
namespace {

using S = dataplane::HalfState;

const std::string kSyn = "a S 100 0";
const std::string kSynAck = kSyn + "; b SA 500 101";
const std::string kAck = kSynAck + "; a A 101 501";
const std::string kOpen = kAck + "; b A 501 101";
const std::string kBothSyn = kSyn + "; b S 500 0";
const std::string kClosedByA = kOpen + "; a FA 101 501";
const std::string kClosedByB = kOpen + "; b FA 501 101";
const std::string kResetByA = kOpen + "; a R 101 0";
const std::string kResetByB = kOpen + "; b R 501 0";

struct Cell {
  S own;
  const char* column;
  std::string before;
  std::string packet;  // !reason: it dies
  S next;
};

const Cell kCells[] = {
    {S::kIdle, "SYN, initiator", "", "a S 100 0", S::kSynSent},
    {S::kIdle, "SYN, responder", kSyn, "b S 500 0", S::kSynSent},
    {S::kIdle, "SYN+ACK", kSyn, "b SA 500 101", S::kSynAckSent},
    {S::kIdle, "ACK", kSyn, "b A 900 40", S::kIdle},
    {S::kIdle, "FIN", kSyn, "b FA 500 101 !tcp_state", S::kIdle},
    {S::kIdle, "RST", kSyn, "b RA 0 101", S::kReset},

    {S::kSynSent, "SYN, initiator", kSyn, "a S 100 0", S::kSynSent},
    {S::kSynSent, "SYN, responder", kBothSyn, "b S 500 0", S::kSynSent},
    {S::kSynSent, "SYN+ACK", kBothSyn, "a SA 100 501", S::kSynAckSent},
    {S::kSynSent, "ACK", kSynAck, "a A 101 501", S::kOpen},
    {S::kSynSent, "FIN", kSynAck, "a FA 101 501", S::kFinSent},
    {S::kSynSent, "RST", kSynAck, "a R 101 0", S::kReset},

    {S::kSynAckSent, "SYN, initiator", kBothSyn + "; a SA 100 501", "a S 100 0", S::kSynAckSent},
    {S::kSynAckSent, "SYN, responder", kSynAck, "b S 500 0 !tcp_state", S::kSynAckSent},
    {S::kSynAckSent, "SYN+ACK", kSynAck, "b SA 500 101", S::kSynAckSent},
    {S::kSynAckSent, "ACK", kAck, "b A 501 101", S::kOpen},
    {S::kSynAckSent, "FIN", kAck, "b FA 501 101", S::kFinSent},
    {S::kSynAckSent, "RST", kAck, "b R 501 0", S::kReset},

    {S::kOpen, "SYN, initiator", kOpen, "a S 9000 0", S::kOpen},
    {S::kOpen, "SYN, responder", kOpen, "b S 9000 0 !tcp_state", S::kOpen},
    {S::kOpen, "SYN+ACK", kOpen, "b SA 500 101", S::kOpen},
    {S::kOpen, "ACK", kOpen, "a A 101 501 +10", S::kOpen},
    {S::kOpen, "FIN", kOpen, "a FA 101 501", S::kFinSent},
    {S::kOpen, "RST", kOpen, "a R 101 0", S::kReset},

    {S::kFinSent, "SYN, initiator", kClosedByA, "a S 9000 0", S::kFinSent},
    {S::kFinSent, "SYN, responder", kClosedByB, "b S 9000 0 !tcp_state", S::kFinSent},
    {S::kFinSent, "SYN+ACK", kClosedByB, "b SA 500 101", S::kFinSent},
    {S::kFinSent, "ACK", kClosedByA, "a A 102 501", S::kFinSent},
    {S::kFinSent, "FIN", kClosedByA, "a FA 101 501", S::kFinSent},
    {S::kFinSent, "RST", kClosedByA, "a R 102 0", S::kReset},

    {S::kReset, "SYN, initiator", kResetByA, "a S 9000 0", S::kSynSent},
    {S::kReset, "SYN, responder", kResetByB, "b S 9000 0", S::kSynSent},
    {S::kReset, "SYN+ACK", kResetByB, "b SA 500 101 !tcp_state", S::kReset},
    {S::kReset, "ACK", kResetByA, "a A 101 501", S::kOpen},
    {S::kReset, "FIN", kResetByA, "a FA 101 501", S::kFinSent},
    {S::kReset, "RST", kResetByA, "a R 101 0", S::kReset},
};

TEST(TcpTable, EveryCellHoldsForPackets) {
  std::set<std::pair<S, std::string>> seen;
  for (const Cell& cell : kCells) {
    SCOPED_TRACE(std::string(cell.column) + " after: " + cell.before);
    Testbed bed;
    Conversation talk(bed);
    talk.Play(cell.before);
    const char sender = cell.packet[0];
    EXPECT_EQ(talk.HalfOf(sender), cell.own);
    talk.Play(cell.packet);
    EXPECT_EQ(talk.HalfOf(sender), cell.next);
    seen.insert({cell.own, cell.column});
  }
  EXPECT_EQ(seen.size(), size_t{6} * dataplane::kHalfStates) << "a cell has no fixture";
}

// The responder's SYN in a cell above starts over: it is judged, and by its own egress.
TEST(TcpTable, ASynOnAConnectionThatIsOverIsJudgedAnew) {
  for (const std::string& over : {kResetByB, kClosedByA + "; b FA 501 102; a A 102 502"}) {
    Testbed bed;
    acl::NetworkPolicy web = Isolate("web", "b", {"Ingress", "Egress"});
    web.ingress = {Admit("a", "TCP", 80)};
    bed.Apply({web});
    Conversation talk(bed);
    talk.Play(over);
    talk.Play("b S 9000 0 !policy_egress");
    talk.Play("a S 9000 0; b SA 9000 9001; a A 9001 9001");
    EXPECT_EQ(talk.State(), "established");
  }
}

TEST(TcpTable, SimultaneousOpenIsEstablished) {
  Testbed bed;
  Conversation talk(bed);
  talk.Play(kBothSyn + "; a SA 100 501; b SA 500 101; a A 101 501 +5; b A 501 106 +5; a A 106 506");
  EXPECT_EQ(talk.State(), "established");
}

// Whatever two sides have said, two resets and some time later nothing is left.
TEST(TcpTable, FromEveryCellAConnectionIsOverAndAgesOut) {
  for (const Cell& cell : kCells) {
    SCOPED_TRACE(std::string(cell.column) + " after: " + cell.before);
    Testbed bed;
    Conversation talk(bed);
    talk.Play(cell.before + (cell.before.empty() ? "" : ";") + cell.packet);
    ASSERT_EQ(bed.connections(), 1u);
    bed.Advance(dataplane::TimeoutMs(dataplane::ConnectionState::kEstablished) + 1);
    for (int turn = 0; turn < 100 && bed.connections() > 0; ++turn) {
      bed.Advance(100);
      bed.Turn();
    }
    EXPECT_EQ(bed.connections(), 0u);
  }
}

}  // namespace
}  // namespace sluice::test
