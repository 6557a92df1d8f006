// The drop counters of all ports, split by policy where policy decided.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "acl/flat_rule.h"
#include "control/view.h"
#include "dataplane/denial.h"
#include "dataplane/drop_reason.h"
#include "dataplane/switch.h"

namespace sluice::control {

struct DropRow {
  std::string port;  // the packets entered by
  dataplane::DropReason reason = dataplane::DropReason::kNone;
  uint64_t packets = 0;
  // What refused them. Not set: not policy's matter, or the worker's table of denials had no room.
  // A rule that was forgotten since is "(deleted)" of no tier.
  bool attributed = false;
  acl::RuleSource rule;
  bool in_force = false;
  dataplane::Outcome outcome = dataplane::Outcome::kDropped;
  bool operator==(const DropRow&) const = default;
};

// Every port in force, in order of name, then of reason; without zeros. The rows of one port and
// reason of what died (dropped, rejected) add up to the port's counter.
std::vector<DropRow> ListDrops(const View& view, const dataplane::Switch& data_plane);

}  // namespace sluice::control
