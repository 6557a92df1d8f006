#include "dataplane/journal.h"

namespace sluice::dataplane {

void Journal::Refused(const Burst& burst, DropReason reason, acl::RuleId rule) {
  denials_.Add({burst.in_port, burst.in->generation, reason, false, rule}, burst.snapshot->ports);
}

}  // namespace sluice::dataplane
