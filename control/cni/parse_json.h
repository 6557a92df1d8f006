// JSON that somebody else wrote.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace sluice::cni {

// A discarded value (is_discarded) for what is no JSON, and for what nests deeper than 64 levels:
// who walks or prints a value goes as deep as it does.
nlohmann::json ParseJson(const std::string& text);

}  // namespace sluice::cni
