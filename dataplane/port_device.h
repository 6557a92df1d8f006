// Opens and closes the device of a port.
//
// A port kind is one row (port_kind.h) that turns a PortSpec into a device: a vhost socket
// (vhost_port.h), a tap (tap_port.h), or one of DPDK's ethdevs. What ethdevs share (queues, start,
// close) is here once.
#pragma once

#include <absl/status/statusor.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include "dataplane/memif_guard.h"
#include "dataplane/pci_device.h"
#include "dataplane/port_io.h"
#include "dataplane/port_spec.h"
#include "dataplane/quiescence.h"
#include "dataplane/sealed_directory.h"
#include "dataplane/tap_port.h"
#include "dataplane/tap_watch.h"
#include "dataplane/tx_ports.h"
#include "dataplane/vhost_port.h"
#include "dataplane/xdp_port.h"

struct rte_mempool;

namespace sluice::dataplane {

// What a device works with; all of it outlives the device.
struct DeviceNeeds {
  rte_mempool* pool = nullptr;  // feeds the receive queues
  TxPort* tx = nullptr;         // is told what the peer takes; null: nobody wants to know
  Quiescence* readers =
      nullptr;               // who use io(): waited for before a peer's rings go; null: nobody does
  TapWatch* taps = nullptr;  // null: every look at a tap asks the kernel
  std::span<const std::string> pci = {};  // devices that may be opened: pci_device.h
};

// A started device with the queues that its spec asks for. Move-only; closes in its destructor, and
// removes the socket that a vhost server made. The directory of a vhost client's socket that a
// CNI plugin made for a pod is the pod's to write in: no symbolic link in it is followed, and it
// has to stay as long as the port.
class PortDevice {
 public:
  // `spec` passed Validate. A socket that nobody listens on makes way. Errors read "port NAME:
  // REASON": AlreadyExists (the socket path or interface exists, or another port has the device),
  // FailedPrecondition (directory not writable or not to be sealed, no such interface or one with a
  // smaller MTU, file not readable), ResourceExhausted (DPDK's own limit of ethdevs), Internal with
  // DPDK's or the kernel's error.
  static absl::StatusOr<PortDevice> Open(const PortSpec& spec, const DeviceNeeds& needs);

  PortDevice(PortDevice&& other) noexcept { *this = std::move(other); }
  PortDevice& operator=(PortDevice&& other) noexcept;
  ~PortDevice() { Close(); }

  PortIo io() const;
  bool LinkUp() const;

 private:
  PortDevice() = default;
  // Puts the sealed way to the socket into `spec`, if the port wants one.
  absl::Status Seal(PortSpec* spec);
  absl::Status OpenVhost(const PortSpec& spec, const DeviceNeeds& needs);
  absl::Status OpenTap(const PortSpec& spec, const DeviceNeeds& needs);
  absl::Status OpenEthdev(const PortSpec& spec, const DeviceNeeds& needs);
  int Configure(uint8_t queues) const;
  absl::Status StartXdp(const PortSpec& spec, rte_mempool* pool);
  absl::Status Start(const PortSpec& spec, rte_mempool* pool);
  void Close();

  std::optional<SealedDirectory> sealed_;  // where the pod's socket is
  std::unique_ptr<VhostPort> vhost_;       // at most one of these two; none: an ethdev
  std::unique_ptr<TapPort> tap_;
  bool open_ = false;                  // the ethdev is ours
  uint16_t id_ = 0;                    // ethdev id
  std::optional<PciDevice> pci_;       // whose ethdev it is; none: it is on the vdev bus
  std::string vdev_;                   // name there
  std::unique_ptr<MemifGuard> memif_;  // a memif port's
  std::optional<XdpPort> xdp_;         // an af-xdp port's
};

// Whether the port receives only what fits into one buffer, and its MTU is above the usual: its
// pool has kJumboRoom bytes of data room.
bool NeedsJumboBuffers(const PortSpec& spec);
inline constexpr uint16_t kJumboRoom = 16384;

// The two rings of a ring port, by which another part of the process is its peer:
// rte_ring_lookup("NAME-rx") goes into the switch, "NAME-tx" comes out of it.
std::string RingName(const PortSpec& spec, bool into_switch);

}  // namespace sluice::dataplane
