#include "tests/support/cut.h"

#include <netinet/in.h>
#include <rte_byteorder.h>
#include <rte_ether.h>
#include <rte_ip.h>

#include <algorithm>
#include <cstring>

namespace sluice::test {
namespace {

using Bytes = std::vector<uint8_t>;

constexpr size_t kIp = sizeof(rte_ether_hdr);

bool IsIpv6(const Bytes& frame) { return frame.at(kIp) >> 4 == 6; }

// Headers that every fragment repeats.
size_t HeaderEnd(const Bytes& frame, size_t repeated) {
  return IsIpv6(frame) ? kIp + sizeof(rte_ipv6_hdr) + repeated : kIp + sizeof(rte_ipv4_hdr);
}

void Mark4(Bytes& out, uint32_t identification, const Slice& slice) {
  auto* ip = reinterpret_cast<rte_ipv4_hdr*>(out.data() + kIp);
  const auto place = static_cast<uint16_t>(slice.offset / 8 | (slice.more ? 0x2000u : 0u));
  ip->packet_id = rte_cpu_to_be_16(static_cast<uint16_t>(identification));
  ip->fragment_offset = rte_cpu_to_be_16(place);
  ip->total_length = rte_cpu_to_be_16(static_cast<uint16_t>(sizeof(*ip) + slice.length));
  ip->hdr_checksum = 0;
  ip->hdr_checksum = rte_ipv4_cksum(ip);
}

void Mark6(Bytes& out, uint32_t identification, const Slice& slice, size_t repeated) {
  auto* ip = reinterpret_cast<rte_ipv6_hdr*>(out.data() + kIp);
  // The header before says "fragment", and the fragment header what that said.
  uint8_t& next = repeated == 0 ? ip->proto : out[kIp + sizeof(*ip)];
  rte_ipv6_fragment_ext header{};
  header.next_header = std::exchange(next, uint8_t{IPPROTO_FRAGMENT});
  header.frag_data = rte_cpu_to_be_16(static_cast<uint16_t>(slice.offset | (slice.more ? 1u : 0u)));
  header.id = rte_cpu_to_be_32(identification);
  const auto* bytes = reinterpret_cast<const uint8_t*>(&header);
  out.insert(out.end(), bytes, bytes + sizeof(header));
  ip = reinterpret_cast<rte_ipv6_hdr*>(out.data() + kIp);
  ip->payload_len =
      rte_cpu_to_be_16(static_cast<uint16_t>(repeated + sizeof(header) + slice.length));
}

}  // namespace

Bytes CutOne(const Bytes& frame, uint32_t identification, const Slice& slice, size_t repeated) {
  const size_t start = HeaderEnd(frame, repeated);
  Bytes out(frame.begin(), frame.begin() + static_cast<ptrdiff_t>(start));
  if (IsIpv6(frame)) {
    Mark6(out, identification, slice, repeated);
  } else {
    Mark4(out, identification, slice);
  }
  for (size_t at = slice.offset; at < slice.offset + slice.length; ++at) {
    out.push_back(start + at < frame.size() ? frame[start + at] : uint8_t{0});
  }
  return out;
}

std::vector<Bytes> Cut(const Bytes& frame, uint32_t identification, size_t length,
                       size_t repeated) {
  const size_t payload = frame.size() - HeaderEnd(frame, repeated);
  std::vector<Bytes> out;
  for (size_t offset = 0; offset < payload; offset += length) {
    const size_t piece = std::min(length, payload - offset);
    out.push_back(
        CutOne(frame, identification, {offset, piece, offset + piece < payload}, repeated));
  }
  return out;
}

}  // namespace sluice::test
