#include "dataplane/fragments.h"

#include <netinet/in.h>
#include <rte_branch_prediction.h>

#include <algorithm>
#include <utility>

#include "dataplane/trace.h"

namespace sluice::dataplane {
namespace {

DatagramKey KeyOf(const Burst& burst, const Packet& packet) {
  DatagramKey key;
  key.source = packet.src.bytes;
  key.destination = packet.dst.bytes;
  key.identification = packet.fragment.identification;
  if (!packet.flood) {
    key.out = {packet.out_port, burst.snapshot->ports[packet.out_port].generation};
  }
  key.network = burst.network_id;
  key.family = static_cast<uint8_t>(packet.src.family);
  if (packet.src.family == acl::Family::kIpv4) key.protocol = packet.protocol;
  return key;
}

FirstHeader HeaderOf(const Packet& packet) {
  FirstHeader header;
  header.kind = packet.kind;
  header.protocol = packet.protocol;
  header.tcp_flags = packet.tcp_flags;
  header.icmp_type = packet.icmp_type;
  header.src_port = packet.src_port;
  header.dst_port = packet.dst_port;
  header.tcp = packet.tcp;
  header.tcp_data = static_cast<uint16_t>(packet.fragment.length - packet.tcp.payload);
  return header;
}

// For the tracker, a later fragment of data is the segment that follows; its FIN comes last.
void ContinueTcp(const FirstHeader& header, Packet& packet) {
  packet.tcp = header.tcp;
  if ((header.tcp_flags & (kTcpSyn | kTcpRst)) != 0) return;  // that again
  packet.tcp.seq += uint32_t{packet.fragment.offset} - header.tcp_data;
  packet.tcp.payload = packet.fragment.length;
  if (packet.fragment.more) packet.tcp_flags &= static_cast<uint8_t>(~kTcpFin);
}

void Give(const FirstHeader& header, Packet& packet) {
  packet.kind = header.kind;
  packet.protocol = header.protocol;
  packet.tcp_flags = header.tcp_flags;
  packet.icmp_type = header.icmp_type;
  packet.src_port = header.src_port;
  packet.dst_port = header.dst_port;
  if (packet.protocol == IPPROTO_TCP) ContinueTcp(header, packet);
}

bool IsThere(const Snapshot& snapshot, SubjectRef owner) {
  if (owner.port >= snapshot.ports.size()) return false;
  const PortView& port = snapshot.ports[owner.port];
  return port.in_use && port.generation == owner.generation;
}

}  // namespace

Fragments::Fragments(const FragmentConfig& config, Tally* tally) : config_(config), tally_(tally) {}

Fragments::~Fragments() {
  for (unsigned i = 0; i < active_count_; ++i) {
    FragmentPort& port = *ports_[active_[i]];
    port.Clear(TallyOf(port));
  }
}

FragmentPort& Fragments::PortOf(const Burst& burst) {
  std::unique_ptr<FragmentPort>& port = ports_[burst.in_port];
  if (port == nullptr) port = std::make_unique<FragmentPort>();
  if (!std::exchange(is_active_[burst.in_port], true)) active_[active_count_++] = burst.in_port;
  return *port;
}

// What one port may hold: as much as is left, and so never everything; and a little in any case.
unsigned Fragments::Budget() const {
  constexpr unsigned kInAnyCase = 8;
  unsigned held = 0;
  for (unsigned i = 0; i < active_count_; ++i) held += ports_[active_[i]]->held_segments();
  const unsigned left = config_.held_by_all - std::min(config_.held_by_all, held);
  return std::min(config_.held_segments, std::max(left, kInAnyCase));
}

void Fragments::Join(Burst& burst) {
  if (likely(!burst.has_fragments)) return;
  if (burst.trace != nullptr) return Foretell(burst);
  FragmentPort& port = PortOf(burst);
  port.SetOwner({burst.in_port, burst.in->generation}, TallyOf(port));
  unsigned kept = 0;
  for (unsigned i = 0; i < burst.count; ++i) {
    Packet& packet = burst.packets[i];
    if (packet.alive() && packet.fragment.present() && !JoinOne(burst, port, packet)) continue;
    if (kept != i) burst.packets[kept] = packet;
    ++kept;
  }
  burst.count = kept;
}

// On a copy of what is known of the datagram. That there is no room to wait cannot be told.
void Fragments::Foretell(Burst& burst) const {
  Packet& packet = burst.packets[0];
  if (!packet.alive() || !packet.fragment.present()) return;
  const FragmentPort* port = ports_[burst.in_port].get();
  const SubjectRef owner{burst.in_port, burst.in->generation};
  const bool own = port != nullptr && port->owner() == owner;
  const Datagram* known = own ? port->Find(KeyOf(burst, packet)) : nullptr;
  Datagram datagram = known != nullptr ? *known : Datagram();
  packet.drop = datagram.doom != DropReason::kNone
                    ? datagram.doom
                    : FragmentPort::Record(datagram, packet.fragment);
  burst.trace->fragment = true;
  if (!packet.alive() || packet.fragment.first()) return;
  if (datagram.has_first) return Give(datagram.first, packet);
  burst.trace->waits = true;
  burst.count = 0;
}

bool Fragments::JoinOne(Burst& burst, FragmentPort& port, Packet& packet) {
  PortTally& tally = TallyOf(port);
  const FragmentPort::Slot slot = port.FindOrOpen(KeyOf(burst, packet), burst.now_ms, tally);
  Datagram& datagram = port.at(slot);
  packet.fragment.datagram = slot;
  if (datagram.doom == DropReason::kNone) {
    packet.drop = FragmentPort::Record(datagram, packet.fragment);
    if (datagram.doom != DropReason::kNone) MarkReady(port, slot);
  } else {
    packet.drop = datagram.doom;
  }
  if (!packet.alive()) return true;
  if (packet.fragment.first()) {
    datagram.has_first = true;
    datagram.first = HeaderOf(packet);
  } else if (datagram.has_first) {
    Give(datagram.first, packet);
  } else if (port.Hold(slot, packet.mbuf, Budget(), tally)) {
    return false;
  } else {
    packet.drop = DropReason::kFragmentLimit;
  }
  return true;
}

std::span<rte_mbuf*> Fragments::Release(const Burst& burst) {
  if (likely(!burst.has_fragments)) return {};
  FragmentPort& port = *ports_[burst.in_port];
  for (unsigned i = 0; i < burst.count; ++i) Settle(burst.packets[i], port);
  unsigned count = 0;
  while (ready_count_ > 0 && count < kBurstSize) {
    const FragmentPort::Slot slot = ready_[ready_count_ - 1];
    count += port.TakeHeld(slot, {released_.data() + count, kBurstSize - count});
    if (port.at(slot).held_count == 0) --ready_count_;
  }
  if (count == 0) port.NextBurst();
  return {released_.data(), count};
}

// What became of one fragment of the burst.
void Fragments::Settle(const Packet& packet, FragmentPort& port) {
  const FragmentPort::Slot slot = packet.fragment.datagram;
  if (slot == kNoDatagram) return;
  Datagram& datagram = port.at(slot);
  const bool judged = packet.fragment.first() && packet.drop != DropReason::kFragmentDuplicate;
  if (judged && !packet.alive() && datagram.doom == DropReason::kNone) datagram.doom = packet.drop;
  if (judged) MarkReady(port, slot);
  port.FreeIfDone(slot);
}

void Fragments::MarkReady(FragmentPort& port, FragmentPort::Slot slot) {
  if (port.at(slot).held_count == 0) return;
  const auto end = ready_.begin() + ready_count_;
  if (std::find(ready_.begin(), end, slot) == end) ready_[ready_count_++] = slot;
}

void Fragments::Age(const Snapshot& snapshot, uint32_t now_ms) {
  if (likely(active_count_ == 0)) return;
  for (unsigned i = 0; i < active_count_; ++i) {
    FragmentPort& port = *ports_[active_[i]];
    if (!IsThere(snapshot, port.owner())) port.Clear(TallyOf(port));
  }
  if (now_ms == aged_ms_) return;
  aged_ms_ = now_ms;
  next_active_ = (next_active_ + 1) % active_count_;
  const PortId id = active_[next_active_];
  FragmentPort& port = *ports_[id];
  port.Expire(now_ms, config_.timeout_ms, TallyOf(port));
  if (!port.empty()) return;
  is_active_[id] = false;
  active_[next_active_] = active_[--active_count_];
}

}  // namespace sluice::dataplane
