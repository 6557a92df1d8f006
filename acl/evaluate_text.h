// What selectors and CIDRs say, read from their text at every question.
//
// Part of acl/evaluator.h, and apart from the compiler's own readers on purpose.
#pragma once

#include <string>

#include "acl/objects.h"

namespace sluice::acl {

// Every entry holds of `labels`; an empty selector selects everything.
bool Selects(const LabelSelector& selector, const Labels& labels);

// `block` is "10.0.0.0/8" or "fd00::/8", host bits of no meaning. False for an address of the other
// family, and for a text that is no block.
bool IsInside(const std::string& block, const IpAddress& address);
bool IsInside(const Cidr& block, const IpAddress& address);

}  // namespace sluice::acl
