#include "dataplane/audit.h"

#include <array>

#include "dataplane/journal.h"

namespace sluice::dataplane {

unsigned Audit(const Burst& burst, std::span<Packet* const> packets,
               std::span<const Parties> parties, std::span<const PolicyAnswer> answers) {
  std::array<const Packet*, kBurstSize> passed;
  std::array<Parties, kBurstSize> asked;
  unsigned count = 0;
  for (size_t i = 0; i < packets.size(); ++i) {
    // Mode observe lets pass what was refused: that has been told already.
    if (!packets[i]->alive() || answers[i].Refusal() != DropReason::kNone) continue;
    passed[count] = packets[i];
    asked[count++] = parties[i];
  }
  std::array<PolicyAnswer, kBurstSize> audited;
  const unsigned keys = AskAudit(*burst.network, {asked.data(), count}, audited);
  for (unsigned i = 0; i < count; ++i) {
    const DropReason refusal = audited[i].Refusal();
    if (refusal == DropReason::kNone) continue;
    TellAudited(burst, *passed[i], refusal, audited[i].RefusingRule());
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
