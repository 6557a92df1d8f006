// Sequence windows (dataplane/tcp_window.h): what fits passes, what does not dies as tcp_window.
// Each story is told at several initial sequence numbers, also across the wrap at 2^32.
#include <gtest/gtest.h>

#include "dataplane/tcp_options.h"
#include "tests/support/conversation.h"

namespace sluice::test {
namespace {

using dataplane::DropReason;

const std::string kHello = "a S 100 0; b SA 500 101; a A 101 501;";  // windows of 1000

struct Story {
  const char* what;
  std::string packets;
  const char* state;  // at the end
};

const Story kStories[] = {
    {"data up to the window passes, and starts no later", kHello + R"(
        a A 101 501 +1000; a A 1102 501 +10 !tcp_window; b A 501 1101; a A 1101 501 +1000)",
     "established"},
    {"the responder's window holds as well", kHello + R"(
        b A 501 101 +1000; b A 1502 101 +1 !tcp_window; b A 99999 101 +1 !tcp_window)",
     "established"},
    {"old data dies beyond the largest window below", kHello + R"(
        a A 101 501 +1000; b A 501 1101; a A 1101 501 +1000; b A 501 2101;
        a A 1101 501 +1000; a A 101 501 +990 !tcp_window)",
     "established"},
    {"a zero window stops data and lets probes pass", kHello + R"(
        a A 101 501 +1000; b A 501 1101 w=0; a A 1101 501 +1; a A 1102 501 +1 !tcp_window;
        a A 1100 501; b A 501 1101 w=500; a A 1101 501 +500)",
     "established"},
    {"a window that shrinks does not take back what it promised", kHello + R"(
        b A 501 101 w=10; a A 900 501 +100)",
     "established"},
    {"keep-alives pass, with and without an octet", kHello + R"(
        a A 101 501 +10; b A 501 111; a A 110 501; b A 501 111; a A 110 501 +1; b A 500 111;
        a A 111 501)",
     "established"},
    {"what was not sent cannot be acknowledged", kHello + R"(
        a A 101 501 +10; b A 501 112 !tcp_window; b A 501 111; a A 111 502 !tcp_window)",
     "established"},
    {"an ACK from long ago dies", kHello + R"(
        b A 501 101; a A 101 501; b A 4294901000 101 !tcp_window; a A 101 4294900000 !tcp_window;
        a A 101 400)",
     "established"},
    {"windows are scaled if both sides offered to", R"(
        a S 100 0 s=7; b SA 500 101 s=4; a A 101 501 w=10; b A 501 101 +1000 w=50;
        b A 1781 101 +10 w=50; b A 1782 101 +10 !tcp_window;
        a A 101 501 +1000; b A 1791 1101 w=100; a A 2701 501 +1; a A 2702 501 +1 !tcp_window)",
     "established"},
    {"a scale that only one side offered does not count", R"(
        a S 100 0 s=7; b SA 500 101; a A 101 501 w=10; b A 501 101 +1000;
        b A 1502 101 +10 !tcp_window)",
     "established"},
    {"the window of a SYN is not scaled", R"(
        a S 100 0 s=7; b SA 500 101 s=7 w=10; a A 101 501; a A 112 501 +10 !tcp_window;
        a A 101 501 +10)",
     "established"},
    {"a RST out of the window dies", kHello + R"(
        a R 1500 0 !tcp_window; b R 2000 0 !tcp_window; b RA 400 101 !tcp_window; b A 501 101)",
     "established"},
    {"a RST in the window but not at its edge passes, and ends nothing", kHello + R"(
        b R 700 0; a A 101 501; b A 501 101)",
     "established"},
    {"a RST at the edge ends the connection", kHello + "b R 501 0", "reset"},
    {"a RST after data that is under way ends it too", kHello + R"(
        b A 501 101 +300; b R 801 0)",
     "reset"},
    {"a RST that answers a SYN acknowledges it", R"(
        a S 100 0; b R 0 0 !tcp_window; b RA 0 100 !tcp_window; b RA 0 102 !tcp_window)",
     "syn_sent"},
    {"and then it ends the attempt", "a S 100 0; b RA 0 101", "reset"},
    {"a SYN+ACK must acknowledge the SYN", R"(
        a S 100 0; b SA 500 100 !tcp_window; b SA 500 102 !tcp_window; b SA 500 101)",
     "syn_received"},
    {"a SYN with data is acknowledged in part or in full", R"(
        a S 100 0 +20; b SA 500 101; a A 101 501 +20)",
     "established"},
    {"handshake packets are sent again", R"(
        a S 100 0; a S 100 0; b SA 500 101; a S 100 0; b SA 500 101; a A 101 501; b SA 500 101;
        a A 101 501; b A 501 101)",
     "established"},
    {"a new attempt before the peer answered counts from its own SYN", R"(
        a S 100 0; a S 7000 0; b SA 500 101 !tcp_window; b SA 500 7001; a A 7001 501)",
     "established"},
    {"a SYN+ACK sent again keeps its sequence number in a simultaneous open", R"(
        a S 100 0; b S 500 0; b SA 700 101 !tcp_window; b SA 500 101)",
     "syn_received"},
    {"the responder may not change its mind in a simultaneous open", R"(
        a S 100 0; b S 500 0; b S 700 0 !tcp_window)",
     "syn_received"},
    {"nobody acknowledges the handshake with data that is not his to send", R"(
        a S 100 0; b A 900 40 +5 !tcp_window)",
     "syn_sent"},
    {"a half-open peer challenges, is reset, and the SYN opens anew", R"(
        a S 100 0; b A 9000 77; a R 77 0; a S 100 0; b SA 500 101; a A 101 501)",
     "established"},
    {"a challenge lets only its own RST through", "a S 100 0; b A 9000 77; a R 78 0 !tcp_window",
     "syn_sent"},
    {"a client that crashed and comes back is challenged and resets", kHello + R"(
        b A 501 101; a S 9000 0; b A 501 101; a R 101 0; a S 9000 0; b SA 700 9001; a A 9001 701)",
     "established"},
    {"a SYN on a live connection moves no window", kHello + R"(
        b A 501 101; a S 90000 0; a A 90001 501 +10 !tcp_window; a A 101 501 +10)",
     "established"},
    {"a server that forgot the connection too answers SYN+ACK, and both begin again", kHello + R"(
        b A 501 101; a S 90000 0; b SA 70000 101 !tcp_window; b SA 70000 90001; b SA 70000 90001;
        a A 90001 70001 +10; b A 70001 90011; a A 101 501 +10 !tcp_window;
        b A 501 101 !tcp_window)",
     "established"},
    {"a server that forgot the connection and has no listener refuses", kHello + R"(
        b A 501 101; a S 90000 0; b RA 0 90001)",
     "reset"},
    {"FINs are sent again, and acknowledged", kHello + R"(
        a FA 101 501 +10; a FA 101 501 +10; b A 501 112; b FA 501 112; b FA 501 112; a A 112 502;
        a FA 101 501 +10; b A 502 113 !tcp_window; b A 502 112)",
     "time_wait"},
    {"time-wait: an old SYN moves nothing", kHello + R"(
        a FA 101 501; b FA 501 102; a A 102 502; a S 50 0; b A 502 102)",
     "time_wait"},
    {"time-wait: a newer SYN starts over", kHello + R"(
        a FA 101 501; b FA 501 102; a A 102 502; a S 102 0)",
     "syn_sent"},
    {"time-wait: the server takes an old SYN that its timestamp makes new", kHello + R"(
        a FA 101 501; b FA 501 102; a A 102 502; a S 50 0; b SA 9000 51; a A 51 9001)",
     "established"},
};

TEST(TcpWindow, StoriesHoldAtAnySequenceNumber) {
  const std::pair<uint32_t, uint32_t> bases[] = {
      {0, 0}, {0xffff'ff90, 0xffff'fe00}, {0xffff'f800, 5}, {0x7fff'ff00, 0xffff'f900}};
  for (const Story& story : kStories) {
    for (const auto& [base_a, base_b] : bases) {
      SCOPED_TRACE(story.what);
      Testbed bed;
      Conversation talk(bed, base_a, base_b);
      talk.Play(story.packets);
      EXPECT_EQ(talk.State(), story.state);
    }
  }
}

TEST(TcpWindow, LiberalLetsDataPassAndNotRst) {
  Testbed bed({.tracking = {.be_liberal = true}});
  Conversation talk(bed);
  talk.Play(kHello + "a A 90000 501 +10; b A 501 70000; b R 2000 0 !tcp_window");
  talk.Play("a A 101 501 +10; b R 501 0");
  EXPECT_EQ(talk.State(), "reset");
}

TEST(TcpWindow, WithoutPickUpAnAckOpensNothing) {
  Testbed bed;
  Conversation talk(bed);
  talk.Play("a A 101 501 +10 !tcp_not_syn");
  EXPECT_EQ(bed.connections(), 0u);
}

TEST(TcpWindow, PickUpLearnsAConnectionThatPolicyAllows) {
  Testbed bed({.tracking = {.tcp_pick_up = true}});
  acl::NetworkPolicy web = Isolate("web", "b", {"Ingress", "Egress"});
  web.ingress = {Admit("a", "TCP", 80)};
  bed.Apply({web});
  Conversation talk(bed);
  talk.Play("b A 501 101 +5 !policy_egress; a FA 101 501 !tcp_not_syn; a R 101 501 !tcp_not_syn");
  talk.Play("a A 101 501 +10");
  EXPECT_EQ(talk.State(), "syn_sent") << "not established before the other side is heard";
  talk.Play("a A 111 501 +10; b A 800 121 +5; a R 99 0 !tcp_window");
  EXPECT_EQ(talk.State(), "established");
  talk.Play("a FA 121 805; b FA 805 122; a A 122 806");
  EXPECT_EQ(talk.State(), "time_wait");
}

// Merged packets lie in several buffers; the length that counts is the IP packet's.
TEST(TcpWindow, TheWholeOfAPacketInTwoBuffersCounts) {
  Testbed bed;
  Conversation talk(bed);
  talk.Play("a S 100 0; b SA 500 101 w=60000; a A 101 501 w=60000");
  const Bytes large = Testbed::From('a', 'b')
                          .Seq(101, 501)
                          .Tcp(1000, 80, dataplane::kTcpAck, std::string(1400, 'x'))
                          .bytes();
  bed.SendSegments('a', large, 54);  // the headers alone, then the payload
  bed.SendSegments('a', large, 700);
  bed.Turn();
  EXPECT_EQ(bed.Received('b').size(), 2u);
  talk.Play("b A 501 1502 !tcp_window; b A 501 1501");
}

TEST(TcpWindow, OptionsOfASynAreReadWithinBounds) {
  const std::vector<std::vector<uint8_t>> options = {
      {3}, {3, 3}, {1, 1, 1, 3}, {3, 0, 0, 0}, {2, 1, 3, 3}, {8, 255, 0, 0}, {0, 3, 3, 9}};
  for (const auto& bytes : options) {
    EXPECT_EQ(dataplane::TcpWindowScale(bytes), dataplane::kNoTcpScale);
  }
  EXPECT_EQ(dataplane::TcpWindowScale(std::vector<uint8_t>{2, 4, 5, 180, 1, 3, 3, 7}), 7);
  EXPECT_EQ(dataplane::TcpWindowScale(std::vector<uint8_t>{3, 3, 15}), 14);
}

}  // namespace
}  // namespace sluice::test
