// Which packets are copied for people, and what is told of each. Plain values.
#pragma once

#include <cstdint>
#include <optional>

#include "acl/address.h"
#include "dataplane/drop_reason.h"
#include "dataplane/snapshot.h"
#include "dataplane/trace.h"

namespace sluice::dataplane {

// A connection's packets, either way round. Port 0: any.
struct CaptureFlow {
  struct End {
    acl::IpAddress address;
    uint16_t port = 0;  // ICMP echo: the initiator's is the identifier
  };
  uint8_t protocol = 0;
  End one, other;
};

// What a packet has to do with CaptureFilter::port.
enum class CaptureDirection : uint8_t {
  kEither,
  kIn,   // it entered by it
  kOut,  // it left by it, or died on its way there
};

// All that is set must hold.
struct CaptureFilter {
  PortId port = kNoPort;  // kNoPort: all
  uint16_t generation = 0;
  CaptureDirection direction = CaptureDirection::kEither;
  std::optional<CaptureFlow> flow;
  bool dropped = false;                   // only what died
  DropReason reason = DropReason::kNone;  // of this; kNone: of any
};

struct CaptureConfig {
  // As tcpdump's: more than any frame has.
  static constexpr uint32_t kMaxSnaplen = 262'144;
  static constexpr uint32_t kMinRing = 64 * 1024, kMaxRing = 256 * 1024 * 1024;

  CaptureFilter filter;
  uint32_t snaplen = kMaxSnaplen;          // bytes of each frame that are kept
  uint32_t ring_bytes = 4u * 1024 * 1024;  // of each worker, kMinRing to kMaxRing
};

// A packet that entered the switch, and what became of it there.
struct CapturedPacket {
  uint64_t ticks = 0;     // of the time-stamp counter: when its worker took its burst in hand
  uint64_t epoch = 0;     // of the snapshot that it met
  uint32_t length = 0;    // of the frame; a VLAN tag of an uplink is not part of it
  uint32_t captured = 0;  // bytes of it that are kept
  NetworkId network = kNoNetwork;
  PortId in_port = kNoPort;
  uint16_t in_generation = 0;
  PortId out_port = kNoPort;  // kNoPort: not known, or several
  uint16_t out_generation = 0;
  // Asked for as a packet of out_port: it left by it, unless `drop` says that it died before.
  bool outbound = false;
  DropReason drop = DropReason::kNone;
  DropReason would_drop = DropReason::kNone;  // mode observe: what enforcing would do
  bool answered = false;                      // it died, and its sender was told
  bool flood = false;                         // copies were handed to so many ports
  uint16_t copies = 0;
  bool related = false;  // an ICMP error about a connection
  // Of its connection, after it; null: it has none, or died.
  const char* state = nullptr;
  bool reply = false;  // sent by the connection's responder
  // What policy in force says of the connection, seen from who opened it.
  bool judged = false;
  TraceSide egress, ingress;
  uint32_t number = 0;  // the recorder's
};

}  // namespace sluice::dataplane
