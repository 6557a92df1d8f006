// One tracked flow, both directions, as it lies in the connection table's region.
//
// The key names both ends with address, port and *subject port*: a verdict holds only for the pair
// of switch ports that it was computed for (DESIGN 6). Ends are normalised, so a packet and its
// reply have the same key. Each direction has its own Half on its own cache line, written only by
// the worker that polls the sender's port. Nothing in here is a pointer: the region may be a file.
#pragma once

#include <atomic>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <type_traits>

#include "dataplane/connection_state.h"
#include "dataplane/snapshot.h"

namespace sluice::dataplane {

// A local port as a connection remembers it; {0, 0} is "no local subject". The generation keeps a
// re-used slot from inheriting its predecessor's connections.
struct SubjectRef {
  uint16_t port = 0;
  uint16_t generation = 0;
  bool operator==(const SubjectRef&) const = default;
};

struct ConnectionEnd {
  uint8_t address[16] = {};  // network order; IPv4 in the first four
  uint16_t port = 0;         // host order; ICMP echo: the identifier; 0 without ports
  SubjectRef subject;
};
static_assert(sizeof(ConnectionEnd) == 22, "sorted as bytes");

inline uint64_t WordAt(const void* bytes, size_t offset) {
  uint64_t word = 0;
  std::memcpy(&word, static_cast<const uint8_t*>(bytes) + offset, sizeof(word));
  return word;
}

struct ConnectionKey {
  ConnectionEnd a, b;  // b does not sort before a: flow_key.h
  uint16_t network = 0;
  uint8_t protocol = 0;
  uint8_t family = 0;  // 4 or 6
  bool operator==(const ConnectionKey& other) const {
    uint64_t difference = 0;  // memcmp would be a call for each packet
    for (size_t offset = 0; offset < sizeof(*this); offset += sizeof(difference)) {
      difference |= WordAt(this, offset) ^ WordAt(&other, offset);
    }
    return difference == 0;
  }
};
static_assert(sizeof(ConnectionKey) == 48 &&
                  std::has_unique_object_representations_v<ConnectionKey>,
              "hashed and compared as bytes");

// What one side has sent so far; see tcp_state.h for how flags move it, and sctp_state.h for
// chunks. Other protocols use kIdle and kOpen.
enum class HalfState : uint8_t {
  kIdle,
  kSynSent,
  kSynAckSent,
  kOpen,  // SCTP: sent COOKIE ACK
  kFinSent,
  kReset,  // SCTP: ABORT
  kInitSent,
  kInitAckSent,
  kCookieEchoSent,
  kShutdownSent,
  kShutdownAckSent,
  kShutdownCompleteSent,
  kHeartbeatSent,
};
inline constexpr unsigned kTcpHalfStates = 6;  // the first ones
inline constexpr unsigned kHalfStates = 13;

// Whether what the initiator says is judged before it passes (inspect/inspector.h).
enum class Inspection : uint8_t {
  kNone,   // it is not, or not any more
  kFirst,  // what it says first is, and the responder has to wait for that
  kHead,   // what it says from next_head on is
  kHello,  // so is that, behind a ClientHello: should another one come
  kGuard,  // it is judged; repeats of it must say the same until the other side has it
};

// Written by the worker that polls this side's port, read by the other side's (relaxed).
struct alignas(64) Half {
  std::atomic<HalfState> state{HalfState::kIdle};
  // TCP: what this side said about sequence numbers; see TcpSide in tcp_window.h.
  std::atomic<uint8_t> flags{0};
  std::atomic<uint8_t> scale{0};
  std::atomic<uint8_t> pending_scale{0};
  std::atomic<uint32_t> last_seen_ms{0};
  std::atomic<uint64_t> packets{0};
  std::atomic<uint64_t> bytes{0};  // of whole frames
  std::atomic<uint32_t> end{0};
  std::atomic<uint32_t> limit{0};
  std::atomic<uint32_t> max_window{0};
  std::atomic<uint32_t> max_ack{0};
  std::atomic<uint32_t> syn_end{0};
  // SCTP: verification tags; see SctpSide in sctp_state.h.
  std::atomic<uint32_t> tag{0};
  std::atomic<uint32_t> pending_tag{0};
  std::atomic<uint32_t> sent_tag{0};
  std::atomic<uint32_t> opened_ms{0};  // the connection, on either half
  // How its content was judged: the initiator's half for egress, the responder's for ingress, both
  // written by the initiator's worker. ContentMatcher::Fingerprint; 0: that side asked for none.
  std::atomic<uint32_t> judged_by{0};

  // As nothing was sent yet. Only while no other thread can see the connection.
  void Reset(uint32_t now_ms) {
    state.store(HalfState::kIdle, std::memory_order_relaxed);
    last_seen_ms.store(now_ms, std::memory_order_relaxed);
    opened_ms.store(now_ms, std::memory_order_relaxed);
    packets.store(0, std::memory_order_relaxed);
    bytes.store(0, std::memory_order_relaxed);
    for (auto* byte : {&flags, &scale, &pending_scale}) byte->store(0, std::memory_order_relaxed);
    for (auto* number : {&end, &limit, &max_window, &max_ack, &syn_end, &tag, &pending_tag,
                         &sent_tag, &judged_by}) {
      number->store(0, std::memory_order_relaxed);
    }
  }
};
static_assert(sizeof(Half) == 64);

struct alignas(64) Connection {
  ConnectionKey key;
  // Odd while the entry is live: set when it is complete and before its bucket names it, cleared
  // before its bucket forgets it, so a process that takes the region over can tell a torn entry.
  std::atomic<uint32_t> sequence{0};
  std::atomic<uint32_t> verdict_epoch{0};  // Snapshot::verdict_epoch it was allowed under
  bool initiator_is_b = false;             // immutable while live
  std::atomic<Inspection> inspection{Inspection::kNone};
  uint32_t link = 0;  // table's. Live: low half of the key's hash; else: list of free entries
  Half halves[2];     // [0]: sent by a, [1]: sent by b

  bool IsLive() const { return (sequence.load(std::memory_order_acquire) & 1) != 0; }
  // Some direction's content was judged.
  bool WasJudged() const {
    return halves[0].judged_by.load(std::memory_order_relaxed) != 0 ||
           halves[1].judged_by.load(std::memory_order_relaxed) != 0;
  }
  Half& Sent(bool by_b) { return halves[by_b ? 1 : 0]; }
  const Half& Sent(bool by_b) const { return halves[by_b ? 1 : 0]; }
  // TCP: the sequence number at which the initiator says what is to be judged next. In a field that
  // SCTP alone uses else.
  std::atomic<uint32_t>& next_head() { return Sent(initiator_is_b).tag; }
  const ConnectionEnd& Initiator() const { return initiator_is_b ? key.b : key.a; }
  const ConnectionEnd& Responder() const { return initiator_is_b ? key.a : key.b; }
  // Whose share it counts against: the port of the pod that opened it, or, for what came from
  // outside, of the pod that it was opened to. kNoPort: no pod is part of it.
  PortId ChargedPort() const {
    const PortId initiator = Initiator().subject.port;
    return initiator != kNoPort ? initiator : Responder().subject.port;
  }
};
static_assert(sizeof(Connection) == 192);

ConnectionState StateOf(const Connection& connection);
// True if a connection in `state` may make room for others: no reply yet, or over. What both sides
// have agreed to is never given up for what nobody has answered.
bool MayBeEvicted(ConnectionState state);
// Since either side was last seen. A half that another worker touched a moment after `now_ms` was
// read counts as just seen.
uint32_t IdleMs(const Connection& connection, uint32_t now_ms);
// From the first packet to the last so far; of both directions.
uint32_t DurationMs(const Connection& connection);
uint64_t PacketsOf(const Connection& connection);
uint64_t BytesOf(const Connection& connection);

}  // namespace sluice::dataplane
