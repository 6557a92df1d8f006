#include "perf/pktgen/traffic_request.h"

#include <fmt/core.h>
#include <rte_ether.h>

#include "perf/pktgen/traffic_frame.h"

namespace sluice::pktgen {
namespace {

constexpr uint64_t kMostFlows = 100'000'000;
// Packets that fit in the receiver's ring: what the switch forwards while this thread is stopped
// by its machine is not lost.
constexpr uint32_t kDefaultWindow = 224;

void ReadSpace(CommandFields& fields, TrafficFlows& space) {
  space.source = fields.Address("source");
  space.destination = fields.Address("destination");
  space.protocol = fields.Choice("protocol", {"udp", "tcp"}) == 0 ? TrafficProtocol::kUdp
                                                                  : TrafficProtocol::kTcp;
  space.sources = static_cast<uint32_t>(fields.Number("sources", 1, 1 << 16, 1));
  space.destinations = static_cast<uint32_t>(fields.Number("destinations", 1, 1 << 16, 1));
  space.first_source_port =
      static_cast<uint16_t>(fields.Number("first_source_port", 1, 65'535, 1'024));
  space.source_ports = static_cast<uint32_t>(fields.Number(
      "source_ports", 1, 65'536u - space.first_source_port, 65'536u - space.first_source_port));
  space.first_port = static_cast<uint16_t>(fields.Number("first_port", 1, 65'535, 1'024));
  space.ports = static_cast<uint32_t>(fields.Number("ports", 1, 65'536u - space.first_port, 1));
}

// Simple IMIX: 7 of 64, 4 of 594, 1 of 1518 bytes, mixed.
std::vector<uint16_t> Imix() {
  std::vector<uint16_t> sizes = {64, 594, 64, 594, 64, 1'518, 64, 594, 64, 64, 594, 64};
  for (uint16_t& size : sizes) size -= RTE_ETHER_CRC_LEN;
  return sizes;
}

}  // namespace

absl::StatusOr<TrafficRequest> ReadTrafficRequest(CommandFields& fields, const MacAddress& mac,
                                                  const MacAddress& peer_mac, uint16_t frame_most) {
  TrafficRequest request;
  request.space.mac = mac;
  request.space.peer_mac = peer_mac;
  ReadSpace(fields, request.space);
  const uint64_t most = std::min(kMostFlows, request.space.count());
  request.flows = static_cast<uint32_t>(fields.Number("flows", 1, most, 1));
  request.seconds = fields.Has("packets") ? 0 : fields.Real("seconds", 0.001, 3'600);
  request.packets = fields.Number("packets", 1, uint64_t{1} << 40, 1);
  request.rate_pps = fields.Number("rate_pps", 0, 1'000'000'000, 0);
  request.window = static_cast<uint32_t>(
      fields.Number("window", 0, 1 << 20, request.rate_pps == 0 ? kDefaultWindow : 0));
  request.zipf = fields.Has("zipf") ? fields.Real("zipf", 0, 10) : 0;
  request.new_every = static_cast<uint32_t>(fields.Number("new_every", 0, 1 << 30, 0));
  request.reply = fields.Flag("reply", false);
  request.latency = fields.Flag("latency", false);
  request.denied_of_32 = static_cast<uint32_t>(fields.Number("denied_of_32", 0, 31, 0));
  request.denied_port = static_cast<uint16_t>(fields.Number("denied_port", 1, 65'535, 1));
  request.segment = static_cast<uint16_t>(fields.Number("segment", 0, 9'000, 0));
  request.loss = fields.Has("loss") ? fields.Real("loss", 0, 1) : request.loss;
  const bool imix = fields.Flag("imix", false);
  const uint64_t least =
      TrafficFrame::LeastSize(request.space, request.latency) + uint64_t{RTE_ETHER_CRC_LEN};
  const uint64_t size = fields.Number("size", least, frame_most + uint64_t{RTE_ETHER_CRC_LEN},
                                      std::max<uint64_t>(least, 64));
  request.sizes = imix ? Imix() : std::vector{static_cast<uint16_t>(size - RTE_ETHER_CRC_LEN)};
  if (absl::Status good = fields.Finish(); !good.ok()) return good;
  if (request.new_every != 0 && request.space.count() <= request.flows) {
    return absl::InvalidArgumentError("new_every: all flows there are send over and over");
  }
  if (request.space.source.family != request.space.destination.family) {
    return absl::InvalidArgumentError("destination: is not of the family of source");
  }
  if (imix && (least > 64 || frame_most < 1'514)) {
    return absl::InvalidArgumentError("imix: frames of 64 to 1518 bytes do not fit");
  }
  if (request.segment != 0 && request.space.protocol != TrafficProtocol::kTcp) {
    return absl::InvalidArgumentError("segment: only TCP is cut to segments");
  }
  return request;
}

}  // namespace sluice::pktgen
