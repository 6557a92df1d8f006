// Random packets between four pods through parse, track and judge, and through the model: the same
// verdict and the same state for each.
//
// Conversations are random, but mostly know their numbers, so that they get deep: retransmissions,
// wrong sequences, half-open peers, reused ports, policy changes and ageing come in between.
#include <gtest/gtest.h>
#include <netinet/in.h>

#include <cstdlib>
#include <random>

#include "dataplane/journal.h"
#include "dataplane/judge.h"
#include "dataplane/parse.h"
#include "dataplane/track.h"
#include "tests/differential/tracker_model.h"
#include "tests/support/exact_mbuf.h"
#include "tests/support/seed.h"
#include "tests/support/testbed.h"

namespace sluice::test {
namespace {

using dataplane::Burst;
using dataplane::Connection;
using dataplane::Packet;
using dataplane::PortId;

const std::string kPods = "abcd";
constexpr unsigned kChunks = 20;  // each with a new table and other options

uint64_t PacketCount() {
  const char* given = std::getenv("SLUICE_PACKETS");
  return given != nullptr ? std::strtoull(given, nullptr, 0) : 1'000'000;
}

PortId IdOf(char pod) { return static_cast<PortId>(pod - 'a' + 1); }

Bytes FrameOf(const ModelPacket& packet) {
  Frame frame = Testbed::From(packet.from, packet.to);
  if (packet.protocol == "UDP") return frame.Udp(packet.source, packet.destination).bytes();
  if (packet.protocol == "GRE") return frame.Protocol(47, "gre!").bytes();
  if (packet.protocol == "ECHO") {
    const bool asks = packet.flags == "Q";
    return frame.Echo(asks, asks ? packet.source : packet.destination).bytes();
  }
  frame.Seq(packet.seq, packet.ack).Window(static_cast<uint16_t>(packet.window));
  if (packet.scale.has_value()) {
    frame.Options({1, 3, 3, static_cast<uint8_t>(*packet.scale)});
  }
  return frame
      .Tcp(packet.source, packet.destination, TcpFlags(packet.flags),
           std::string(packet.length, 'x'))
      .bytes();
}

// Both trackers, and the dice.
class Duel {
 public:
  Duel(uint32_t seed, const ModelOptions& options)
      : random_(seed),
        model_(options),
        bed_({.pods = kPods,
              .connections = 4096,
              .port_share = 100,
              .tracking = {.be_liberal = options.be_liberal, .tcp_pick_up = options.tcp_pick_up}}) {
  }

  // False after the first packet that the two do not agree on.
  bool Round() {
    if (Chance(2000)) ChangePolicies();
    if (Chance(500)) Wait(Pick({1'000, 12'000, 31'000, 61'000, 125'000}));
    Wait(random_() % 40);
    const ModelPacket packet = MakePacket();
    return Chance(50) ? CompareError(packet) : ComparePacket(packet);
  }
  const std::map<std::string, uint64_t>& outcomes() const { return outcomes_; }
  const std::map<std::string, uint64_t>& states() const { return states_; }

 private:
  bool Chance(unsigned one_in) { return random_() % one_in == 0; }
  uint32_t Pick(std::initializer_list<uint32_t> values) {
    return *(values.begin() + random_() % values.size());
  }

  void Wait(uint32_t ms) {
    now_ms_ += ms;
    model_.Advance(ms);
    if (ms < 500) return;
    model_.Age();
    for (int i = 0; i < 2; ++i) bed_.table().Age(0, now_ms_, 4096);
    EXPECT_EQ(bed_.connections(), model_.size());
  }

  void ChangePolicies() {
    std::vector<ModelPolicy> policies;
    std::vector<acl::NetworkPolicy> objects;
    while (!Chance(3)) {
      ModelPolicy policy{kPods[random_() % 4], Chance(2), {}};
      acl::NetworkPolicy object =
          Isolate("p" + std::to_string(policies.size()), std::string(1, policy.pod),
                  {policy.ingress ? "Ingress" : "Egress"});
      while (!Chance(4)) {
        const ModelPolicy::Rule rule{kPods[random_() % 4], Chance(3) ? "UDP" : "TCP",
                                     static_cast<uint16_t>(Pick({80, 81}))};
        policy.rules.push_back(rule);
        (policy.ingress ? object.ingress : object.egress)
            .push_back(Admit(std::string(1, rule.peer), rule.protocol, rule.port));
      }
      policies.push_back(policy);
      objects.push_back(object);
    }
    model_.SetPolicies(policies);
    bed_.Apply(objects);
  }

  ModelPacket MakePacket() {
    ModelPacket packet;
    packet.from = kPods[random_() % 4];
    do packet.to = kPods[random_() % 4];
    while (packet.to == packet.from);
    packet.protocol = Chance(10) ? "UDP" : Chance(20) ? "ECHO" : Chance(40) ? "GRE" : "TCP";
    if (packet.protocol == "GRE") return packet;
    if (packet.protocol == "ECHO") {
      packet.flags = Chance(2) ? "Q" : "R";
      (packet.flags == "Q" ? packet.source : packet.destination) =
          static_cast<uint16_t>(Pick({0, 1, 2}));
      return packet;
    }
    const bool to_server = Chance(2);
    const auto client = static_cast<uint16_t>(Pick({1000, 1001}));
    const auto server = static_cast<uint16_t>(Pick({80, 80, 81}));
    packet.source = to_server ? client : server;
    packet.destination = to_server ? server : client;
    if (packet.protocol == "TCP") MakeSegment(packet);
    return packet;
  }

  void MakeSegment(ModelPacket& packet) {
    const std::string state = model_.StateOf(packet);
    const bool opening = state == "none" || state == "time_wait" || state == "reset";
    static const std::vector<std::string> kOpening = {"S", "S", "S", "A", "SA", "R"};
    static const std::vector<std::string> kHandshake = {"S", "SA", "SA", "A", "A", "RA", "FA"};
    static const std::vector<std::string> kRunning = {"A", "A", "A",  "A",  "A", "A", "FA",
                                                      "R", "S", "SA", "RA", "",  "SF"};
    const auto& choice = opening ? kOpening : state[0] == 's' ? kHandshake : kRunning;
    packet.flags = choice[random_() % choice.size()];
    const TrackerModel::Hint hint = model_.HintFor(packet);
    packet.seq = hint.seq;
    packet.ack = hint.ack;
    if (packet.flags == "S") {
      packet.seq = Chance(2) ? static_cast<uint32_t>(random_()) : hint.seq + random_() % 3 - 1;
      packet.ack = 0;
    } else if (packet.flags == "SA" && Chance(2)) {
      packet.seq = Chance(2) ? static_cast<uint32_t>(random_()) : 0xffff'fffe;
    }
    if (!packet.flags.empty() && packet.flags.find('A') != std::string::npos && Chance(2)) {
      packet.length = Pick({0, 1, 10, 100, 1400});
    }
    if (Chance(5))
      packet.seq += Pick({1u, 0u - 1, 0u - 2, 10u, 0u - 10, 1000u, 0u - 1400, 70'000u, 0u - 70'000,
                          0x7000'0000u, 1u << 22});
    if (Chance(8))
      packet.ack += Pick(
          {1u, 0u - 1, 10u, 0u - 10, 0u - 1400, 70'000u, 0u - 66'000, 0u - 67'000, 0x7000'0000u});
    packet.window = Pick({0, 1, 100, 1000, 65535});
    const bool syn = packet.flags.find('S') != std::string::npos;
    if (syn && Chance(2)) packet.scale = Pick({0, 1, 7, 14});
  }

  // Through the stages, as a worker would.
  std::string Run(char from, char to, const Bytes& frame) {
    ExactMbuf mbuf(frame);
    burst_.snapshot = &bed_.next();
    burst_.in_port = IdOf(from);
    burst_.in = &burst_.snapshot->ports[burst_.in_port];
    burst_.network_id = 0;
    burst_.network = &burst_.snapshot->networks[0];
    burst_.journal = &journal_;
    burst_.now_ms = now_ms_;
    burst_.count = 1;
    Packet& packet = burst_.packets[0];
    packet = Packet{};
    packet.mbuf = mbuf.get();
    dataplane::ParsePacket(packet);
    packet.out_port = IdOf(to);
    dataplane::Track(burst_, bed_.table(), 0);
    dataplane::Judge(burst_, bed_.table(), 0);
    const bool has_connection =
        packet.connection != nullptr && packet.kind == dataplane::PacketKind::kTracked;
    state_ = "none";
    if (has_connection && bed_.table().Lookup(packet.key, packet.hash) != nullptr) {
      state_ = ConnectionStateName(StateOf(*packet.connection));
    }
    return DropReasonName(packet.drop);
  }

  bool ComparePacket(const ModelPacket& packet) {
    const std::string was = model_.StateOf(packet);
    const std::string expected = model_.Take(packet);
    const std::string got = Run(packet.from, packet.to, FrameOf(packet));
    const std::string state = model_.StateOf(packet);
    ++outcomes_[expected];
    ++states_[state];
    const bool malformed = expected == "tcp_malformed";
    const bool same = got == expected && (malformed || state_ == state);
    EXPECT_TRUE(same) << packet.protocol << " " << packet.from << ":" << packet.source << " > "
                      << packet.to << ":" << packet.destination << " [" << packet.flags << "] seq "
                      << packet.seq << " ack " << packet.ack << " length " << packet.length
                      << " win " << packet.window << "\nwas " << was << "\nmodel: " << expected
                      << ", " << state << "\ntracker: " << got << ", " << state_;
    return same;
  }

  // The error goes back to who sent `quoted`, whether or not it was sent.
  bool CompareError(const ModelPacket& quoted) {
    const Bytes frame = FrameOf(quoted);
    std::string body(4, '\0');
    body.append(frame.begin() + 14, frame.begin() + std::min<ptrdiff_t>(frame.size(), 14 + 28));
    const std::string expected = "error:" + model_.TakeError(quoted);
    const std::string got =
        "error:" +
        Run(quoted.to, quoted.from, Testbed::From(quoted.to, quoted.from).Icmp(3, 3, body).bytes());
    ++outcomes_[expected];
    EXPECT_EQ(got, expected) << quoted.protocol << " " << quoted.from << ":" << quoted.source
                             << " > " << quoted.to << ":" << quoted.destination << " seq "
                             << quoted.seq;
    return got == expected;
  }

  std::mt19937 random_;
  TrackerModel model_;
  Testbed bed_;
  Burst burst_;
  dataplane::Journal journal_;
  uint32_t now_ms_ = 0xffff'0000;  // wraps soon
  std::string state_;              // of the newest packet's connection
  std::map<std::string, uint64_t> outcomes_, states_;
};

TEST(Tracker, AgreesWithTheModelOnRandomPackets) {
  const uint32_t seed = Seed();
  const uint64_t packets = PacketCount();
  std::map<std::string, uint64_t> outcomes, states;
  for (unsigned chunk = 0; chunk < kChunks; ++chunk) {
    const ModelOptions options{.be_liberal = chunk % 4 == 1, .tcp_pick_up = chunk % 4 == 2};
    Duel duel(seed + chunk, options);
    for (uint64_t i = 0; i < packets / kChunks; ++i) {
      ASSERT_TRUE(duel.Round()) << "packet " << i << " of chunk " << chunk;
    }
    for (const auto& [name, count] : duel.outcomes()) outcomes[name] += count;
    for (const auto& [name, count] : duel.states()) states[name] += count;
  }
  for (const auto& [name, count] : outcomes) std::cout << name << ": " << count << "\n";
  for (const auto& [name, count] : states) std::cout << "state " << name << ": " << count << "\n";
  // The dice reach everything.
  for (const char* name :
       {"none", "tcp_not_syn", "tcp_state", "tcp_window", "tcp_malformed", "icmp_no_request",
        "policy_egress", "policy_ingress", "error:none", "error:icmp_unrelated"}) {
    EXPECT_GT(outcomes[name], packets / 20'000) << name;
  }
  for (const char* name : {"syn_sent", "syn_received", "established", "closing", "time_wait",
                           "reset", "unreplied", "replied"}) {
    EXPECT_GT(states[name], packets / 20'000) << name;
  }
}

// A tuple and its reverse have one key, whatever the addresses, ports and subjects.
TEST(Tracker, ATupleAndItsReverseMeet) {
  std::mt19937 random(Seed());
  Testbed bed({.pods = kPods});
  for (int i = 0; i < 2000; ++i) {
    const char from = kPods[random() % 4];
    char to = kPods[random() % 4];
    if (to == from) continue;
    const auto source = static_cast<uint16_t>(random() % 3 == 0 ? 80 : random());
    const auto destination = static_cast<uint16_t>(random() % 3 == 0 ? 80 : random());
    Burst there, back;
    const auto track = [&bed](Burst& burst, char in, char out, Frame frame) {
      ExactMbuf mbuf(frame.bytes());
      burst.snapshot = &bed.next();
      burst.in_port = IdOf(in);
      burst.in = &burst.snapshot->ports[burst.in_port];
      burst.count = 1;
      burst.packets[0].mbuf = mbuf.get();
      dataplane::ParsePacket(burst.packets[0]);
      burst.packets[0].out_port = IdOf(out);
      dataplane::Track(burst, bed.table(), 0);
    };
    const bool v6 = random() % 2 == 0;
    const auto between = v6 ? Testbed::From6 : Testbed::From;
    track(there, from, to, between(from, to).Udp(source, destination));
    track(back, to, from, between(to, from).Udp(destination, source));
    EXPECT_EQ(there.packets[0].key, back.packets[0].key);
    EXPECT_NE(there.packets[0].from_b, back.packets[0].from_b);
  }
}

}  // namespace
}  // namespace sluice::test
