#include "control/kube/object_reader.h"

#include <fmt/format.h>

#include <cmath>
#include <limits>
#include <utility>

#include "acl/name_syntax.h"
#include "control/kube/scalar.h"

namespace sluice::control {
namespace {

using nlohmann::json;

const json absent;

// What stands there, for people: "the number 80", "a list".
std::string Describe(const json& value) {
  if (value.is_object()) return "a map";
  if (value.is_array()) return "a list";
  if (value.is_string()) return "the text " + acl::Quoted(value.get_ref<const std::string&>());
  if (const std::optional<std::string> word = WordOf(value)) {
    return fmt::format("the word {}", *word);
  }
  return fmt::format("the {} {}", value.is_boolean() ? "boolean" : "number", value.dump());
}

// An integer, or a float without a fraction: 8e1 and 80.0 are 80 to the API too.
std::optional<int64_t> IntegerOf(const json& value) {
  constexpr double kExact = 9007199254740992.0;  // 2^53
  if (value.is_number_float()) {
    const double number = value.get<double>();
    if (std::abs(number) > kExact || number != std::trunc(number)) return std::nullopt;
    return static_cast<int64_t>(number);
  }
  if (!value.is_number_integer()) return std::nullopt;
  if (value.is_number_unsigned() && value.get<uint64_t>() > std::numeric_limits<int64_t>::max()) {
    return std::nullopt;
  }
  return value.get<int64_t>();
}

}  // namespace

ObjectReader::ObjectReader(const json& value, std::string path, absl::Status* status)
    : value_(&value), path_(std::move(path)), status_(status) {
  if (value.is_object() || value.is_null()) return;
  FailType(path_, "a map", value);
  value_ = &absent;
}

bool ObjectReader::Has(std::string_view field) { return !Value(field).is_null(); }

std::string ObjectReader::Text(std::string_view field) {
  return TextOf(Value(field), PathOf(field));
}

bool ObjectReader::Boolean(std::string_view field) {
  const json& value = Value(field);
  if (value.is_null()) return false;
  const std::optional<bool> boolean = BooleanOf(value);
  if (!boolean) FailType(PathOf(field), "true or false", value);
  return boolean.value_or(false);
}

std::optional<int64_t> ObjectReader::Integer(std::string_view field) {
  const json& value = Value(field);
  if (value.is_null()) return std::nullopt;
  const std::optional<int64_t> integer = IntegerOf(value);
  if (!integer) FailType(PathOf(field), "an integer", value);
  return integer;
}

std::variant<std::monostate, int64_t, std::string> ObjectReader::IntegerOrText(
    std::string_view field) {
  const json& value = Value(field);
  if (value.is_null()) return std::monostate();
  if (const std::optional<int64_t> integer = IntegerOf(value)) return *integer;
  if (value.is_string() || WordOf(value)) return TextOf(value, PathOf(field));
  FailType(PathOf(field), "an integer or text", value);
  return std::monostate();
}

std::vector<std::string> ObjectReader::Texts(std::string_view field) {
  std::vector<std::string> texts;
  for (const json& element : List(field)) {
    texts.push_back(TextOf(element, fmt::format("{}[{}]", PathOf(field), texts.size())));
  }
  return texts;
}

std::map<std::string, std::string> ObjectReader::TextMap(std::string_view field) {
  std::map<std::string, std::string> texts;
  const json& value = Value(field);
  if (value.is_null()) return texts;
  if (!value.is_object()) {
    FailType(PathOf(field), "a map", value);
    return texts;
  }
  for (const auto& [key, element] : value.items()) {
    texts[key] = TextOf(element, fmt::format("{}[{}]", PathOf(field), key));
  }
  return texts;
}

ObjectReader ObjectReader::Object(std::string_view field) {
  return ObjectReader(Value(field), PathOf(field), status_);
}

std::vector<ObjectReader> ObjectReader::Objects(std::string_view field) {
  std::vector<ObjectReader> readers;
  for (const json& element : List(field)) {
    readers.emplace_back(element, fmt::format("{}[{}]", PathOf(field), readers.size()), status_);
  }
  return readers;
}

std::optional<std::string> ObjectReader::OtherField() const {
  for (const auto& [field, value] : value_->items()) {
    if (!known_.contains(field)) return field;
  }
  return std::nullopt;
}

void ObjectReader::RefuseOtherFields() {
  if (const std::optional<std::string> field = OtherField()) Fail(*field, "unknown field");
}

void ObjectReader::Fail(std::string_view field, std::string_view reason) {
  FailAt(PathOf(field), reason);
}

std::string ObjectReader::PathOf(std::string_view field) const {
  return path_.empty() ? std::string(field) : fmt::format("{}.{}", path_, field);
}

const json& ObjectReader::Value(std::string_view field) {
  known_.emplace(field);
  if (!value_->is_object()) return absent;
  const auto found = value_->find(field);
  return found == value_->end() ? absent : *found;
}

const json& ObjectReader::List(std::string_view field) {
  const json& value = Value(field);
  if (value.is_null() || value.is_array()) return value;
  FailType(PathOf(field), "a list", value);
  return absent;
}

std::string ObjectReader::TextOf(const json& value, const std::string& path) {
  if (value.is_null()) return "";
  if (value.is_string()) return value.get<std::string>();
  if (std::optional<std::string> word = WordOf(value)) return *std::move(word);
  const bool scalar = value.is_boolean() || value.is_number();
  FailType(path, scalar ? "text (in quotes)" : "text", value);
  return "";
}

void ObjectReader::FailAt(const std::string& path, std::string_view reason) {
  if (!status_->ok()) return;
  *status_ = absl::InvalidArgumentError(path.empty() ? std::string(reason)
                                                     : fmt::format("{}: {}", path, reason));
}

void ObjectReader::FailType(const std::string& path, std::string_view wanted, const json& value) {
  FailAt(path, fmt::format("must be {}, not {}", wanted, Describe(value)));
}

}  // namespace sluice::control
