// Is a packet one that somebody wants copied?
#pragma once

#include "dataplane/captured_packet.h"
#include "dataplane/packet.h"

namespace sluice::dataplane {

// Where a packet entered, and where it is going or went.
struct PacketWay {
  PortId in_port = kNoPort;
  uint16_t in_generation = 0;
  PortId out_port = kNoPort;
  uint16_t out_generation = 0;

  static PacketWay Of(const Snapshot& snapshot, PortId in_port, PortId out_port) {
    return {in_port, snapshot.ports[in_port].generation, out_port,
            snapshot.ports[out_port].generation};
  }
};

// Whether it entered by the filter's port, in a direction that is asked for; or leaves by it.
bool Enters(const CaptureFilter& filter, const PacketWay& way);
bool Leaves(const CaptureFilter& filter, const PacketWay& way);

// Whether it is of the flow that is asked for. An ICMP error is of the connection that it is about.
bool IsOfFlow(const CaptureFilter& filter, const Packet& packet);

// Whether what became of it, dead or alive, is asked for.
inline bool HasFate(const CaptureFilter& filter, DropReason drop) {
  if (!filter.dropped) return true;
  return filter.reason == DropReason::kNone ? drop != DropReason::kNone : drop == filter.reason;
}

}  // namespace sluice::dataplane
