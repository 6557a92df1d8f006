#include "tests/support/conversation.h"

#include <gtest/gtest.h>

#include <sstream>

namespace sluice::test {
namespace {

using dataplane::Connection;
using dataplane::DropReason;

constexpr uint16_t kPortA = 1000, kPortB = 80;

std::string ExpectedOf(const std::string& packet) {
  const size_t mark = packet.find('!');
  return mark == std::string::npos ? "none" : packet.substr(mark + 1);
}

}  // namespace

DropReason Conversation::Say(const std::string& packet) {
  std::istringstream words(packet);
  char from = 'a';
  std::string flags;
  uint32_t seq = 0, ack = 0;
  words >> from >> flags >> seq >> ack;
  EXPECT_FALSE(words.fail()) << packet;
  const bool by_a = from == 'a';
  Frame frame = Testbed::From(from, by_a ? 'b' : 'a');
  std::string payload, word;
  frame.Window(1000);
  while (words >> word) {
    if (word[0] == '+') payload.resize(std::stoul(word.substr(1)), 'x');
    if (word[0] == 'w') frame.Window(static_cast<uint16_t>(std::stoul(word.substr(2))));
    if (word[0] == 's') {
      frame.Options({1, 3, 3, static_cast<uint8_t>(std::stoul(word.substr(2)))});
    }
  }
  const bool has_ack = (TcpFlags(flags) & dataplane::kTcpAck) != 0;
  frame.Seq(seq + (by_a ? base_a_ : base_b_), has_ack ? ack + (by_a ? base_b_ : base_a_) : 0);
  return bed_.LastDrop(
      from,
      frame.Tcp(by_a ? kPortA : kPortB, by_a ? kPortB : kPortA, TcpFlags(flags), payload).bytes());
}

void Conversation::Play(const std::string& packets) {
  std::istringstream lines(packets);
  for (std::string packet; std::getline(lines, packet, ';');) {
    EXPECT_EQ(DropReasonName(Say(packet)), ExpectedOf(packet))
        << packet << " in: " << packets << " (bases " << base_a_ << " " << base_b_ << ")";
  }
}

dataplane::HalfState Conversation::HalfOf(char side) const {
  auto state = dataplane::HalfState::kIdle;
  bed_.table().Visit([&](const Connection& connection) {
    const bool a_is_b = connection.key.b.port == kPortA;
    state = connection.Sent(side == 'a' ? a_is_b : !a_is_b).state;
    return true;
  });
  return state;
}

std::string Conversation::State() const {
  std::string name = "none";
  bed_.table().Visit([&](const Connection& connection) {
    name = ConnectionStateName(StateOf(connection));
    return true;
  });
  return name;
}

}  // namespace sluice::test
