#include "control/mode.h"

#include <fmt/core.h>

namespace sluice::control {

const char* ModeName(dataplane::Mode mode) {
  return mode == dataplane::Mode::kObserve ? "observe" : "enforce";
}

absl::StatusOr<dataplane::Mode> ParseMode(const std::string& text) {
  if (text == "enforce") return dataplane::Mode::kEnforce;
  if (text == "observe") return dataplane::Mode::kObserve;
  return absl::InvalidArgumentError(
      fmt::format("mode: \"{}\" is neither enforce nor observe", text));
}

}  // namespace sluice::control
