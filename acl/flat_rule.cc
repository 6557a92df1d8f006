#include "acl/flat_rule.h"

namespace sluice::acl {

const char* TierName(Tier tier) {
  switch (tier) {
    case Tier::kAdmin:
      return "Admin";
    case Tier::kNetworkPolicy:
      return "NetworkPolicy";
    case Tier::kBaseline:
      return "Baseline";
    case Tier::kNone:
      return "None";
  }
  return "None";
}

}  // namespace sluice::acl
