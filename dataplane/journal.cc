#include "dataplane/journal.h"

#include "dataplane/trace.h"

namespace sluice::dataplane {

void Journal::Refused(const Burst& burst, DropReason reason, acl::RuleId rule, bool observed) {
  denials_.Add({burst.in_port, burst.in->generation, reason, observed, rule},
               burst.snapshot->ports);
}

DropReason Refuse(const Burst& burst, DropReason reason, acl::RuleId rule) {
  const bool observed = burst.snapshot->mode == Mode::kObserve;
  if (burst.trace != nullptr) {
    if (observed) burst.trace->would_drop = reason;
  } else if (observed || rule != acl::kNoRule) {  // the sink counts the rest
    burst.journal->Refused(burst, reason, rule, observed);
  }
  return observed ? DropReason::kNone : reason;
}

}  // namespace sluice::dataplane
