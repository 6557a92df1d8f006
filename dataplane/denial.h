// A way of being refused by policy: what refusals are counted by.
#pragma once

#include <cstdint>

#include "acl/rule_ids.h"
#include "dataplane/drop_reason.h"
#include "dataplane/snapshot.h"

namespace sluice::dataplane {

struct Denial {
  PortId port = kNoPort;  // the packet entered by
  uint16_t generation = 0;
  DropReason reason = DropReason::kNone;
  bool observed = false;  // mode observe: the packet went on
  NetworkId network = 0;
  acl::RuleId rule = acl::kNoRule;  // of the network
  bool operator==(const Denial&) const = default;
};

}  // namespace sluice::dataplane
