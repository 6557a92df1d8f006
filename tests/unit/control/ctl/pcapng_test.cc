// Blocks of pcapng, byte by byte, as the draft's figures have them.
#include "control/ctl/pcapng.h"

#include <gtest/gtest.h>

#include <bit>

namespace sluice::ctl {
namespace {

static_assert(std::endian::native == std::endian::little, "the tables below are");

// Blanks and what stands between them are for readers: "06 00 'hi'" are four bytes.
std::string Bytes(std::string_view text) {
  std::string bytes;
  for (size_t at = 0; at < text.size();) {
    if (text[at] == ' ') {
      ++at;
    } else if (text[at] == '\'') {
      const size_t end = text.find('\'', at + 1);
      bytes += text.substr(at + 1, end - at - 1);
      at = end + 1;
    } else {
      bytes += static_cast<char>(std::stoi(std::string(text.substr(at, 2)), nullptr, 16));
      at += 2;
    }
  }
  return bytes;
}

TEST(Pcapng, ASectionSaysByteOrderVersionAndWhoWroteIt) {
  EXPECT_EQ(PcapngSection("me 1"), Bytes("0a 0d 0d 0a  28 00 00 00  4d 3c 2b 1a  01 00 00 00 "
                                         "ff ff ff ff ff ff ff ff "
                                         "04 00 04 00 'me 1'  00 00 00 00  28 00 00 00"));
}

TEST(Pcapng, AnInterfaceHasItsNamesAndNanoseconds) {
  EXPECT_EQ(PcapngInterface("web", "pod a/b", 96),
            Bytes("01 00 00 00  34 00 00 00  01 00 00 00  60 00 00 00 "
                  "02 00 03 00 'web' 00  03 00 07 00 'pod a/b' 00 "
                  "09 00 01 00 09 00 00 00  00 00 00 00  34 00 00 00"));
}

TEST(Pcapng, APacketHasBothLengthsItsCommentAndItsDirection) {
  const PcapngPacket packet{.interface = 2,
                            .time_ns = 0x0102'0304'0506'0708,
                            .outbound = true,
                            .length = 1500,
                            .data = "12345",
                            .comment = "gone"};
  EXPECT_EQ(PcapngPacketBlock(packet),
            Bytes("06 00 00 00  3c 00 00 00  02 00 00 00  04 03 02 01 08 07 06 05 "
                  "05 00 00 00  dc 05 00 00  '12345' 00 00 00 "
                  "01 00 04 00 'gone'  02 00 04 00 02 00 00 00  00 00 00 00  3c 00 00 00"));
}

TEST(Pcapng, AnInboundPacketWithoutCommentOrBytes) {
  EXPECT_EQ(PcapngPacketBlock({.length = 60}),
            Bytes("06 00 00 00  2c 00 00 00  00 00 00 00  00 00 00 00 00 00 00 00 "
                  "00 00 00 00  3c 00 00 00  02 00 04 00 01 00 00 00  00 00 00 00  2c 00 00 00"));
}

TEST(Pcapng, StatisticsSayWhatWasThereAndWhatIsMissing) {
  EXPECT_EQ(PcapngStatistics(1, 5, 7, 3),
            Bytes("05 00 00 00  34 00 00 00  01 00 00 00  00 00 00 00 05 00 00 00 "
                  "04 00 08 00 07 00 00 00 00 00 00 00  05 00 08 00 03 00 00 00 00 00 00 00 "
                  "00 00 00 00  34 00 00 00"));
}

TEST(Pcapng, ACommentThatNoOptionHoldsIsCut) {
  const std::string comment(100'000, 'x');
  const std::string block = PcapngPacketBlock({.comment = comment});
  EXPECT_EQ(block.size() % 4, 0u);
  EXPECT_LT(block.size(), 65'536u + 100);
}

}  // namespace
}  // namespace sluice::ctl
