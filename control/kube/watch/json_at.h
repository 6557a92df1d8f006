// Parts of JSON of unknown shape.
#pragma once

#include <initializer_list>
#include <nlohmann/json.hpp>
#include <string>

namespace sluice::control {

// The value at `path`; null if there is none, or something on the way is no map.
inline const nlohmann::json& At(const nlohmann::json& tree,
                                std::initializer_list<const char*> path) {
  static const nlohmann::json nothing;
  const nlohmann::json* value = &tree;
  for (const char* field : path) {
    if (!value->is_object()) return nothing;
    const auto found = value->find(field);
    if (found == value->end()) return nothing;
    value = &*found;
  }
  return *value;
}

// The text there; empty if it is none.
inline std::string TextAt(const nlohmann::json& tree, std::initializer_list<const char*> path) {
  const nlohmann::json& value = At(tree, path);
  return value.is_string() ? value.get<std::string>() : "";
}

}  // namespace sluice::control
