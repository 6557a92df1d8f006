#include "dataplane/flood.h"

#include <netinet/in.h>

#include "dataplane/journal.h"
#include "dataplane/judge.h"

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
    return asked_;
  }

 private:
  void SendToOffered() {
    std::array<PolicyAnswer, kBurstSize> answers{};
    if (IsJudged(packet_)) JudgeOffered(answers);
    for (unsigned i = 0; i < count_; ++i) {
      DropReason refusal = answers[i].Refusal();
      if (refusal != DropReason::kNone) {
        ++refused_;
        refusal_ = refusal;
        rule_ = answers[i].RefusingRule(burst_.snapshot->networks[burst_.in->network]);
        if (burst_.snapshot->mode == Mode::kObserve) refusal = DropReason::kNone;
      }
      if (refusal == DropReason::kNone) refusal = Copy(receivers_[i]);
      if (burst_.trace != nullptr) Note(receivers_[i], refusal, answers[i]);
    }
    offered_ += count_;
    count_ = 0;
  }

  // kNone, or why the port cannot take it.
  DropReason Copy(PortId receiver) {
    const Snapshot& snapshot = *burst_.snapshot;
    const DropReason unfit = transmitter_.Check(snapshot.ports[receiver], receiver, *packet_.mbuf);
    if (unfit != DropReason::kNone) {
      refusal_ = unfit;
      return unfit;
    }
    ++copies_;
    if (burst_.trace != nullptr) return unfit;
    rte_pktmbuf_refcnt_update(packet_.mbuf, 1);  // every segment; ours stays until the sink
    transmitter_.Enqueue(snapshot, burst_.in_port, receiver, packet_.mbuf);
    return unfit;
  }

  void Note(PortId receiver, DropReason refusal, const PolicyAnswer& answer) {
    const Snapshot& snapshot = *burst_.snapshot;
    const NetworkView& network = snapshot.networks[burst_.in->network];
    burst_.trace->NoteReceiver({receiver, refusal, SideOf(network, *burst_.in, answer.egress),
                                SideOf(network, snapshot.ports[receiver], answer.ingress)});
  }

  void JudgeOffered(std::array<PolicyAnswer, kBurstSize>& answers) {
    std::array<Parties, kBurstSize> parties;
    const bool has_ports = packet_.protocol == IPPROTO_TCP || packet_.protocol == IPPROTO_UDP ||
                           packet_.protocol == IPPROTO_SCTP;
    for (unsigned i = 0; i < count_; ++i) {
      parties[i] = {burst_.in,        &burst_.snapshot->ports[receivers_[i]],
                    packet_.src,      packet_.dst,
                    packet_.protocol, has_ports ? packet_.dst_port : uint16_t{0}};
    }
    asked_ += AskPolicy(*burst_.snapshot, {parties.data(), count_}, answers);
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
  DropReason refusal_ = DropReason::kNoReceiver;  // the last one
  acl::RuleId rule_ = acl::kNoRule;               // policy's, if it was policy
};

}  // namespace

unsigned Flood(Burst& burst, Transmitter& transmitter) {
  const Snapshot& snapshot = *burst.snapshot;
  unsigned asked = 0;
  for (Packet& packet : burst.all()) {
    if (!packet.alive() || !packet.flood) continue;
    if (IsJudged(packet) && !IsForGroup(packet)) {
      packet.drop = DropReason::kWrongDestination;
      continue;
    }
    FloodedPacket flooded(burst, packet, transmitter);
    for (const PortId member : snapshot.networks[burst.in->network].members) {
      if (member == burst.in_port) continue;
      const bool shut = snapshot.ports[member].subject == SubjectState::kUnknown;
      if (shut && snapshot.mode == Mode::kEnforce) continue;
      flooded.Offer(member);
    }
    asked += flooded.Finish();
  }
  return asked;
}

}  // namespace sluice::dataplane
