#include "acl/objects.h"

#include <algorithm>

namespace sluice::acl {
namespace {

bool Lists(const std::vector<std::string>& types, const char* type) {
  return std::find(types.begin(), types.end(), type) != types.end();
}

}  // namespace

bool NetworkPolicy::IsolatesIngress() const {
  return policy_types.empty() || Lists(policy_types, "Ingress");
}

bool NetworkPolicy::IsolatesEgress() const {
  return policy_types.empty() ? !egress.empty() : Lists(policy_types, "Egress");
}

uint8_t ProtocolNumber(const std::string& protocol) {
  if (protocol.empty() || protocol == "TCP") return 6;
  if (protocol == "UDP") return 17;
  if (protocol == "SCTP") return 132;
  return 0;
}

}  // namespace sluice::acl
