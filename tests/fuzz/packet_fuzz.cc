// Parse reads what pods send: any bytes, any length, split over two segments anywhere. What it lets
// live can be answered in its own buffer, and the answer is a packet that Parse takes.
//
// The input's first byte says how much of the rest is in the first segment (255: all of it).
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "dataplane/answer.h"
#include "dataplane/parse.h"
#include "tests/support/exact_mbuf.h"

namespace {

using sluice::dataplane::DropReason;
using sluice::dataplane::Packet;
using sluice::dataplane::PacketKind;

void Require(bool holds) {
  if (!holds) std::abort();
}

// What later stages rely on, for a packet that lives.
void CheckParsed(const Packet& packet, size_t size) {  // of the frame
  Require(packet.l3_offset <= size && packet.l4_offset <= size);
  Require(!packet.src_mac.IsMulticast() && !packet.src_mac.IsZero());
  if (!packet.is_ip()) return;
  Require(packet.l4_offset >= packet.l3_offset);
  Require(packet.src.family == packet.dst.family);
  const sluice::dataplane::Fragment& fragment = packet.fragment;
  if (!fragment.present()) return;
  Require(fragment.length % 8 == 0 || !fragment.more);
  Require(fragment.offset + uint32_t{fragment.length} <= 65535);
  Require(fragment.first() || fragment.later());
  Require(packet.kind == PacketKind::kTracked);
}

// `frame` lives.
void CheckAnswer(const std::vector<uint8_t>& frame) {
  constexpr uint16_t kHeadroom = 52;  // what the longest answer needs
  sluice::test::ExactMbuf buffer(frame, frame.size(), kHeadroom);
  Packet packet;
  packet.mbuf = buffer.get();
  sluice::dataplane::ParsePacket(packet);
  if (!packet.is_ip()) return;
  const auto kind = sluice::dataplane::AnswerTo(packet);
  if (kind == sluice::dataplane::AnswerKind::kNone) return;
  Require(sluice::dataplane::MakeAnswer(packet, kind, sluice::dataplane::kDefaultMtu));
  Packet answer;
  answer.mbuf = buffer.get();
  sluice::dataplane::ParsePacket(answer);
  // A packet to a zero or group MAC is answered from one: the switch floods those.
  if (packet.dst_mac.IsMulticast() || packet.dst_mac.IsZero()) return;
  Require(answer.alive() && answer.dst == packet.src && answer.src == packet.dst);
  Require(sluice::dataplane::AnswerTo(answer) == sluice::dataplane::AnswerKind::kNone);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0 || size > 9000) return 0;
  const size_t frame = size - 1;
  const size_t first = data[0] == 255 ? frame : std::min<size_t>(data[0], frame);
  // Segments of exactly their size: ASan sees a read beyond them.
  sluice::test::ExactMbuf buffer({data + 1, data + 1 + frame}, first);
  const uint8_t* segment = rte_pktmbuf_mtod(buffer.get(), const uint8_t*);
  Packet packet;
  packet.mbuf = buffer.get();
  sluice::dataplane::ParsePacket(packet);
  if (!packet.alive()) return 0;
  CheckParsed(packet, frame);
  CheckAnswer({data + 1, data + 1 + frame});
  if (packet.kind == PacketKind::kNeighbour) {
    sluice::dataplane::NeighbourTarget(packet);  // copies its bytes: the sanitizer watches
    const auto options = sluice::dataplane::NeighbourOptions(packet);
    Require(options.empty() ||
            (options.data() >= segment && options.data() + options.size() <= segment + first));
  }
  return 0;
}
