// Times as the Kubernetes API has them (meta/v1 Time).
#pragma once

#include <fmt/chrono.h>

#include <chrono>
#include <string>

namespace sluice::control {

// RFC 3339, in UTC, to the second.
inline std::string Rfc3339(std::chrono::system_clock::time_point at) {
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}",
                     fmt::gmtime(std::chrono::system_clock::to_time_t(at)));
}

}  // namespace sluice::control
