#include "control/network_spec.h"

#include <fmt/core.h>

#include <algorithm>
#include <string_view>

#include "acl/name_syntax.h"

namespace sluice::control {
namespace {

constexpr size_t kMaxName = 63;
constexpr uint32_t kMinMtu = 68, kMaxMtu = 65535;  // what IPv4 asks for at least (RFC 791)

constexpr const char* kFamilies[] = {"network", "cluster", "multi"};  // by PolicyFamily

bool IsNameChar(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
}

// Why `text` is no name of a network; empty if it is one.
std::string NameProblem(std::string_view text) {
  if (const size_t slash = text.find('/'); slash != std::string_view::npos) {
    if (const auto refusal = acl::CheckDnsLabel(text.substr(0, slash))) {
      return "namespace: " + *refusal;
    }
    text.remove_prefix(slash + 1);
  }
  if (text.empty() || text.size() > kMaxName) {
    return fmt::format("must have 1 to {} characters", kMaxName);
  }
  return std::ranges::all_of(text, IsNameChar) ? "" : "may hold only a-z, 0-9, '-' and '.'";
}

// Why `policies` is no list of kinds; empty if it is one.
std::string PoliciesProblem(const std::vector<std::string>& policies) {
  for (auto it = policies.begin(); it != policies.end(); ++it) {
    if (std::ranges::count(kFamilies, *it) == 0) {
      return fmt::format("{} is none of network, cluster, multi", acl::Quoted(*it));
    }
    if (std::find(policies.begin(), it, *it) != it) return *it + " is listed twice";
  }
  return "";
}

}  // namespace

bool Takes(const NetworkSpec& spec, PolicyFamily family) {
  if (spec.policies.empty()) {
    return (spec.name == kDefaultNetwork) != (family == PolicyFamily::kMulti);
  }
  return std::ranges::count(spec.policies, kFamilies[static_cast<size_t>(family)]) > 0;
}

std::string AttachmentName(const std::string& name) {
  return name.find('/') == std::string::npos ? "default/" + name : name;
}

absl::Status Validate(const NetworkSpec& spec) {
  auto bad = [&spec](const char* field, const std::string& reason) {
    return absl::InvalidArgumentError(fmt::format("network {}: {}: {}", spec.name, field, reason));
  };
  if (const std::string problem = NameProblem(spec.name); !problem.empty()) {
    return bad("name", problem);
  }
  if (const std::string problem = PoliciesProblem(spec.policies); !problem.empty()) {
    return bad("policies", problem);
  }
  if (spec.vlan > kMaxVlan) {
    return bad("vlan", fmt::format("{} is not between 0 and {}", spec.vlan, kMaxVlan));
  }
  if (spec.mtu != 0 && (spec.mtu < kMinMtu || spec.mtu > kMaxMtu)) {
    return bad("mtu", fmt::format("{} is not between {} and {}", spec.mtu, kMinMtu, kMaxMtu));
  }
  for (const dataplane::MacAddress& mac : spec.routers) {
    if (mac.IsZero() || mac.IsMulticast()) {
      return bad("routers", fmt::format("{} is not the address of one router", mac.ToString()));
    }
  }
  return absl::OkStatus();
}

}  // namespace sluice::control
