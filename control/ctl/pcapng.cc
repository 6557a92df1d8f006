#include "control/ctl/pcapng.h"

#include <algorithm>
#include <cstring>

namespace sluice::ctl {
namespace {

constexpr uint32_t kSection = 0x0A0D0D0A, kInterface = 1, kStatistics = 5, kEnhancedPacket = 6;
constexpr uint32_t kByteOrderMagic = 0x1A2B3C4D;
constexpr uint16_t kEthernet = 1;
constexpr uint32_t kInbound = 1, kOutbound = 2;
constexpr uint8_t kNanoseconds = 9;
constexpr size_t kMaxOption = 65'532;  // that padding leaves a 16-bit length

enum Option : uint16_t {
  kEnd = 0,
  kComment = 1,
  kUserApplication = 4,  // of a section
  kName = 2,             // of an interface, as the next two
  kDescription = 3,
  kTimeResolution = 9,
  kFlags = 2,     // of a packet
  kReceived = 4,  // of statistics, as the next one
  kDropped = 5,
};

class Block {
 public:
  explicit Block(uint32_t type) {
    Put(type);
    Put(uint32_t{0});  // the length
  }
  template <typename Number>
  Block& Put(Number number) {
    bytes_.append(reinterpret_cast<const char*>(&number), sizeof(number));
    return *this;
  }
  Block& PutPadded(std::string_view bytes) {
    bytes_ += bytes;
    bytes_.append((4 - bytes.size() % 4) % 4, '\0');
    return *this;
  }
  Block& Time(uint64_t time_ns) {
    Put(static_cast<uint32_t>(time_ns >> 32));
    return Put(static_cast<uint32_t>(time_ns));
  }
  Block& Add(Option option, std::string_view value) {
    if (value.empty()) return *this;
    value = value.substr(0, kMaxOption);
    Put(static_cast<uint16_t>(option)).Put(static_cast<uint16_t>(value.size()));
    return PutPadded(value);
  }
  template <typename Number>
  Block& AddNumber(Option option, Number number) {
    return Add(option, {reinterpret_cast<const char*>(&number), sizeof(number)});
  }
  std::string Finish() {
    Put(static_cast<uint16_t>(kEnd)).Put(uint16_t{0});
    const auto length = static_cast<uint32_t>(bytes_.size() + sizeof(uint32_t));
    std::memcpy(bytes_.data() + sizeof(uint32_t), &length, sizeof(length));
    return std::move(Put(length).bytes_);
  }

 private:
  std::string bytes_;
};

}  // namespace

std::string PcapngSection(std::string_view program) {
  constexpr uint16_t kMajor = 1, kMinor = 0;
  constexpr int64_t kUnknownLength = -1;
  return Block(kSection)
      .Put(kByteOrderMagic)
      .Put(kMajor)
      .Put(kMinor)
      .Put(kUnknownLength)
      .Add(kUserApplication, program)
      .Finish();
}

std::string PcapngInterface(std::string_view name, std::string_view description, uint32_t snaplen) {
  return Block(kInterface)
      .Put(kEthernet)
      .Put(uint16_t{0})
      .Put(snaplen)
      .Add(kName, name)
      .Add(kDescription, description)
      .AddNumber(kTimeResolution, kNanoseconds)
      .Finish();
}

std::string PcapngPacketBlock(const PcapngPacket& packet) {
  return Block(kEnhancedPacket)
      .Put(packet.interface)
      .Time(packet.time_ns)
      .Put(static_cast<uint32_t>(packet.data.size()))
      .Put(packet.length)
      .PutPadded(packet.data)
      .Add(kComment, packet.comment)
      .AddNumber(kFlags, packet.outbound ? kOutbound : kInbound)
      .Finish();
}

std::string PcapngStatistics(uint32_t interface, uint64_t time_ns, uint64_t received,
                             uint64_t dropped) {
  return Block(kStatistics)
      .Put(interface)
      .Time(time_ns)
      .AddNumber(kReceived, received)
      .AddNumber(kDropped, dropped)
      .Finish();
}

}  // namespace sluice::ctl
