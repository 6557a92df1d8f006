// How much a policy asks for, as written: the measure that namespaces are held to.
#pragma once

#include <cstddef>

#include "acl/objects.h"
#include "acl/sluice_policy.h"

namespace sluice::control {

// Each peer with each port of each rule; a rule without peers or ports counts as with one, and each
// block that a peer excepts as a peer of its own: all of them are blocks to tell apart. At least 1.
// What becomes of a term depends on the cluster (a flat rule, several, none); what a tenant writes
// does not.
size_t TermsOf(const acl::NetworkPolicy& policy);
inline size_t TermsOf(const acl::MultiNetworkPolicy& multi) { return TermsOf(multi.policy); }
// And each name, request and pattern that a rule asks for.
size_t TermsOf(const acl::SluicePolicy& policy);

}  // namespace sluice::control
