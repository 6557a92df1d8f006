#include "acl/checks.h"

#include <fmt/format.h>

#include <algorithm>

namespace sluice::acl {
namespace {

constexpr size_t kMaxRuleName = 100;  // characters, not bytes

Finding CheckRequirement(const std::string& field, const Requirement& requirement) {
  if (auto f = At(field + ".key", CheckLabelKey(requirement.key))) return f;
  const bool sets = requirement.op == "In" || requirement.op == "NotIn";
  if (!sets && requirement.op != "Exists" && requirement.op != "DoesNotExist") {
    return fmt::format("{}.operator: {} is not supported: In, NotIn, Exists or DoesNotExist", field,
                       Quoted(requirement.op));
  }
  if (sets && requirement.values.empty()) {
    return fmt::format("{}.values: is required with operator {}", field, requirement.op);
  }
  if (!sets && !requirement.values.empty()) {
    return fmt::format("{}.values: is not allowed with operator {}", field, requirement.op);
  }
  for (size_t i = 0; i < requirement.values.size(); ++i) {
    const std::string value_field = fmt::format("{}.values[{}]", field, i);
    if (auto f = At(value_field, CheckLabelValue(requirement.values[i]))) return f;
  }
  return std::nullopt;
}

}  // namespace

Finding At(const std::string& field, const Refusal& refusal) {
  if (!refusal) return std::nullopt;
  return fmt::format("{}: {}", field, *refusal);
}

absl::Status ToStatus(const std::string& object, const Finding& finding) {
  if (!finding) return absl::OkStatus();
  return absl::InvalidArgumentError(fmt::format("{}: {}", object, *finding));
}

// A name for an error message: as it is if it is a name at all, else in quotes.
std::string Shown(const std::string& name) { return CheckDnsSubdomain(name) ? Quoted(name) : name; }

std::string ObjectName(const char* kind, const std::string& namespace_name,
                       const std::string& name) {
  return fmt::format("{} {}/{}", kind, Shown(namespace_name), Shown(name));
}

Finding CheckNames(const std::string& namespace_name, const std::string& name) {
  if (auto f = At("metadata.namespace", CheckDnsLabel(namespace_name))) return f;
  return At("metadata.name", CheckDnsSubdomain(name));
}

Finding CheckLabels(const std::string& field, const Labels& labels) {
  for (const auto& [key, value] : labels) {
    if (auto f = At(field, CheckLabelKey(key))) return f;
    if (auto f = At(fmt::format("{}[{}]", field, key), CheckLabelValue(value))) return f;
  }
  return std::nullopt;
}

Finding CheckProtocol(const std::string& field, const std::string& protocol) {
  if (ProtocolNumber(protocol) != 0) return std::nullopt;
  return fmt::format("{}: {} is not supported: TCP, UDP or SCTP", field, Quoted(protocol));
}

Finding CheckPortNumber(const std::string& field, int64_t port) {
  if (1 <= port && port <= 65535) return std::nullopt;
  return fmt::format("{}: {} is not between 1 and 65535", field, port);
}

Finding CheckSelector(const std::string& field, const LabelSelector& selector) {
  if (auto f = CheckLabels(field + ".matchLabels", selector.match_labels)) return f;
  for (size_t i = 0; i < selector.match_expressions.size(); ++i) {
    const std::string requirement = fmt::format("{}.matchExpressions[{}]", field, i);
    if (auto f = CheckRequirement(requirement, selector.match_expressions[i])) return f;
  }
  return std::nullopt;
}

Finding CheckCidr(const std::string& field, const std::string& text) {
  const absl::StatusOr<Cidr> cidr = Cidr::Parse(text);
  if (cidr.ok()) return std::nullopt;
  return fmt::format("{}: {}", field, std::string(cidr.status().message()));
}

Finding CheckAddresses(const std::string& field, const std::vector<IpAddress>& addresses,
                       const char* holder) {
  for (auto it = addresses.begin(); it != addresses.end(); ++it) {
    const std::string entry = fmt::format("{}[{}]", field, it - addresses.begin());
    if (it->IsUnspecified() || it->IsMulticast()) {
      return fmt::format("{}: {} is not the address of one {}", entry, it->ToString(), holder);
    }
    if (std::find(addresses.begin(), it, *it) != it) {
      return fmt::format("{}: {} is listed twice", entry, it->ToString());
    }
  }
  return std::nullopt;
}

Finding CheckCount(const std::string& field, size_t count, size_t most) {
  if (count <= most) return std::nullopt;
  return fmt::format("{}: has {} entries, more than {}", field, count, most);
}

Finding CheckRuleName(const std::string& field, const std::string& name) {
  const auto characters = std::ranges::count_if(
      name, [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; });
  if (static_cast<size_t>(characters) <= kMaxRuleName) return std::nullopt;
  return fmt::format("{}: {} is longer than {} characters", field, Quoted(name), kMaxRuleName);
}

Finding CheckNetworkName(const std::string& field, const std::string& network) {
  const size_t slash = network.find('/');
  if (slash == std::string::npos) {
    return fmt::format("{}: {} is not NAMESPACE/NAME", field, Quoted(network));
  }
  if (auto f = At(field, CheckDnsLabel(network.substr(0, slash)))) return f;
  return At(field, CheckDnsSubdomain(network.substr(slash + 1)));
}

}  // namespace sluice::acl
