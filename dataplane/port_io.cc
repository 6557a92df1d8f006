#include "dataplane/port_io.h"

#include <rte_ethdev.h>
#include <rte_mbuf.h>

#include "dataplane/tap_port.h"
#include "dataplane/vhost_port.h"

namespace sluice::dataplane {

namespace {

// Chains make way for copies in one piece. How many packets are so from the first on: fewer if
// there are no buffers.
uint16_t InOnePiece(rte_mbuf** mbufs, uint16_t count) {
  for (uint16_t i = 0; i < count; ++i) {
    if (mbufs[i]->nb_segs == 1) continue;
    rte_mbuf* copy = rte_pktmbuf_copy(mbufs[i], mbufs[i]->pool, 0, UINT32_MAX);
    if (copy == nullptr || copy->nb_segs != 1) {
      rte_pktmbuf_free(copy);
      return i;
    }
    rte_pktmbuf_free(mbufs[i]);
    mbufs[i] = copy;
  }
  return count;
}

}  // namespace

uint16_t PortIo::Receive(uint16_t queue, rte_mbuf** mbufs, uint16_t count) const {
  if (vhost_ != nullptr) return vhost_->Receive(queue, mbufs, count);
  if (tap_ != nullptr) return tap_->Receive(mbufs, count);
  return ethdev_ == kNoEthdev ? uint16_t{0} : rte_eth_rx_burst(ethdev_, queue, mbufs, count);
}

uint16_t PortIo::Send(uint16_t queue, rte_mbuf** mbufs, uint16_t count) const {
  if (vhost_ != nullptr) return vhost_->Send(queue, mbufs, count);
  if (tap_ != nullptr) return tap_->Send(mbufs, count);
  if (ethdev_ == kNoEthdev) return 0;
  if (one_piece_) count = InOnePiece(mbufs, count);
  return rte_eth_tx_burst(ethdev_, queue, mbufs, count);
}

}  // namespace sluice::dataplane
