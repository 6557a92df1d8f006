#include "dataplane/audit.h"

#include <array>

#include "dataplane/journal.h"

namespace sluice::dataplane {

unsigned Audit(const Burst& burst, std::span<const OpenPacket> packets,
               std::span<const Parties> parties, std::span<const PolicyAnswer> answers) {
  std::array<PolicyAnswer, kBurstSize> audited;
  const unsigned keys = AskAudit(*burst.network, parties, audited);
  for (const OpenPacket& one : packets) {
    const PolicyAnswer& answer = audited[one.question];
    const DropReason refusal = answer.Refusal();
    // Mode observe lets pass what was refused: that has been told already.
    const bool passed = one.packet->alive() && answers[one.question].Refusal() == DropReason::kNone;
    if (passed && refusal != DropReason::kNone) {
      TellAudited(burst, *one.packet, refusal, answer.RefusingRule());
    }
  }
  return keys;
}

void TellAudited(const Burst& burst, const Packet& packet, DropReason refusal, acl::RuleId rule) {
  if (burst.trace != nullptr) {
    burst.trace->audit_drop = refusal;
  } else {
    burst.journal->Refused(burst, packet, refusal, rule, Outcome::kAudited);
  }
}

}  // namespace sluice::dataplane
