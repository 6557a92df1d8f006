// A packet on its way through the pipeline: the buffer, and what the stages found out about it.
//
// Each stage fills its own part and reads only what earlier stages filled. A packet is alive while
// `drop` is kNone; whoever sets another reason ends its way, and the sink frees it.
#pragma once

#include <rte_mbuf.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <type_traits>

#include "acl/address.h"
#include "dataplane/connection.h"
#include "dataplane/drop_reason.h"
#include "dataplane/mac_address.h"
#include "dataplane/snapshot.h"

namespace sluice::dataplane {

class Journal;
class Mirrorer;
class Recorder;
struct TraceReport;

inline constexpr unsigned kBurstSize = 32;

// What kind of treatment a packet gets; decided by parse.
enum class PacketKind : uint8_t {
  kArp,        // guarded, never judged
  kRarp,       // says where a MAC is: guarded, never judged
  kNeighbour,  // neighbour discovery, MLD and IGMP: guarded, never judged
  kTracked,    // TCP, UDP, SCTP, ICMP echo, other IP protocols: belongs to a connection
  kDhcp,       // between a pod and the outside, where the network allows it: never judged
  kUntracked,  // other ICMP: judged each time
  kIcmpError,  // passes if it is about a connection: related.h
};

inline constexpr uint8_t kTcpFin = 0x01, kTcpSyn = 0x02, kTcpRst = 0x04, kTcpAck = 0x10;
inline constexpr uint8_t kNoTcpScale = 0xff, kMaxTcpScale = 14;

// Of a TCP header, in host order.
struct TcpHeader {
  uint32_t seq = 0;  // ICMP error: Quote::number
  uint32_t ack = 0;
  uint32_t payload = 0;         // bytes, of the whole packet, however many buffers it lies in
  uint16_t window = 0;          // as in the header: not scaled
  uint8_t scale = kNoTcpScale;  // of a SYN that offers one
};

inline constexpr uint8_t kNoDatagram = 0xff;

// What a fragment says of itself. Atomic fragments (RFC 6946) are whole packets, and have none.
struct Fragment {
  uint32_t identification = 0;
  uint16_t offset = 0;             // of its payload in the datagram's, in bytes
  uint16_t length = 0;             // of its payload; 0: the packet is no fragment
  bool more = false;               // not the last
  uint8_t datagram = kNoDatagram;  // Fragments': where it is kept

  bool present() const { return length != 0; }
  bool first() const { return present() && offset == 0; }
  bool later() const { return offset != 0; }
};

struct Packet {
  rte_mbuf* mbuf = nullptr;
  DropReason drop = DropReason::kNone;

  // parse
  PacketKind kind = PacketKind::kArp;
  uint8_t protocol = 0;   // of the transport header, after IPv6 extensions
  uint8_t tcp_flags = 0;  // kTcpFin | ...
  uint8_t icmp_type = 0;
  uint8_t hop_limit = 0;
  uint16_t src_port = 0;  // host order; ICMP echo: the asking side's is the identifier
  uint16_t dst_port = 0;
  uint16_t l3_offset = 0;  // from the start of the frame
  uint16_t l4_offset = 0;
  uint32_t l4_length = 0;  // to the end of the IP packet
  TcpHeader tcp;
  MacAddress src_mac, dst_mac;
  acl::IpAddress src, dst;  // ARP: sender and target protocol address
  Fragment fragment;        // a later one has no transport header: `fragments` gives it the first's

  // guard
  PortId claimed = kNoPort;  // the pod whose address a router returns: to be proven (returned.h)

  // forward
  PortId out_port = kNoPort;
  bool flood = false;  // goes to every member that may have it

  // judge
  bool reject = false;  // died of a policy that wants its sender told: reject.h

  // track
  bool from_b = false;               // the sender is the key's end b
  bool inspect = false;              // its connection's content is looked into: inspector.h
  Connection* connection = nullptr;  // null: none yet
  // Of tracked packets, from track on; last, since Renew leaves them as they are.
  uint64_t hash = 0;  // of key
  ConnectionKey key;  // normalised: see connection.h

  // As new, with another buffer.
  void Renew(rte_mbuf* buffer);
  bool alive() const { return drop == DropReason::kNone; }
  bool is_ip() const { return kind != PacketKind::kArp && kind != PacketKind::kRarp; }
};

inline void Packet::Renew(rte_mbuf* buffer) {
  static constexpr Packet kNew;
  static_assert(std::is_trivially_copyable_v<Packet>);
  std::memcpy(static_cast<void*>(this), &kNew, offsetof(Packet, hash));
  mbuf = buffer;
}

// Up to kBurstSize packets of one port and one network, handled together.
struct Burst {
  const Snapshot* snapshot = nullptr;
  const NetworkView* network = nullptr;  // every packet's
  NetworkId network_id = kNoNetwork;
  const PortView* in = nullptr;
  Journal* journal = nullptr;  // of the worker
  // Set: a dry run. The stages decide as ever, change nothing, and note here what they would have
  // done.
  TraceReport* trace = nullptr;
  Recorder* recorder = nullptr;  // null: nobody wants copies
  Mirrorer* mirrorer = nullptr;  // null: there is no mirror
  PortId in_port = kNoPort;
  uint32_t now_ms = 0;  // a clock that may wrap
  unsigned count = 0;
  bool has_fragments = false;  // parse: some packet is one
  bool has_open = false;       // track: some packet may need a verdict
  bool has_rejects = false;    // judge: some packet is to be answered
  bool has_content = false;    // track, judge: some packet has `inspect`
  std::string_view said;       // inspect: the name that the packet in hand was judged by
  std::array<Packet, kBurstSize> packets;

  std::span<Packet> all() { return {packets.data(), count}; }
};

}  // namespace sluice::dataplane
