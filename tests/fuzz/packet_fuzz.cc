// Parse reads what pods send: any bytes, any length, split over two segments anywhere.
//
// The input's first byte says how much of the rest is in the first segment (255: all of it).
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <memory>

#include "dataplane/parse.h"

namespace {

using sluice::dataplane::DropReason;
using sluice::dataplane::Packet;
using sluice::dataplane::PacketKind;

void Require(bool holds) {
  if (!holds) std::abort();
}

// What later stages rely on, for a packet that lives.
void CheckParsed(const Packet& packet, size_t size) {
  Require(packet.l3_offset <= size && packet.l4_offset <= size);
  Require(!packet.src_mac.IsMulticast() && !packet.src_mac.IsZero());
  if (!packet.is_ip()) return;
  Require(packet.l4_offset >= packet.l3_offset);
  Require(packet.src.family == packet.dst.family);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0 || size > 9000) return 0;
  const size_t frame = size - 1;
  const size_t first = data[0] == 255 ? frame : std::min<size_t>(data[0], frame);
  // Exactly as long as the segment: ASan sees a read beyond it.
  const auto segment = std::make_unique<uint8_t[]>(first);
  std::copy(data + 1, data + 1 + first, segment.get());

  rte_mbuf mbuf{};
  mbuf.buf_addr = segment.get();
  mbuf.data_len = static_cast<uint16_t>(first);
  mbuf.pkt_len = static_cast<uint32_t>(frame);
  mbuf.nb_segs = 1;
  Packet packet;
  packet.mbuf = &mbuf;
  sluice::dataplane::ParsePacket(packet);
  if (!packet.alive()) return 0;
  CheckParsed(packet, first);
  if (packet.kind == PacketKind::kNeighbour) {
    sluice::dataplane::NeighbourTarget(packet);  // copies its bytes: the sanitizer watches
    const auto options = sluice::dataplane::NeighbourOptions(packet);
    Require(options.empty() || (options.data() >= segment.get() &&
                                options.data() + options.size() <= segment.get() + first));
  }
  return 0;
}
