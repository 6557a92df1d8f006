#include "dataplane/timeout_setting.h"

#include <fmt/core.h>

#include <charconv>
#include <string>

namespace sluice::dataplane {
namespace {

std::string StateNames() {
  std::string names;
  for (size_t state = 0; state < kConnectionStates; ++state) {
    if (state != 0) names += ", ";
    names += ConnectionStateName(static_cast<ConnectionState>(state));
  }
  return names;
}

absl::Status Refuse(std::string_view text, std::string_view why) {
  return absl::InvalidArgumentError(fmt::format("timeout {}: {}", text, why));
}

}  // namespace

absl::Status SetTimeout(std::string_view text, Tracking* tracking) {
  const size_t equals = text.find('=');
  if (equals == std::string_view::npos) return Refuse(text, "is not STATE=SECONDS");
  const auto state = ConnectionStateNamed(text.substr(0, equals));
  if (!state.has_value()) return Refuse(text, "no such state; there are " + StateNames());
  const std::string_view digits = text.substr(equals + 1);
  uint32_t seconds = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), seconds);
  const bool whole = error == std::errc{} && end == digits.data() + digits.size();
  if (!whole || seconds == 0 || seconds > kMaxTimeoutSeconds) {
    return Refuse(text, fmt::format("SECONDS must be 1 to {}", kMaxTimeoutSeconds));
  }
  tracking->timeout_ms[static_cast<size_t>(*state)] = seconds * 1000;
  return absl::OkStatus();
}

}  // namespace sluice::dataplane
