#include "perf/pktgen/command_fields.h"

#include <fmt/core.h>

#include <utility>

namespace sluice::pktgen {
namespace {

constexpr uint64_t kMaxTimeoutMs = 600'000;
constexpr uint64_t kDefaultTimeoutMs = 1'000;
constexpr uint64_t kNsPerMs = 1'000'000;

}  // namespace

CommandFields::CommandFields(const Json& object, std::string name)
    : object_(object), name_(std::move(name)) {}

void CommandFields::Fail(const char* field, const std::string& reason) {
  status_.Update(absl::InvalidArgumentError(fmt::format("{}: {}: {}", name_, field, reason)));
}

const Json* CommandFields::Find(const char* field, bool required) {
  known_.insert(field);
  const auto it = object_.find(field);
  if (it != object_.end()) return &*it;
  if (required) Fail(field, "is missing");
  return nullptr;
}

std::string CommandFields::Text(const char* field, const std::optional<std::string>& fallback) {
  const Json* value = Find(field, !fallback);
  if (value != nullptr && value->is_string()) return value->get<std::string>();
  if (value != nullptr) Fail(field, "is not a text");
  return fallback.value_or("");
}

uint64_t CommandFields::Number(const char* field, uint64_t min, uint64_t max,
                               std::optional<uint64_t> fallback) {
  const Json* value = Find(field, !fallback);
  if (value == nullptr) return fallback.value_or(min);
  if (value->is_number_unsigned()) {
    const auto number = value->get<uint64_t>();
    if (min <= number && number <= max) return number;
  }
  Fail(field, fmt::format("is not a whole number from {} to {}", min, max));
  return min;
}

double CommandFields::Real(const char* field, double min, double max) {
  const Json* value = Find(field, true);
  if (value == nullptr) return min;
  if (value->is_number()) {
    const auto number = value->get<double>();
    if (min <= number && number <= max) return number;
  }
  Fail(field, fmt::format("is not a number from {} to {}", min, max));
  return min;
}

bool CommandFields::Flag(const char* field, bool fallback) {
  const Json* value = Find(field, false);
  if (value == nullptr) return fallback;
  if (value->is_boolean()) return value->get<bool>();
  Fail(field, "is neither true nor false");
  return fallback;
}

acl::IpAddress CommandFields::Address(const char* field) {
  const std::string text = Text(field);
  const absl::StatusOr<acl::IpAddress> address = acl::IpAddress::Parse(text);
  if (address.ok()) return *address;
  Fail(field, fmt::format("\"{}\" is not an IP address", text));
  return {};
}

size_t CommandFields::Choice(const char* field, std::initializer_list<const char*> words) {
  const std::string text = Text(field, *words.begin());
  for (size_t i = 0; i < words.size(); ++i) {
    if (text == words.begin()[i]) return i;
  }
  Fail(field, fmt::format("\"{}\" is unknown", text));
  return 0;
}

const Json& CommandFields::List(const char* field) {
  static const Json kEmpty = Json::array();
  const Json* value = Find(field, true);
  if (value == nullptr) return kEmpty;
  if (value->is_array()) return *value;
  Fail(field, "is not a list");
  return kEmpty;
}

uint64_t CommandFields::Timeout() {
  return Number("timeout_ms", 1, kMaxTimeoutMs, kDefaultTimeoutMs) * kNsPerMs;
}

absl::Status CommandFields::Finish() {
  for (const auto& [field, value] : object_.items()) {
    if (!known_.contains(field)) Fail(field.c_str(), "is unknown");
  }
  return status_;
}

}  // namespace sluice::pktgen
