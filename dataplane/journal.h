// What one worker remembers for people: which rule refused how many packets.
//
// Owned by the worker and written by it alone; read by any thread.
#pragma once

#include "dataplane/denial_tally.h"
#include "dataplane/packet.h"

namespace sluice::dataplane {

class Journal {
 public:
  // A packet of `burst` was refused for `reason`, by `rule` if it was policy's.
  void Refused(const Burst& burst, DropReason reason, acl::RuleId rule);

  const DenialTally& denials() const { return denials_; }

 private:
  DenialTally denials_;
};

}  // namespace sluice::dataplane
