#include "dataplane/mirror.h"

#include <bit>

namespace sluice::dataplane {

void Mirrorer::CopyPassing(const Burst& burst) {
  const Snapshot& snapshot = *burst.snapshot;
  for (unsigned i = 0; i < burst.count; ++i) {
    const Packet& packet = burst.packets[i];
    if (!packet.alive() || packet.flood) continue;
    const PortView& out = snapshot.ports[packet.out_port];
    const auto mirrors = static_cast<MirrorSet>(burst.in->mirrors.in | out.mirrors.out);
    if (mirrors == 0) continue;
    const DropReason unfit = transmitter_->Check(out, packet.out_port, *packet.mbuf);
    if (unfit == DropReason::kNone) Copy(snapshot, mirrors, *packet.mbuf);
  }
}

void Mirrorer::CopyDead(const Burst& burst) {
  if (burst.in->mirrors.dead == 0) return;
  for (unsigned i = 0; i < burst.count; ++i) {
    const Packet& packet = burst.packets[i];
    if (packet.alive() || packet.mbuf == nullptr) continue;
    Copy(*burst.snapshot, burst.in->mirrors.dead, *packet.mbuf);
  }
}

void Mirrorer::CopyRejected(const Burst& burst, const Packet& packet) {
  Copy(*burst.snapshot, burst.in->mirrors.dead, *packet.mbuf);
}

void Mirrorer::Copy(const Snapshot& snapshot, MirrorSet mirrors, const rte_mbuf& mbuf) {
  for (unsigned left = mirrors; left != 0; left &= left - 1) {
    CopyTo(snapshot, snapshot.mirrors[static_cast<unsigned>(std::countr_zero(left))], mbuf);
  }
}

void Mirrorer::CopyTo(const Snapshot& snapshot, PortId mirror, const rte_mbuf& mbuf) {
  DropReason unfit = transmitter_->Check(snapshot.ports[mirror], mirror, mbuf);
  if (unfit == DropReason::kNone) {
    rte_mbuf* copy = rte_pktmbuf_copy(&mbuf, ports_->mirrored, 0, UINT32_MAX);
    if (copy != nullptr) {
      copy->hash.fdir.hi = 0;  // recorder.cc: it is nobody's record
      return transmitter_->Enqueue(snapshot, mirror, mirror, copy);
    }
    unfit = DropReason::kMirrorFull;
  }
  tally_->ports[mirror].drops[static_cast<size_t>(unfit)].Add(1);
}

}  // namespace sluice::dataplane
