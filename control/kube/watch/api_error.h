// What the API server says when it says no: a Status object (meta/v1), as a body or inside a watch.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace sluice::control {

struct ApiError {
  int code = 0;         // HTTP's
  std::string message;  // one line
};

// Whatever `tree` is: fields that are not there or of another type are as if empty.
ApiError ReadApiError(const nlohmann::json& tree);

// Of a response with that status; the body may be anything.
ApiError ReadErrorBody(int status, std::string_view body);

}  // namespace sluice::control
