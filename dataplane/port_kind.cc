#include "dataplane/port_kind.h"

#include <fmt/core.h>

#include "dataplane/port_check.h"
#include "dataplane/port_path.h"

namespace sluice::dataplane {
namespace {

// Frames lie in slots that divide a block, which the kernel allocates in one piece.
std::string AfPacketArgs(const PortSpec& spec) {
  const bool jumbo = spec.mtu > kDefaultMtu;
  return fmt::format("iface={},qpairs=1,{}", spec.path,
                     jumbo ? "blocksz=16384,framesz=16384,framecnt=512"
                           : "blocksz=4096,framesz=2048,framecnt=2048");
}
std::string PcapArgs(const PortSpec& spec) {
  std::string args;
  if (!spec.path.empty()) args += fmt::format("rx_pcap={}", spec.path);
  if (!spec.pcap_out.empty()) {
    args += fmt::format("{}tx_pcap={}", args.empty() ? "" : ",", spec.pcap_out);
  }
  return args;
}

// Its socket is a file; the driver would put it into the abstract namespace.
std::string MemifArgs(const PortSpec& spec) {
  const MemifPath path = MemifPath::Parse(spec.path).value_or(MemifPath{});
  const bool server = spec.kind == PortKind::kMemifServer;
  return fmt::format("role={},id={},socket={},socket-abstract=no", server ? "server" : "client",
                     path.id, path.socket);
}

// Of an interface with one receive queue, which CheckXdp sees to.
std::string AfXdpArgs(const PortSpec& spec) {
  return fmt::format("iface={},start_queue=0,queue_count=1", spec.path);
}

std::string RepresentorDevargs(const PortSpec& spec) {
  return RepresentorArgs(spec.path).value_or("");
}

using enum DeviceMaker;
constexpr PortKindRow kRows[] = {
    {.kind = PortKind::kVhostServer,
     .maker = kVhostSocket,
     .driver = "vhost",
     .check = CheckSocketServer},
    {.kind = PortKind::kVhostClient,
     .maker = kVhostSocket,
     .driver = "vhost",
     .check = CheckSocketClient},
    {.kind = PortKind::kMemifServer,
     .maker = kVirtualBus,
     .driver = "net_memif",
     .check = CheckSocketServer,
     .args = MemifArgs},
    {.kind = PortKind::kMemifClient,
     .maker = kVirtualBus,
     .driver = "net_memif",
     .check = CheckMemifClient,
     .args = MemifArgs},
    {.kind = PortKind::kTap, .maker = kTunDevice, .driver = "tun", .check = CheckNewInterface},
    {.kind = PortKind::kAfPacket,
     .maker = kVirtualBus,
     .driver = "net_af_packet",
     .check = CheckInterface,
     .args = AfPacketArgs,
     .whole_frames = true,
     .promiscuous = true},
    {.kind = PortKind::kAfXdp,
     .maker = kVirtualBus,
     .driver = "net_af_xdp",
     .check = CheckXdp,
     .args = AfXdpArgs,
     .promiscuous = true,
     .hint = ": has the interface another XDP program, or sluiced not CAP_NET_ADMIN and CAP_BPF?"},
    {.kind = PortKind::kPcap,
     .maker = kVirtualBus,
     .driver = "net_pcap",
     .check = CheckPcap,
     .args = PcapArgs},
    {.kind = PortKind::kRing, .maker = kRings, .driver = "net_ring", .check = CheckNothing},
    {.kind = PortKind::kPci,
     .maker = kPciDevice,
     .driver = "PCI",
     .check = CheckNothing,
     .sets_mtu = true,
     .promiscuous = true},
    {.kind = PortKind::kRepresentor,
     .maker = kPciDevice,
     .driver = "PCI",
     .check = CheckNothing,
     .args = RepresentorDevargs,
     .sets_mtu = true,
     .promiscuous = true},
};

}  // namespace

const PortKindRow& RowOf(PortKind kind) {
  for (const PortKindRow& row : kRows) {
    if (row.kind == kind) return row;
  }
  return kRows[0];
}

absl::Status PortError(const PortSpec& spec, absl::StatusCode code, std::string_view reason) {
  return absl::Status(code, fmt::format("port {}: {}", spec.name, reason));
}

absl::Status PortError(const PortSpec& spec, const absl::Status& reason) {
  return PortError(spec, reason.code(), std::string(reason.message()));
}

}  // namespace sluice::dataplane
