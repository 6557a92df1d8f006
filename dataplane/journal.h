// What one worker remembers for people: which rule refused how many packets, or would have.
//
// Owned by the worker and written by it alone; read by any thread.
#pragma once

#include "dataplane/denial_tally.h"
#include "dataplane/packet.h"

namespace sluice::dataplane {

class Journal {
 public:
  // A packet of `burst` was refused for `reason`, by `rule` if it was policy's.
  void Refused(const Burst& burst, DropReason reason, acl::RuleId rule, bool observed);

  const DenialTally& denials() const { return denials_; }

 private:
  DenialTally denials_;
};

// What becomes of a packet that policy refuses for `reason`: the reason it dies of, or kNone if the
// switch only observes. Counts it, but in a dry run.
DropReason Refuse(const Burst& burst, DropReason reason, acl::RuleId rule);

}  // namespace sluice::dataplane
