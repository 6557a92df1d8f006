// Reads one object of a manifest field by field, so that each reader says only which fields there
// are.
//
// Errors are sticky: the first one, "PATH: REASON", stays in the shared status and everything read
// after it is empty. A field that is null counts as absent, as the Kubernetes API has it; so does
// an element of a list that is null (an empty object, or empty text).
#pragma once

#include <absl/status/status.h>

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace sluice::control {

class ObjectReader {
 public:
  // `value` and `status` must outlive the reader. `path` is what errors say of the object itself;
  // "" for a whole document.
  ObjectReader(const nlohmann::json& value, std::string path, absl::Status* status);

  bool Has(std::string_view field);
  std::string Text(std::string_view field);
  bool Boolean(std::string_view field);  // false if absent
  std::optional<int64_t> Integer(std::string_view field);
  std::variant<std::monostate, int64_t, std::string> IntegerOrText(std::string_view field);
  std::vector<std::string> Texts(std::string_view field);
  std::map<std::string, std::string> TextMap(std::string_view field);
  ObjectReader Object(std::string_view field);  // empty if absent
  // One for each element, in order; empty if absent.
  std::vector<ObjectReader> Objects(std::string_view field);

  // A field that is there and was not asked for so far; nothing if there is none.
  std::optional<std::string> OtherField() const;
  // Nothing but the fields asked for so far may be there.
  void RefuseOtherFields();

  // "PATH.FIELD: REASON", unless an earlier error stands.
  void Fail(std::string_view field, std::string_view reason);

  const std::string& path() const { return path_; }
  std::string PathOf(std::string_view field) const;

 private:
  // The field's value, or null.
  const nlohmann::json& Value(std::string_view field);
  const nlohmann::json& List(std::string_view field);
  std::string TextOf(const nlohmann::json& value, const std::string& path);
  void FailAt(const std::string& path, std::string_view reason);
  void FailType(const std::string& path, std::string_view wanted, const nlohmann::json& value);

  const nlohmann::json* value_;
  std::string path_;
  absl::Status* status_;
  std::set<std::string, std::less<>> known_;
};

}  // namespace sluice::control
