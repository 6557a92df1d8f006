#include "dataplane/flood.h"

#include <netinet/in.h>

#include "dataplane/audit.h"
#include "dataplane/journal.h"
#include "dataplane/judge.h"
#include "dataplane/mirror.h"
#include "dataplane/recorder.h"
#include "dataplane/vlan.h"

namespace sluice::dataplane {
namespace {

bool IsJudged(const Packet& packet) {
  return packet.kind == PacketKind::kTracked || packet.kind == PacketKind::kUntracked;
}

// A judged packet's address must be a group's too, or the receivers would be judged by an address
// that is not theirs; and no connection-oriented protocol has groups.
bool IsForGroup(const Packet& packet) {
  if (packet.protocol == IPPROTO_TCP || packet.protocol == IPPROTO_SCTP) return false;
  return packet.dst.IsMulticast() || packet.dst.IsLimitedBroadcast();
}

// Judges one packet for up to kBurstSize receivers, and sends it to those that may have it.
class FloodedPacket {
 public:
  FloodedPacket(const Burst& burst, Packet& packet, Transmitter& transmitter)
      : burst_(burst), packet_(packet), transmitter_(transmitter) {}

  void Offer(PortId receiver) {
    receivers_[count_++] = receiver;
    if (count_ == kBurstSize) SendToOffered();
  }

  unsigned Finish() {
    SendToOffered();
    const bool refused = offered_ > 0 && refused_ == offered_;
    if (refused) refusal_ = Refuse(burst_, packet_, refusal_, rule_);
    if (copies_ == 0) packet_.drop = refusal_;
    if (burst_.mirrorer != nullptr && burst_.trace == nullptr && packet_.alive()) Mirror();
    if (audited_ != DropReason::kNone) TellAudited(burst_, packet_, audited_, audited_rule_);
    return asked_;
  }

 private:
  void SendToOffered() {
    std::array<PolicyAnswer, kBurstSize> answers{}, audited{};
    if (IsJudged(packet_)) AskFor(answers, audited);
    for (unsigned i = 0; i < count_; ++i) {
      DropReason refusal = answers[i].Refusal();
      const bool passes = refusal == DropReason::kNone;
      if (!passes) {
        ++refused_;
        refusal_ = refusal;
        rule_ = answers[i].RefusingRule();
        if (burst_.snapshot->mode == Mode::kObserve) refusal = DropReason::kNone;
      }
      if (refusal == DropReason::kNone) refusal = Copy(receivers_[i]);
      if (passes && refusal == DropReason::kNone) NoteAudit(audited[i]);
      if (burst_.trace != nullptr) Note(receivers_[i], refusal, answers[i]);
    }
    offered_ += count_;
    count_ = 0;
  }

  void Mirror() {
    mirrors_ |= burst_.in->mirrors.in;
    burst_.mirrorer->Copy(*burst_.snapshot, mirrors_, *packet_.mbuf);
  }

  // kNone, or why the port cannot take it.
  DropReason Copy(PortId receiver) {
    const Snapshot& snapshot = *burst_.snapshot;
    const DropReason unfit = transmitter_.Check(snapshot.ports[receiver], receiver, *packet_.mbuf);
    if (unfit != DropReason::kNone) return refusal_ = unfit;
    if (burst_.trace == nullptr) {
      rte_mbuf* copy = CopyFor(receiver);
      if (copy == nullptr) return refusal_ = DropReason::kNoBuffers;
      if (burst_.recorder != nullptr) burst_.recorder->Reached(burst_, packet_, receiver);
      transmitter_.Enqueue(snapshot, burst_.in_port, receiver, copy);
      mirrors_ |= snapshot.ports[receiver].mirrors.out;
    }
    ++copies_;
    return DropReason::kNone;
  }

  // A reference; or a copy of its own, where a tag has to go in. Null: no buffer is left for that.
  rte_mbuf* CopyFor(PortId receiver) {
    const NetworkView& network = *burst_.network;
    if (receiver == network.uplink && network.vlan != 0) {
      return CopyWithTag(packet_.mbuf, network.vlan);
    }
    rte_pktmbuf_refcnt_update(packet_.mbuf, 1);  // every segment; ours stays until the sink
    return packet_.mbuf;
  }

  void Note(PortId receiver, DropReason refusal, const PolicyAnswer& answer) {
    const PortView& out = burst_.snapshot->ports[receiver];
    burst_.trace->NoteReceiver(
        {receiver, refusal, SideOf(*burst_.in, answer.egress), SideOf(out, answer.ingress)});
  }

  void NoteAudit(const PolicyAnswer& answer) {
    if (answer.Refusal() == DropReason::kNone) return;
    audited_ = answer.Refusal();
    audited_rule_ = answer.RefusingRule();
  }

  void AskFor(std::span<PolicyAnswer> answers, std::span<PolicyAnswer> audited) {
    std::array<Parties, kBurstSize> parties;
    const bool has_ports = packet_.protocol == IPPROTO_TCP || packet_.protocol == IPPROTO_UDP ||
                           packet_.protocol == IPPROTO_SCTP;
    for (unsigned i = 0; i < count_; ++i) {
      parties[i] = {burst_.in,        &burst_.snapshot->ports[receivers_[i]],
                    packet_.src,      packet_.dst,
                    packet_.protocol, has_ports ? packet_.dst_port : uint16_t{0}};
    }
    const std::span<const Parties> offered{parties.data(), count_};
    asked_ += AskPolicy(*burst_.network, offered, answers);
    if (burst_.network->IsAudited()) asked_ += AskAudit(*burst_.network, offered, audited);
  }

  const Burst& burst_;
  Packet& packet_;
  Transmitter& transmitter_;
  std::array<PortId, kBurstSize> receivers_;
  unsigned count_ = 0;
  unsigned offered_ = 0;
  unsigned refused_ = 0;  // by policy
  unsigned copies_ = 0;   // sent: in mode observe to the refused too
  unsigned asked_ = 0;
  MirrorSet mirrors_ = 0;                         // of the receivers
  DropReason refusal_ = DropReason::kNoReceiver;  // the last one
  acl::RuleId rule_ = acl::kNoRule;               // policy's, if it was policy
  DropReason audited_ = DropReason::kNone;  // what keeps it from a receiver under audit, the last
  acl::RuleId audited_rule_ = acl::kNoRule;
};

}  // namespace

unsigned Flood(Burst& burst, Transmitter& transmitter) {
  const Snapshot& snapshot = *burst.snapshot;
  unsigned asked = 0;
  for (Packet& packet : burst.all()) {
    if (!packet.alive() || !packet.flood) continue;
    if (packet.kind == PacketKind::kIcmpError) {  // it is for one, about one of his connections
      packet.drop = DropReason::kIcmpUnrelated;
      continue;
    }
    const bool is_dhcp = packet.kind == PacketKind::kDhcp;
    if ((IsJudged(packet) || is_dhcp) && !IsForGroup(packet)) {
      packet.drop = DropReason::kWrongDestination;
      continue;
    }
    FloodedPacket flooded(burst, packet, transmitter);
    for (const PortId member : burst.network->members) {
      if (member == burst.in_port) continue;
      const bool shut = snapshot.ports[member].subject == SubjectState::kUnknown;
      if (shut && snapshot.mode == Mode::kEnforce) continue;
      const bool both_pods =
          burst.in->role == PortRole::kPod && snapshot.ports[member].role == PortRole::kPod;
      if (is_dhcp && both_pods) continue;  // what policy does not see leaves the pods alone
      flooded.Offer(member);
    }
    asked += flooded.Finish();
  }
  return asked;
}

}  // namespace sluice::dataplane
