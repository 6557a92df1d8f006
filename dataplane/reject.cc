#include "dataplane/reject.h"

#include <rte_branch_prediction.h>

#include "dataplane/answer.h"
#include "dataplane/mirror.h"
#include "dataplane/recorder.h"
#include "dataplane/trace.h"
#include "dataplane/vlan.h"

namespace sluice::dataplane {

Rejecter::Rejecter(const RejectConfig& config, Tally* tally)
    : config_(config), tally_(tally), buckets_(std::make_unique<TokenBucket[]>(kMaxPorts)) {}

void Rejecter::Answer(Burst& burst, Transmitter& transmitter) {
  if (likely(!burst.has_rejects)) return;
  for (Packet& packet : burst.all()) {
    if (packet.reject) AnswerOne(burst, transmitter, packet);
  }
}

void Rejecter::AnswerOne(const Burst& burst, Transmitter& transmitter, Packet& packet) {
  const AnswerKind kind = AnswerTo(packet);
  if (burst.trace != nullptr) burst.trace->answer = kind;
  if (kind == AnswerKind::kNone || burst.trace != nullptr) return;
  if (!buckets_[burst.in_port].Take(config_.answers, burst.now_ms)) return;
  if (burst.recorder != nullptr) burst.recorder->KeepRejected(burst, packet);
  if (burst.mirrorer != nullptr) burst.mirrorer->CopyRejected(burst, packet);
  if (!MakeAnswer(packet, kind, burst.in->mtu)) return;
  const NetworkView& network = *burst.network;
  if (network.vlan != 0 && burst.in_port == network.uplink &&
      !PushTag(&packet.mbuf, network.vlan)) {
    return;
  }
  tally_->ports[burst.in_port].answered.Add(1);
  transmitter.Enqueue(*burst.snapshot, burst.in_port, burst.in_port, packet.mbuf);
  packet.mbuf = nullptr;
}

}  // namespace sluice::dataplane
