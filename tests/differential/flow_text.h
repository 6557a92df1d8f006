// Attempts and verdicts for people, and for comparing: every field is in the text.
#pragma once

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <optional>
#include <string>

#include "acl/evaluator.h"

namespace sluice::acl {

inline std::string ToText(const RawEnd& end) {
  if (end.pod == nullptr) return end.address.ToString();
  return fmt::format("{}/{} ({})", end.pod->namespace_name, end.pod->name, end.address.ToString());
}

inline std::string ToText(const StreamFacts* facts) {
  if (facts == nullptr) return "content not known";
  return fmt::format("content {} [{}] [{}] {} {} {}", static_cast<int>(facts->kind),
                     facts->server_name, facts->question, facts->method, facts->host, facts->path);
}

inline std::string ToText(const RawFlow& flow) {
  return fmt::format("{} -> {}, protocol {}, port {}, {}", ToText(flow.from), ToText(flow.to),
                     flow.protocol, flow.port, ToText(flow.facts));
}

}  // namespace sluice::acl
