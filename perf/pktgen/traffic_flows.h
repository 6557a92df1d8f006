// Which packets belong to which flow: a flow is a number, and its 5-tuple follows from it.
//
//   flow = ((destination * sources + source) * source_ports + source_port) * ports + port
//
// So neighbours in number differ in the destination port first: policies see all their ranges.
#pragma once

#include <cstdint>
#include <limits>

#include "perf/pktgen/frame.h"

namespace sluice::pktgen {

enum class TrafficProtocol : uint8_t { kUdp, kTcp };

struct TrafficFlows {
  MacAddress mac, peer_mac;
  IpAddress source, destination;  // the first ones, of one family
  TrafficProtocol protocol = TrafficProtocol::kUdp;
  // Addresses follow the first one; ports follow the first port.
  uint32_t sources = 1, destinations = 1;
  uint16_t first_source_port = 1'024, first_port = 1'024;
  uint32_t source_ports = 64'000, ports = 1;

  // What differs from flow to flow: offsets from the first ones.
  struct Offsets {
    uint32_t source = 0, destination = 0;
    uint16_t source_port = 0, port = 0;
  };

  // How many flows there are. At least 1.
  uint64_t count() const { return uint64_t{sources} * destinations * source_ports * ports; }

  Offsets OffsetsOf(uint32_t flow) const {
    Offsets offsets;
    offsets.port = static_cast<uint16_t>(flow % ports);
    flow /= ports;
    offsets.source_port = static_cast<uint16_t>(flow % source_ports);
    flow /= source_ports;
    if (flow == 0) return offsets;
    offsets.source = flow % sources;
    offsets.destination = flow / sources;
    return offsets;
  }

  // The way back; beyond count() for offsets of no flow.
  uint64_t FlowOf(const Offsets& offsets) const {
    if (offsets.port >= ports || offsets.source_port >= source_ports || offsets.source >= sources ||
        offsets.destination >= destinations) {
      return std::numeric_limits<uint64_t>::max();
    }
    const uint64_t address = uint64_t{offsets.destination} * sources + offsets.source;
    return (address * source_ports + offsets.source_port) * ports + offsets.port;
  }
};

}  // namespace sluice::pktgen
