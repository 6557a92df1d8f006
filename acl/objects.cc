#include "acl/objects.h"

#include <algorithm>

namespace sluice::acl {
namespace {

bool Lists(const std::vector<std::string>& types, const char* type) {
  return std::find(types.begin(), types.end(), type) != types.end();
}

}  // namespace

bool TypesIsolateIngress(const std::vector<std::string>& policy_types) {
  return policy_types.empty() || Lists(policy_types, "Ingress");
}

bool TypesIsolateEgress(const std::vector<std::string>& policy_types, bool has_egress) {
  return policy_types.empty() ? has_egress : Lists(policy_types, "Egress");
}

bool NetworkPolicy::IsolatesIngress() const { return TypesIsolateIngress(policy_types); }

bool NetworkPolicy::IsolatesEgress() const {
  return TypesIsolateEgress(policy_types, !egress.empty());
}

uint8_t ProtocolNumber(const std::string& protocol) {
  if (protocol.empty() || protocol == "TCP") return 6;
  if (protocol == "UDP") return 17;
  if (protocol == "SCTP") return 132;
  return 0;
}

}  // namespace sluice::acl
