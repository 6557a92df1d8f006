// What the stages decided about one synthetic packet: the answer of a trace. Plain values.
//
// A trace is a dry run: the packet goes through the very stages that real packets go through, on
// the worker that polls its port, with the snapshot and the connections in force. Burst::trace
// points here meanwhile, and whatever would change something (a connection, a counter, a port's
// queue) notes it here and leaves it alone. So a trace cannot tell what only happens when a packet
// is stored or sent: table_full and tx_full.
#pragma once

#include <array>
#include <cstdint>

#include "acl/address.h"
#include "acl/flat_rule.h"
#include "acl/rule_ids.h"
#include "dataplane/denial.h"
#include "dataplane/drop_reason.h"
#include "dataplane/mac_address.h"
#include "dataplane/snapshot.h"

namespace sluice::dataplane {

// The pipeline's stages, in order. X(constant, name)
#define SLUICE_STAGES(X)     \
  X(kParse, "parse")         \
  X(kGuard, "guard")         \
  X(kForward, "forward")     \
  X(kFragments, "fragments") \
  X(kTrack, "track")         \
  X(kJudge, "judge")         \
  X(kInspect, "inspect")     \
  X(kFlood, "flood")         \
  X(kTransmit, "transmit")

enum class Stage : uint8_t {
#define SLUICE_X(constant, name) constant,
  SLUICE_STAGES(SLUICE_X)
#undef SLUICE_X
};

inline constexpr unsigned kStageCount = 0
#define SLUICE_X(constant, name) +1
    SLUICE_STAGES(SLUICE_X)
#undef SLUICE_X
    ;

const char* StageName(Stage stage);

// What policy said of one direction.
struct TraceSide {
  bool judged = false;  // a pod of ours is the subject
  bool allow = true;
  bool conditional = false;  // what the connection says decides: `rule` is the first that may
  acl::Tier tier = acl::Tier::kNone;
  acl::RuleId rule = acl::kNoRule;
  bool operator==(const TraceSide&) const = default;
};

// A port that a broadcast or multicast would be copied to, or why not.
struct TraceReceiver {
  PortId port = kNoPort;
  DropReason refusal = DropReason::kNone;
  TraceSide egress, ingress;
};

enum class TraceTracking : uint8_t {
  kNone,     // this kind of packet has no connection
  kNew,      // it would open one, if policy lets it
  kKnown,    // it belongs to one, whose verdict holds
  kRelated,  // it is an error about one
  kStale,    // it belongs to one, which policy is asked about again
};

struct TraceReport {
  static constexpr unsigned kMaxReceivers = 64;  // more are counted, not listed

  uint64_t epoch = 0;
  DropReason drop = DropReason::kNone;
  Stage died_in = Stage::kParse;              // if it did
  DropReason would_drop = DropReason::kNone;  // mode observe: what enforcing would do

  NetworkId network = kNoNetwork;  // kNoNetwork: no network has its VLAN

  // parse; of IP packets only from `protocol` on
  bool is_ip = false;
  uint8_t protocol = 0;
  uint8_t tcp_flags = 0;
  uint16_t src_port = 0, dst_port = 0;
  MacAddress src_mac, dst_mac;
  acl::IpAddress src, dst;

  // forward
  PortId out_port = kNoPort;
  bool flood = false;

  // fragments
  bool fragment = false;
  bool waits = false;  // for its datagram's first; then no later stage sees it

  // track
  TraceTracking tracking = TraceTracking::kNone;
  const char* connection_state = "";  // a literal
  bool reply = false;                 // from the one that did not open the connection

  // judge: of the connection, seen from who opened it
  bool judged = false;
  TraceSide egress, ingress;
  DropReason audit_drop = DropReason::kNone;  // with the policies under audit in force
  bool rejected = false;                      // died of a policy that wants its sender told
  AnswerKind answer = AnswerKind::kNone;      // and what it would be sent

  // inspect
  bool inspected = false;          // what the packet says was looked into
  std::array<char, 64> name = {};  // that it asks for, or as much of it as fits

  // flood
  unsigned receivers = 0;
  std::array<TraceReceiver, kMaxReceivers> receiver;

  void NoteReceiver(const TraceReceiver& noted) {
    if (receivers < kMaxReceivers) receiver[receivers] = noted;
    ++receivers;
  }
};

}  // namespace sluice::dataplane
