// SCTP associations: every cell of the table (dataplane/sctp_state.cc), tags, restarts, bounds.
//
// A packet is written: sender, verification tag, then its chunks, INIT and INIT_ACK with =TAG; last
// !DROP_REASON if it dies. "a 0 INIT=11; b 11 INIT_ACK=22; a 22 COOKIE_ECHO DATA; b 11 COOKIE_ACK"
#include <gtest/gtest.h>
#include <netinet/in.h>

#include <map>
#include <set>
#include <sstream>

#include "tests/support/testbed.h"

namespace sluice::test {
namespace {

using dataplane::Connection;
using dataplane::DropReason;
using S = dataplane::HalfState;

const std::map<std::string, uint8_t> kTypes = {
    {"DATA", 0},         {"INIT", 1},          {"INIT_ACK", 2},    {"SACK", 3},
    {"HEARTBEAT", 4},    {"HEARTBEAT_ACK", 5}, {"ABORT", 6},       {"SHUTDOWN", 7},
    {"SHUTDOWN_ACK", 8}, {"COOKIE_ECHO", 10},  {"COOKIE_ACK", 11}, {"SHUTDOWN_COMPLETE", 14}};

void Put32(std::string& out, uint32_t value) {
  for (const int shift : {24, 16, 8, 0}) out.push_back(static_cast<char>(value >> shift));
}

// NAME, NAME=INIT_TAG or NAME/T (the reflected tag's flag).
std::string Chunk(const std::string& word) {
  const std::string name = word.substr(0, word.find_first_of("=/"));
  const bool init = word.find('=') != std::string::npos;
  std::string chunk = {static_cast<char>(kTypes.at(name)), word.ends_with("/T") ? '\1' : '\0', 0,
                       static_cast<char>(init ? 20 : 8)};
  Put32(chunk, init ? static_cast<uint32_t>(std::stoul(word.substr(word.find('=') + 1))) : 0);
  chunk.resize(init ? 20 : 8);
  return chunk;
}

std::string Segment(uint16_t from, uint16_t to, uint32_t tag, const std::string& chunks) {
  std::string segment;
  Put32(segment, uint32_t{from} << 16 | to);
  Put32(segment, tag);
  Put32(segment, 0);
  return segment + chunks;
}

class Association {
 public:
  explicit Association(Testbed& bed) : bed_(bed) {}

  void Play(const std::string& packets) {
    std::istringstream lines(packets);
    for (std::string packet; std::getline(lines, packet, ';');) {
      std::istringstream words(packet);
      char from = 'a';
      uint32_t tag = 0;
      words >> from >> tag;
      std::string chunks, expected = "none";
      for (std::string word; words >> word;) {
        if (word[0] == '!') {
          expected = word.substr(1);
        } else {
          chunks += Chunk(word);
        }
      }
      EXPECT_EQ(DropReasonName(bed_.LastDrop(from, Packet(from, tag, chunks))), expected)
          << packet << " in: " << packets;
    }
  }
  static Bytes Packet(char from, uint32_t tag, const std::string& chunks) {
    const bool by_a = from == 'a';
    return Testbed::From(from, by_a ? 'b' : 'a')
        .Protocol(IPPROTO_SCTP, Segment(by_a ? 1000 : 3868, by_a ? 3868 : 1000, tag, chunks))
        .bytes();
  }
  S HalfOf(char side) const {
    S state = S::kIdle;
    bed_.table().Visit([&](const Connection& connection) {
      const bool a_is_b = connection.key.b.port == 1000;
      state = connection.Sent(side == 'a' ? a_is_b : !a_is_b).state;
      return true;
    });
    return state;
  }
  std::string State() const {
    std::string name = "none";
    bed_.table().Visit([&](const Connection& connection) {
      name = ConnectionStateName(StateOf(connection));
      return true;
    });
    return name;
  }

 private:
  Testbed& bed_;
};

const std::string kInit = "a 0 INIT=11";
const std::string kInitAck = kInit + "; b 11 INIT_ACK=22";
const std::string kEcho = kInitAck + "; a 22 COOKIE_ECHO DATA";
const std::string kUp = kEcho + "; b 11 COOKIE_ACK SACK";
const std::string kBoth = kInit + "; b 0 INIT=22";
const std::string kShutA = kUp + "; a 22 SHUTDOWN";
const std::string kShutB = kUp + "; b 11 SHUTDOWN";
const std::string kAckA = kShutB + "; a 22 SHUTDOWN_ACK";
const std::string kAckB = kShutA + "; b 11 SHUTDOWN_ACK";
const std::string kDoneA = kAckB + "; a 22 SHUTDOWN_COMPLETE";
const std::string kAbortedA = kUp + "; a 22 ABORT";
const std::string kAbortedB = kUp + "; b 11 ABORT";
const std::string kPath = "a 77 HEARTBEAT";
const std::string kPathB = kPath + "; b 88 HEARTBEAT_ACK";

struct Cell {
  S own;
  std::string before, packet;
  S next;
};

const Cell kCells[] = {
    {S::kIdle, "", "a 0 INIT=11", S::kInitSent},
    {S::kIdle, kInit, "b 11 INIT_ACK=22", S::kInitAckSent},
    {S::kIdle, kInit, "b 11 COOKIE_ECHO !sctp_state", S::kIdle},
    {S::kIdle, kInit, "b 11 COOKIE_ACK !sctp_state", S::kIdle},
    {S::kIdle, kInit, "b 11 SHUTDOWN !sctp_state", S::kIdle},
    {S::kIdle, kInit, "b 11 SHUTDOWN_ACK !sctp_state", S::kIdle},
    {S::kIdle, kInit, "b 11 SHUTDOWN_COMPLETE !sctp_state", S::kIdle},
    {S::kIdle, kInit, "b 11 ABORT", S::kReset},
    {S::kIdle, kPath, "b 88 HEARTBEAT_ACK", S::kHeartbeatSent},
    {S::kIdle, kInit, "b 11 DATA !sctp_state", S::kIdle},

    {S::kInitSent, kInit, "a 0 INIT=11", S::kInitSent},
    {S::kInitSent, kBoth, "a 22 INIT_ACK=11", S::kInitAckSent},
    {S::kInitSent, kInitAck, "a 22 COOKIE_ECHO", S::kCookieEchoSent},
    {S::kInitSent, kInitAck, "a 22 COOKIE_ACK !sctp_state", S::kInitSent},
    {S::kInitSent, kInitAck, "a 22 SHUTDOWN !sctp_state", S::kInitSent},
    {S::kInitSent, kInitAck, "a 22 SHUTDOWN_ACK !sctp_state", S::kInitSent},
    {S::kInitSent, kInitAck, "a 22 SHUTDOWN_COMPLETE !sctp_state", S::kInitSent},
    {S::kInitSent, kInitAck, "a 22 ABORT", S::kReset},
    {S::kInitSent, kInitAck, "a 22 HEARTBEAT !sctp_state", S::kInitSent},
    {S::kInitSent, kInitAck, "a 22 DATA !sctp_state", S::kInitSent},

    {S::kInitAckSent, kBoth + "; b 11 INIT_ACK=22", "b 0 INIT=22", S::kInitAckSent},
    {S::kInitAckSent, kInitAck, "b 11 INIT_ACK=22", S::kInitAckSent},
    {S::kInitAckSent, kBoth + "; a 22 INIT_ACK=11; b 11 INIT_ACK=22", "b 11 COOKIE_ECHO",
     S::kCookieEchoSent},
    {S::kInitAckSent, kEcho, "b 11 COOKIE_ACK", S::kOpen},
    {S::kInitAckSent, kEcho, "b 11 SHUTDOWN !sctp_state", S::kInitAckSent},
    {S::kInitAckSent, kEcho, "b 11 SHUTDOWN_ACK !sctp_state", S::kInitAckSent},
    {S::kInitAckSent, kEcho, "b 11 SHUTDOWN_COMPLETE !sctp_state", S::kInitAckSent},
    {S::kInitAckSent, kEcho, "b 11 ABORT", S::kReset},
    {S::kInitAckSent, kInitAck, "b 11 HEARTBEAT", S::kInitAckSent},
    {S::kInitAckSent, kEcho, "b 11 DATA !sctp_state", S::kInitAckSent},

    {S::kCookieEchoSent, kUp, "a 0 INIT=33", S::kCookieEchoSent},
    {S::kCookieEchoSent, kBoth + "; b 11 INIT_ACK=22; a 22 COOKIE_ECHO", "a 22 INIT_ACK=11",
     S::kCookieEchoSent},
    {S::kCookieEchoSent, kEcho, "a 22 COOKIE_ECHO", S::kCookieEchoSent},
    {S::kCookieEchoSent, kBoth + "; b 11 INIT_ACK=22; a 22 COOKIE_ECHO; b 11 COOKIE_ECHO",
     "a 22 COOKIE_ACK", S::kOpen},
    {S::kCookieEchoSent, kUp, "a 22 SHUTDOWN", S::kShutdownSent},
    {S::kCookieEchoSent, kShutB, "a 22 SHUTDOWN_ACK", S::kShutdownAckSent},
    {S::kCookieEchoSent, kUp, "a 22 SHUTDOWN_COMPLETE !sctp_state", S::kCookieEchoSent},
    {S::kCookieEchoSent, kUp, "a 22 ABORT", S::kReset},
    {S::kCookieEchoSent, kUp, "a 22 HEARTBEAT", S::kCookieEchoSent},
    {S::kCookieEchoSent, kUp, "a 22 DATA SACK", S::kCookieEchoSent},

    {S::kOpen, kUp, "b 0 INIT=33 !sctp_state", S::kOpen},
    {S::kOpen, kUp + "; a 0 INIT=33", "b 33 INIT_ACK=44", S::kOpen},
    {S::kOpen, kUp, "b 11 COOKIE_ECHO", S::kOpen},
    {S::kOpen, kUp, "b 11 COOKIE_ACK", S::kOpen},
    {S::kOpen, kUp, "b 11 SHUTDOWN", S::kShutdownSent},
    {S::kOpen, kShutA, "b 11 SHUTDOWN_ACK", S::kShutdownAckSent},
    {S::kOpen, kUp, "b 11 SHUTDOWN_COMPLETE !sctp_state", S::kOpen},
    {S::kOpen, kUp, "b 11 ABORT", S::kReset},
    {S::kOpen, kUp, "b 11 HEARTBEAT_ACK", S::kOpen},
    {S::kOpen, kUp, "b 11 DATA", S::kOpen},

    {S::kShutdownSent, kShutA, "a 0 INIT=33", S::kShutdownSent},
    {S::kShutdownSent, kShutB + "; a 0 INIT=33", "b 33 INIT_ACK=44 !sctp_state", S::kShutdownSent},
    {S::kShutdownSent, kShutA, "a 22 COOKIE_ECHO !sctp_state", S::kShutdownSent},
    {S::kShutdownSent, kShutA, "a 22 COOKIE_ACK !sctp_state", S::kShutdownSent},
    {S::kShutdownSent, kShutA, "a 22 SHUTDOWN", S::kShutdownSent},
    {S::kShutdownSent, kShutA + "; b 11 SHUTDOWN", "a 22 SHUTDOWN_ACK", S::kShutdownAckSent},
    {S::kShutdownSent, kAckB, "a 22 SHUTDOWN_COMPLETE", S::kShutdownCompleteSent},
    {S::kShutdownSent, kShutA, "a 22 ABORT", S::kReset},
    {S::kShutdownSent, kShutA, "a 22 HEARTBEAT", S::kShutdownSent},
    {S::kShutdownSent, kShutA, "a 22 SACK", S::kShutdownSent},

    {S::kShutdownAckSent, kAckA, "a 0 INIT=33", S::kShutdownAckSent},
    {S::kShutdownAckSent, kAckB + "; a 0 INIT=33", "b 33 INIT_ACK=44 !sctp_state",
     S::kShutdownAckSent},
    {S::kShutdownAckSent, kAckA, "a 22 COOKIE_ECHO !sctp_state", S::kShutdownAckSent},
    {S::kShutdownAckSent, kAckA, "a 22 COOKIE_ACK !sctp_state", S::kShutdownAckSent},
    {S::kShutdownAckSent, kAckA, "a 22 SHUTDOWN !sctp_state", S::kShutdownAckSent},
    {S::kShutdownAckSent, kAckA, "a 22 SHUTDOWN_ACK", S::kShutdownAckSent},
    {S::kShutdownAckSent, kAckA + "; b 11 SHUTDOWN_ACK", "a 22 SHUTDOWN_COMPLETE",
     S::kShutdownCompleteSent},
    {S::kShutdownAckSent, kAckA, "a 22 ABORT", S::kReset},
    {S::kShutdownAckSent, kAckA, "a 22 HEARTBEAT", S::kShutdownAckSent},
    {S::kShutdownAckSent, kAckA, "a 22 DATA !sctp_state", S::kShutdownAckSent},

    {S::kShutdownCompleteSent, kDoneA, "a 0 INIT=33", S::kInitSent},  // starts over
    {S::kShutdownCompleteSent, kDoneA, "a 22 INIT_ACK=33 !sctp_state", S::kShutdownCompleteSent},
    {S::kShutdownCompleteSent, kDoneA, "a 22 COOKIE_ECHO !sctp_state", S::kShutdownCompleteSent},
    {S::kShutdownCompleteSent, kDoneA, "a 22 COOKIE_ACK !sctp_state", S::kShutdownCompleteSent},
    {S::kShutdownCompleteSent, kDoneA, "a 22 SHUTDOWN !sctp_state", S::kShutdownCompleteSent},
    {S::kShutdownCompleteSent, kDoneA, "a 22 SHUTDOWN_ACK !sctp_state", S::kShutdownCompleteSent},
    {S::kShutdownCompleteSent, kDoneA, "a 11 SHUTDOWN_COMPLETE/T", S::kShutdownCompleteSent},
    {S::kShutdownCompleteSent, kDoneA, "a 22 ABORT", S::kReset},
    {S::kShutdownCompleteSent, kDoneA, "a 22 HEARTBEAT !sctp_state", S::kShutdownCompleteSent},
    {S::kShutdownCompleteSent, kDoneA, "a 22 DATA !sctp_state", S::kShutdownCompleteSent},

    {S::kReset, kAbortedB, "b 0 INIT=33", S::kInitSent},  // starts over
    {S::kReset, kAbortedB, "b 11 INIT_ACK=33 !sctp_state", S::kReset},
    {S::kReset, kAbortedA, "a 22 COOKIE_ECHO !sctp_state", S::kReset},
    {S::kReset, kAbortedA, "a 22 COOKIE_ACK !sctp_state", S::kReset},
    {S::kReset, kAbortedA, "a 22 SHUTDOWN !sctp_state", S::kReset},
    {S::kReset, kAbortedA, "a 22 SHUTDOWN_ACK !sctp_state", S::kReset},
    {S::kReset, kAbortedA, "a 22 SHUTDOWN_COMPLETE !sctp_state", S::kReset},
    {S::kReset, kAbortedA, "a 11 ABORT/T", S::kReset},
    {S::kReset, kAbortedA, "a 22 HEARTBEAT !sctp_state", S::kReset},
    {S::kReset, kAbortedA, "a 22 DATA !sctp_state", S::kReset},

    {S::kHeartbeatSent, kPathB, "a 0 INIT=11", S::kInitSent},
    {S::kHeartbeatSent, kPathB + "; a 0 INIT=11", "b 11 INIT_ACK=22", S::kInitAckSent},
    {S::kHeartbeatSent, kPathB, "a 77 COOKIE_ECHO !sctp_state", S::kHeartbeatSent},
    {S::kHeartbeatSent, kPathB, "a 77 COOKIE_ACK !sctp_state", S::kHeartbeatSent},
    {S::kHeartbeatSent, kPathB, "a 77 SHUTDOWN", S::kShutdownSent},
    {S::kHeartbeatSent, kPathB + "; b 88 SHUTDOWN", "a 77 SHUTDOWN_ACK", S::kShutdownAckSent},
    {S::kHeartbeatSent, kPathB, "a 77 SHUTDOWN_COMPLETE !sctp_state", S::kHeartbeatSent},
    {S::kHeartbeatSent, kPathB, "a 77 ABORT", S::kReset},
    {S::kHeartbeatSent, kPathB, "a 77 HEARTBEAT", S::kHeartbeatSent},
    {S::kHeartbeatSent, kPathB, "a 77 DATA", S::kOpen},
};

TEST(SctpTable, EveryCellHoldsForPackets) {
  std::set<std::pair<S, std::string>> seen;
  for (const Cell& cell : kCells) {
    SCOPED_TRACE("after: " + cell.before + " packet: " + cell.packet);
    Testbed bed;
    Association association(bed);
    association.Play(cell.before);
    const char sender = cell.packet[0];
    EXPECT_EQ(association.HalfOf(sender), cell.own);
    association.Play(cell.packet);
    EXPECT_EQ(association.HalfOf(sender), cell.next);
    std::istringstream words(cell.packet);
    std::string chunk;
    words >> chunk >> chunk >> chunk;
    chunk = chunk.substr(0, chunk.find_first_of("=/"));
    if (chunk == "HEARTBEAT_ACK") chunk = "HEARTBEAT";
    if (chunk == "SACK") chunk = "DATA";
    seen.insert({cell.own, chunk});
  }
  EXPECT_EQ(seen.size(), size_t{10} * 10) << "a cell has no fixture";
}

TEST(SctpTable, FromEveryCellAnAssociationIsAbortedAndAgesOut) {
  for (const Cell& cell : kCells) {
    SCOPED_TRACE("after: " + cell.before + " packet: " + cell.packet);
    Testbed bed;
    Association association(bed);
    association.Play(cell.before + (cell.before.empty() ? "" : ";") + cell.packet);
    ASSERT_EQ(bed.connections(), 1u);
    bed.Advance(TimeoutMs(dataplane::ConnectionState::kSctpEstablished) + 1);
    for (int turn = 0; turn < 100 && bed.connections() > 0; ++turn) {
      bed.Advance(100);
      bed.Turn();
    }
    EXPECT_EQ(bed.connections(), 0u);
  }
}

TEST(Sctp, AnAssociationOpensCarriesDataAndShutsDown) {
  Testbed bed;
  acl::NetworkPolicy diameter = Isolate("diameter", "b", {"Ingress", "Egress"});
  diameter.ingress = {Admit("a", "SCTP", 3868)};
  bed.Apply({diameter});
  Association association(bed);
  association.Play("b 0 INIT=22 !policy_egress");
  association.Play(kInit);
  EXPECT_EQ(association.State(), "sctp_opening");
  association.Play("b 11 INIT_ACK=22; a 22 COOKIE_ECHO DATA; b 11 COOKIE_ACK SACK DATA");
  EXPECT_EQ(association.State(), "sctp_established");
  association.Play("a 22 SACK; b 11 HEARTBEAT; a 22 HEARTBEAT_ACK; a 22 SHUTDOWN");
  EXPECT_EQ(association.State(), "sctp_closing");
  association.Play("b 11 SHUTDOWN_ACK; a 22 SHUTDOWN_COMPLETE");
  EXPECT_EQ(association.State(), "sctp_closed");
  association.Play("b 0 INIT=99 !policy_egress; a 0 INIT=33; b 33 INIT_ACK=44");
}

TEST(Sctp, PacketsCarryTheTagThatTheirReceiverChose) {
  Testbed bed;
  Association association(bed);
  association.Play("a 5 INIT=11 !sctp_tag");
  association.Play(kInit + "; b 12 INIT_ACK=22 !sctp_tag; b 12 ABORT !sctp_tag; b 11 INIT_ACK=22");
  association.Play("a 23 COOKIE_ECHO !sctp_tag; a 22 COOKIE_ECHO; b 22 COOKIE_ACK !sctp_tag");
  association.Play("b 11 COOKIE_ACK; a 11 DATA !sctp_tag; b 22 DATA !sctp_tag; a 0 DATA !sctp_tag");
  association.Play("a 11 ABORT !sctp_tag; b 22 ABORT/T");
  EXPECT_EQ(association.State(), "sctp_closed");
}

TEST(Sctp, ARestartMovesNothingUntilItsCookieIsEchoed) {
  Testbed bed;
  Association association(bed);
  association.Play(kUp + "; a 0 INIT=33; a 22 DATA; b 11 DATA; b 33 INIT_ACK=44; b 11 DATA");
  association.Play("a 44 COOKIE_ECHO; b 33 COOKIE_ACK; a 44 DATA; b 33 DATA");
  association.Play("a 22 DATA !sctp_tag; b 11 DATA !sctp_tag");
  EXPECT_EQ(association.State(), "sctp_established");
}

TEST(Sctp, OnlyInitAndHeartbeatOpen) {
  for (const char* chunk : {"DATA", "COOKIE_ECHO", "ABORT", "SHUTDOWN_ACK", "INIT_ACK=5"}) {
    Testbed bed;
    Association(bed).Play(std::string("a 7 ") + chunk + " !sctp_no_init");
    EXPECT_EQ(bed.connections(), 0u);
  }
}

TEST(Sctp, ChunksAreReadWithinBounds) {
  const std::string init = Chunk("INIT=11");
  const auto outcome = [](const std::string& chunks, uint32_t tag = 0) {
    Testbed bed;
    return bed.LastDrop('a', Association::Packet('a', tag, chunks));
  };
  for (size_t length = 0; length < init.size(); ++length) {
    EXPECT_EQ(outcome(init.substr(0, length)), DropReason::kSctpMalformed) << length;
  }
  EXPECT_EQ(outcome(init), DropReason::kNone);
  EXPECT_EQ(outcome(init + Chunk("DATA")), DropReason::kSctpMalformed) << "INIT is alone";
  EXPECT_EQ(outcome(Chunk("DATA") + init), DropReason::kSctpNoInit);
  EXPECT_EQ(outcome(Chunk("INIT=0")), DropReason::kSctpMalformed);
  EXPECT_EQ(outcome(std::string("\4\0\0\0", 4), 7), DropReason::kSctpMalformed) << "length 0";
  EXPECT_EQ(outcome(std::string("\4\0\0\5\0", 5), 7), DropReason::kNone) << "without padding";
  EXPECT_EQ(outcome(Chunk("HEARTBEAT") + Chunk("COOKIE_ECHO"), 7), DropReason::kSctpMalformed)
      << "a cookie comes first";
}

TEST(Sctp, ChunksMayLieInTheSecondBuffer) {
  Testbed bed;
  Association association(bed);
  association.Play(kUp);
  const Bytes abort = Association::Packet('a', 22, Chunk("DATA") + Chunk("SACK") + Chunk("ABORT"));
  bed.SendSegments('a', abort, 14 + 20 + 12 + 9);
  bed.Turn();
  EXPECT_EQ(association.State(), "sctp_closed");
}

}  // namespace
}  // namespace sluice::test
