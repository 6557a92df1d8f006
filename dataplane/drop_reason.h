// Why a packet died: one name each, one table for code, metrics, CLI and docs.
#pragma once

#include <cstddef>
#include <cstdint>

namespace sluice::dataplane {

// X(constant, name, text). The first entry means "alive".
#define SLUICE_DROP_REASONS(X)                                                                    \
  X(kNone, "none", "alive")                                                                       \
  X(kTruncated, "truncated", "a header ends after the packet does")                               \
  X(kHeaderSplit, "header_split", "headers are not contiguous in the first segment")              \
  X(kVlanNotAllowed, "vlan_not_allowed", "VLAN tag on a port that takes none")                    \
  X(kEtherType, "ether_type", "neither ARP, RARP, IPv4 nor IPv6")                                 \
  X(kEtherSource, "ether_source", "multicast or zero source MAC")                                 \
  X(kArpMalformed, "arp_malformed", "ARP or RARP that is not as switching.md says")               \
  X(kIpVersion, "ip_version", "IP version does not match the EtherType")                          \
  X(kIpHeaderLength, "ip_header_length", "IPv4 header length below 20 or beyond the packet")      \
  X(kIpTotalLength, "ip_total_length", "IP length field disagrees with the packet")               \
  X(kIpSource, "ip_source", "multicast, broadcast or loopback source address")                    \
  X(kIpv6Extension, "ipv6_extension", "extension header chain too long, misordered or malformed") \
  X(kIpOptions, "ip_options", "IPv4 options do not end where the header does")                    \
  X(kIpSourceRoute, "ip_source_route", "says it goes elsewhere than to its destination address")  \
  X(kFragmentMalformed, "fragment_malformed", "fragment of a length that no datagram is cut to")  \
  X(kFragmentTiny, "fragment_tiny", "first fragment without its whole transport header")          \
  X(kFragmentIcmp, "fragment_icmp", "fragmented ICMP that is not echo, or neighbour discovery")   \
  X(kFragmentOverlap, "fragment_overlap", "fragments overlap or disagree on the end")             \
  X(kFragmentDuplicate, "fragment_duplicate", "the same fragment once more")                      \
  X(kFragmentLimit, "fragment_limit", "more fragments than are kept of one datagram or port")     \
  X(kFragmentTimeout, "fragment_timeout", "the datagram's first fragment never came")             \
  X(kTcpMalformed, "tcp_malformed", "TCP header length or flag combination is invalid")           \
  X(kUdpMalformed, "udp_malformed", "UDP length disagrees with the packet")                       \
  X(kSctpMalformed, "sctp_malformed", "SCTP header or chunks are cut short or misplaced")         \
  X(kIcmpMalformed, "icmp_malformed", "ICMP message shorter than its type needs")                 \
  X(kVlanUnknown, "vlan_unknown", "no network on this uplink has the packet's VLAN")              \
  X(kGuardMac, "guard_mac", "source MAC is not the port's")                                       \
  X(kGuardAddress, "guard_address", "source address is not the port's")                           \
  X(kGuardArp, "guard_arp", "ARP sender is not the port's MAC and address")                       \
  X(kGuardNd, "guard_nd", "neighbour discovery speaks for an address that is not the port's")     \
  X(kGuardRa, "guard_ra", "router advertisement or redirect from a pod")                          \
  X(kGuardDhcp, "guard_dhcp", "DHCP answer from a pod")                                           \
  X(kPortShut, "port_shut", "the port's endpoint is not known yet")                               \
  X(kReceiverShut, "receiver_shut", "the receiving port's endpoint is not known yet")             \
  X(kNoRoute, "no_route", "no port has the destination MAC")                                      \
  X(kWrongDestination, "wrong_destination", "the address does not belong to where the MAC leads") \
  X(kHairpin, "hairpin", "destination is behind the port it came from")                           \
  X(kNoReceiver, "no_receiver", "no port takes this broadcast or multicast")                      \
  X(kTcpNotSyn, "tcp_not_syn", "TCP packet without a connection that is not a SYN")               \
  X(kTcpState, "tcp_state", "TCP flags do not fit the connection's state")                        \
  X(kTcpWindow, "tcp_window", "TCP sequence or acknowledgement outside the connection's window")  \
  X(kSctpNoInit, "sctp_no_init", "SCTP packet without an association that is no INIT")            \
  X(kSctpState, "sctp_state", "SCTP chunk does not fit the association's state")                  \
  X(kSctpTag, "sctp_tag", "SCTP verification tag is not the association's")                       \
  X(kIcmpNoRequest, "icmp_no_request", "echo reply that nobody asked for")                        \
  X(kIcmpUnrelated, "icmp_unrelated", "ICMP error that is about no connection of its receiver")   \
  X(kPolicyEgress, "policy_egress", "denied by the sender's egress policy")                       \
  X(kPolicyIngress, "policy_ingress", "denied by the receiver's ingress policy")                  \
  X(kInspectEarly, "inspect_early", "data before what the initiator says first was judged")       \
  X(kInspectLate, "inspect_late", "policy asks for content that has passed already")              \
  X(kInspectFragment, "inspect_fragment", "fragment of a connection whose content is judged")     \
  X(kInspectMalformed, "inspect_malformed", "looks like TLS or HTTP and is not as RFCs say")      \
  X(kInspectBound, "inspect_bound", "longer or in more pieces than is kept to be judged")         \
  X(kInspectOverlap, "inspect_overlap", "repeats a part of the stream with other bytes")          \
  X(kInspectPattern, "inspect_pattern", "has a pattern that the rule that allows it denies")      \
  X(kInspectFull, "inspect_full", "no room to keep what is to be judged")                         \
  X(kInspectTimeout, "inspect_timeout", "what was to be judged never came whole")                 \
  X(kTableFull, "table_full", "no room in the connection table")                                  \
  X(kPortShare, "port_share", "the port's share of the connection table is used up")              \
  X(kOffloadMalformed, "offload_malformed", "offload request that does not fit the packet")       \
  X(kOffloadUnsupported, "offload_unsupported", "to be cut in a way neither peer nor we can")     \
  X(kTooBig, "too_big", "larger than the MTU of the receiving port")                              \
  X(kNoBuffers, "no_buffers", "no packet buffer left to cut or copy it")                          \
  X(kTxFull, "tx_full", "the receiving port's queue is full or nobody reads it")                  \
  X(kMirrorFull, "mirror_full", "a copy for a mirror that has no room or no reader")              \
  X(kMirrorInput, "mirror_input", "sent by the peer of a mirror, which may only look")

enum class DropReason : uint8_t {
#define SLUICE_X(constant, name, text) constant,
  SLUICE_DROP_REASONS(SLUICE_X)
#undef SLUICE_X
};

inline constexpr size_t kDropReasonCount = 0
#define SLUICE_X(constant, name, text) +1
    SLUICE_DROP_REASONS(SLUICE_X)
#undef SLUICE_X
    ;

const char* DropReasonName(DropReason reason);
const char* DropReasonText(DropReason reason);

}  // namespace sluice::dataplane
