#include "control/packet_text.h"

#include <fmt/core.h>
#include <netinet/in.h>

#include <array>
#include <charconv>
#include <sstream>

namespace sluice::control {
namespace {

constexpr uint32_t kMaxPayload = 8000;

absl::Status Error(std::string_view word, std::string_view reason) {
  return absl::InvalidArgumentError(fmt::format("packet: \"{}\": {}", word, reason));
}

std::optional<uint32_t> Number(std::string_view text, uint32_t most) {
  uint32_t value = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || stop != end || value > most) return std::nullopt;
  return value;
}

struct FlagName {
  std::string_view name;
  uint8_t flag;
};
constexpr std::array<FlagName, 5> kFlags = {
    {{"fin", 0x01}, {"syn", 0x02}, {"rst", 0x04}, {"psh", 0x08}, {"ack", 0x10}}};

// Words from left to right.
class Words {
 public:
  explicit Words(std::string_view text) : in_(std::string(text)) {}
  // Empty at the end.
  std::string Next() {
    std::string word;
    in_ >> word;
    return word;
  }

 private:
  std::istringstream in_;
};

absl::Status ReadHex(std::string_view digits, PacketText* packet) {
  std::string pure;
  for (const char c : digits) {
    if (c != ':' && c != ' ') pure += c;
  }
  if (pure.empty() || pure.size() % 2 != 0) return Error("hex:", "needs two digits a byte");
  for (size_t i = 0; i < pure.size(); i += 2) {
    uint8_t byte = 0;
    const char* end = pure.data() + i + 2;
    const auto [stop, error] = std::from_chars(pure.data() + i, end, byte, 16);
    if (error != std::errc() || stop != end) return Error(pure.substr(i, 2), "not a byte in hex");
    packet->raw.push_back(byte);
  }
  return absl::OkStatus();
}

absl::Status ReadProtocol(const std::string& word, Words& words, PacketText* packet) {
  if (word == "tcp") packet->protocol = IPPROTO_TCP;
  if (word == "udp") packet->protocol = IPPROTO_UDP;
  if (word == "sctp") packet->protocol = IPPROTO_SCTP;
  if (word == "icmp") packet->icmp = true;
  if (word == "proto") {
    const std::string digits = words.Next();
    const auto number = Number(digits, 255);
    if (!number) return Error(digits, "not a protocol number");
    packet->protocol = static_cast<uint8_t>(*number);
  }
  if (packet->protocol == 0 && !packet->icmp) {
    return Error(word, "not tcp, udp, sctp, icmp, proto N or hex:");
  }
  return absl::OkStatus();
}

bool HasPorts(const PacketText& packet) {
  return packet.protocol == IPPROTO_TCP || packet.protocol == IPPROTO_UDP ||
         packet.protocol == IPPROTO_SCTP;
}

absl::Status ReadEnd(const std::string& word, bool has_port, PacketEnd* end) {
  if (word.empty()) return Error("", "wanted: PROTOCOL SOURCE > DESTINATION ...");
  end->host = word;
  const bool brackets = word.front() == '[';
  const size_t close = brackets ? word.find(']') : 0;
  if (brackets && close == std::string::npos) return Error(word, "no closing bracket");
  const size_t colon = word.rfind(':');
  if (has_port) {
    if (colon == std::string::npos || colon < close) return Error(word, "no :PORT");
    const auto port = Number(std::string_view(word).substr(colon + 1), 65535);
    if (!port) return Error(word, "the port is not 0 to 65535");
    end->port = static_cast<uint16_t>(*port);
    end->host = word.substr(0, colon);
  }
  if (brackets) end->host = word.substr(1, close - 1);
  return absl::OkStatus();
}

absl::Status ReadMacs(Words& words, PacketText* packet) {
  const std::string source = words.Next(), arrow = words.Next(), destination = words.Next();
  const auto from = dataplane::MacAddress::Parse(source);
  const auto to = dataplane::MacAddress::Parse(destination);
  if (!from.ok() || !to.ok() || arrow != ">")
    return Error("mac", "wanted: mac SOURCE > DESTINATION");
  packet->from.mac = *from;
  packet->to.mac = *to;
  return absl::OkStatus();
}

absl::Status ReadNumbered(const std::string& word, Words& words, PacketText* packet) {
  const std::string digits = words.Next();
  const uint32_t most = word == "len"   ? kMaxPayload
                        : word == "ttl" ? 255
                        : word == "id"  ? 65535
                                        : UINT32_MAX;
  const auto number = Number(digits, most);
  if (!number) return Error(word, fmt::format("\"{}\" is not a number up to {}", digits, most));
  if (word == "len") packet->length = static_cast<uint16_t>(*number);
  if (word == "ttl") packet->ttl = static_cast<uint8_t>(*number);
  if (word == "id") packet->id = static_cast<uint16_t>(*number);
  if (word == "seq") packet->seq = *number;
  if (word == "ackno") packet->ackno = *number;
  return absl::OkStatus();
}

absl::Status ReadOption(const std::string& word, Words& words, PacketText* packet) {
  if (word == "mac") return ReadMacs(words, packet);
  for (const char* numbered : {"len", "ttl", "id", "seq", "ackno"}) {
    if (word == numbered) return ReadNumbered(word, words, packet);
  }
  if (packet->icmp && (word == "echo" || word == "reply")) {
    packet->reply = word == "reply";
    return absl::OkStatus();
  }
  for (const FlagName& flag : kFlags) {
    if (packet->protocol != IPPROTO_TCP || word != flag.name) continue;
    packet->tcp_flags |= flag.flag;
    return absl::OkStatus();
  }
  return Error(word, "not known here");
}

}  // namespace

absl::StatusOr<PacketText> ParsePacketText(std::string_view text) {
  PacketText packet;
  if (text.starts_with("hex:")) {
    absl::Status read = ReadHex(text.substr(4), &packet);
    if (!read.ok()) return read;
    return packet;
  }
  Words words(text);
  absl::Status status = ReadProtocol(words.Next(), words, &packet);
  if (status.ok()) status = ReadEnd(words.Next(), HasPorts(packet), &packet.from);
  if (!status.ok()) return status;
  if (const std::string arrow = words.Next(); arrow != ">") return Error(arrow, "wanted: >");
  status = ReadEnd(words.Next(), HasPorts(packet), &packet.to);
  for (std::string word = words.Next(); status.ok() && !word.empty(); word = words.Next()) {
    status = ReadOption(word, words, &packet);
  }
  if (!status.ok()) return status;
  constexpr uint8_t kSyn = 0x02;
  if (packet.protocol == IPPROTO_TCP && packet.tcp_flags == 0) packet.tcp_flags = kSyn;
  return packet;
}

}  // namespace sluice::control
