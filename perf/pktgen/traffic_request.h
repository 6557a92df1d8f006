// What a traffic command asks for, read from its JSON (perf/pktgen/README.md, traffic).
#pragma once

#include <absl/status/statusor.h>

#include <cstdint>
#include <vector>

#include "perf/pktgen/command_fields.h"
#include "perf/pktgen/traffic_flows.h"

namespace sluice::pktgen {

struct TrafficRequest {
  TrafficFlows space;           // all flows there are
  uint32_t flows = 1;           // those that send over and over: the first ones
  std::vector<uint16_t> sizes;  // of frames without FCS, in turn
  double seconds = 0;           // of sending; 0: `packets` decide
  uint64_t packets = 0;         // to send
  uint64_t rate_pps = 0;        // 0: as fast as it goes
  uint32_t window = 0;          // packets under way, at most; 0: any number
  double zipf = 0;              // exponent; 0: flows send in turn
  uint32_t new_every = 0;       // every n-th packet is of a new flow; 0: none
  bool reply = false;           // the peer answers each packet
  bool latency = false;         // is measured
  uint32_t denied_of_32 = 0;    // so many of 32 packets are TCP SYNs to denied_port
  uint16_t denied_port = 0;
  uint16_t segment = 0;  // payload bytes that frames are to be cut to (TSO); 0: none
  // Of a search:
  double loss = 1e-4;
};

// MACs are the ports'. `frame_most` is without FCS. Errors: InvalidArgument "NAME: FIELD: REASON".
absl::StatusOr<TrafficRequest> ReadTrafficRequest(CommandFields& fields, const MacAddress& mac,
                                                  const MacAddress& peer_mac, uint16_t frame_most);

}  // namespace sluice::pktgen
