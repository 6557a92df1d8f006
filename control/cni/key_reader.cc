#include "control/cni/key_reader.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "control/cni/cni_error.h"

namespace sluice::cni {

using nlohmann::json;

const json* KeyReader::Find(const char* key) const {
  if (!object_.is_object()) return nullptr;
  const auto found = object_.find(key);
  return found == object_.end() || found->is_null() ? nullptr : &*found;
}

void KeyReader::Refuse(const char* key, const std::string& reason) {
  RefuseWith(kConfig, key, reason);
}

void KeyReader::RefuseWith(int code, const char* key, const std::string& reason) {
  if (!status_.ok()) return;
  status_ = Fail(code, fmt::format("configuration: {}{}: {}", path_, key, reason));
}

std::string KeyReader::Text(const char* key, const std::string& absent) {
  const json* value = Find(key);
  if (value == nullptr) return absent;
  if (value->is_string()) return value->get<std::string>();
  Refuse(key, fmt::format("{} is not text", value->dump()));
  return absent;
}

unsigned KeyReader::Number(const char* key, unsigned least, unsigned most, unsigned absent) {
  const json* value = Find(key);
  if (value == nullptr) return absent;
  const bool fits = value->is_number_unsigned() && value->get<uint64_t>() >= least &&
                    value->get<uint64_t>() <= most;
  if (fits) return value->get<unsigned>();
  Refuse(key, fmt::format("{} is not a number from {} to {}", value->dump(), least, most));
  return absent;
}

std::vector<std::string> KeyReader::Texts(const char* key) {
  const json* value = Find(key);
  if (value == nullptr) return {};
  const bool fits = value->is_array() &&
                    std::ranges::all_of(*value, [](const json& item) { return item.is_string(); });
  if (fits) return value->get<std::vector<std::string>>();
  Refuse(key, fmt::format("{} is not a list of texts", value->dump()));
  return {};
}

std::string KeyReader::Choice(const char* key, std::initializer_list<const char*> choices) {
  const std::string text = Text(key, *choices.begin());
  if (std::ranges::find(choices, text) == choices.end()) {
    Refuse(key, fmt::format("\"{}\" is not {}", text, fmt::join(choices, " or ")));
  }
  return text;
}

json KeyReader::Object(const char* key) {
  const json* value = Find(key);
  if (value == nullptr) return json::object();
  if (value->is_object()) return *value;
  Refuse(key, "is not an object");
  return json::object();
}

}  // namespace sluice::cni
