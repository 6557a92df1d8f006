// DHCP between pods and the outside (RFC 2131, RFC 8415), told by its ports: in a network that
// allows it, a pod's questions and the outside's answers are not held against policy. Pods do not
// answer.
#pragma once

#include <netinet/in.h>

#include "dataplane/packet.h"

namespace sluice::dataplane {

struct DhcpPorts {
  uint16_t client, server;
};

inline DhcpPorts DhcpPortsOf(const Packet& packet) {
  return packet.src.family == acl::Family::kIpv4 ? DhcpPorts{68, 67} : DhcpPorts{546, 547};
}

inline bool IsDhcpQuestion(const Packet& packet) {
  const DhcpPorts ports = DhcpPortsOf(packet);
  return packet.kind == PacketKind::kTracked && packet.protocol == IPPROTO_UDP &&
         packet.src_port == ports.client && packet.dst_port == ports.server;
}

inline bool IsDhcpAnswer(const Packet& packet) {
  const DhcpPorts ports = DhcpPortsOf(packet);
  return packet.kind == PacketKind::kTracked && packet.protocol == IPPROTO_UDP &&
         packet.src_port == ports.server && packet.dst_port == ports.client;
}

}  // namespace sluice::dataplane
