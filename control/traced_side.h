// What policy said of one direction of a packet's way, in words.
#pragma once

#include <optional>
#include <string>

#include "acl/rule_ids.h"
#include "control/verdict.h"
#include "dataplane/trace.h"

namespace sluice::control {

// `rules` are the network's; null: it is gone. Nothing for a direction that is not judged here.
std::optional<Side> SideOf(const dataplane::TraceSide& traced, const acl::RuleIds* rules);

// "allow by NetworkPolicy default/web ingress[0]", "allow (no policy)", "not judged here".
std::string SideText(const dataplane::TraceSide& traced, const acl::RuleIds* rules);

}  // namespace sluice::control
