// What an unquoted word of a YAML file is: text, a number, a boolean or nothing.
//
// The rules are those of the YAML library inside kubectl and the API machinery (sigs.k8s.io/yaml, a
// fork of go-yaml v2): YAML 1.1, so 010 is 8, 1_000 is 1000, and a date is text.
//
// One exception. To kubectl y, yes, on, n, no, off are booleans, and it then refuses them where
// text is wanted ("cannot unmarshal bool into ... of type string"). Tools that follow other
// versions of YAML write the label `pod: y` without quotes, and mean the letter. Here such a word
// is text where text is wanted and a boolean where a boolean is: nothing that kubectl takes is read
// differently.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

namespace sluice::control {

// `text` is a plain scalar without tag. Numbers that neither 64 bits nor a double hold are text.
// The words above become a value that only WordOf and BooleanOf understand.
nlohmann::json ResolveScalar(const std::string& text);

// The word as written, if `value` is one of y, yes, on, n, no, off.
std::optional<std::string> WordOf(const nlohmann::json& value);

// true, false, and the words; nothing for any other value.
std::optional<bool> BooleanOf(const nlohmann::json& value);

}  // namespace sluice::control
