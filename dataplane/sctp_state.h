// How SCTP chunks move the half of the side that sent them (RFC 9260, nf_conntrack_proto_sctp).
//
// One table, half state x kind of chunk; every chunk of a packet takes its step. Packets must carry
// the verification tag that their receiver chose in its INIT or INIT ACK; each half keeps its own,
// so that one worker writes it. Only an INIT opens an association, and, as every path of a
// multi-homed one begins with it, a HEARTBEAT; then the tag is learned.
//
// An INIT on a live association passes and moves nothing (a restart, RFC 9260 5.2.2): the tags that
// it and its INIT ACK propose are pending until a COOKIE ECHO and its COOKIE ACK carry them.
#pragma once

#include <cstdint>

#include "dataplane/connection.h"
#include "dataplane/packet.h"

namespace sluice::dataplane {

enum class SctpChunk : uint8_t {
  kInit,
  kInitAck,
  kCookieEcho,
  kCookieAck,
  kShutdown,
  kShutdownAck,
  kShutdownComplete,
  kAbort,
  kHeartbeat,  // and HEARTBEAT ACK
  kOther,      // DATA, SACK, ERROR and what RFCs may add
};
inline constexpr unsigned kSctpChunks = 10;

// The SCTP part of a Half, by value. Tags are 0 while they are not known.
struct SctpSide {
  HalfState state = HalfState::kIdle;
  uint32_t tag = 0;          // that this side wants to see
  uint32_t pending_tag = 0;  // that it proposed on a live association
  uint32_t sent_tag = 0;     // that its packets carry, if the peer's choice was not seen
};

SctpSide LoadSctpSide(const Half& half);
void StoreSctpSide(const SctpSide& side, Half& half);

struct SctpStep {
  DropReason drop = DropReason::kNone;
  SctpSide own;  // means nothing if the packet died
};

// What one packet, sent by `own`, makes of its association.
SctpStep NextSctp(const SctpSide& own, const SctpSide& peer, const Packet& packet,
                  bool by_initiator);

// kNone if the packet may open an association: its first chunk is INIT or HEARTBEAT.
DropReason MayOpenSctp(const Packet& packet);
// Whether the packet's first chunk is an INIT.
bool IsSctpInit(const Packet& packet);

// Whether packets from `own` may carry `tag`.
bool SctpTagFits(const SctpSide& own, const SctpSide& peer, uint32_t tag);

// The state of an association from its halves.
ConnectionState SctpStateOf(HalfState initiator, HalfState responder);

}  // namespace sluice::dataplane
