#include "dataplane/port_io.h"

#include <rte_ethdev.h>

#include "dataplane/tap_port.h"
#include "dataplane/vhost_port.h"

namespace sluice::dataplane {

uint16_t PortIo::Receive(uint16_t queue, rte_mbuf** mbufs, uint16_t count) const {
  if (vhost_ != nullptr) return vhost_->Receive(queue, mbufs, count);
  if (tap_ != nullptr) return tap_->Receive(mbufs, count);
  return ethdev_ == kNoEthdev ? uint16_t{0} : rte_eth_rx_burst(ethdev_, queue, mbufs, count);
}

uint16_t PortIo::Send(uint16_t queue, rte_mbuf** mbufs, uint16_t count) const {
  if (vhost_ != nullptr) return vhost_->Send(queue, mbufs, count);
  if (tap_ != nullptr) return tap_->Send(mbufs, count);
  return ethdev_ == kNoEthdev ? uint16_t{0} : rte_eth_tx_burst(ethdev_, queue, mbufs, count);
}

}  // namespace sluice::dataplane
