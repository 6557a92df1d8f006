// What sluicectl doctor found out about one thing.
#pragma once

#include <string>
#include <vector>

namespace sluice::ctl {

enum class Level { kOk, kWarn, kFail };

struct Finding {
  Level level = Level::kOk;
  std::string check;   // "huge-pages"
  std::string what;    // as it is
  std::string advice;  // what to do; empty if kOk
};

using Findings = std::vector<Finding>;

// "ok", "warn", "fail".
const char* NameOf(Level level);

}  // namespace sluice::ctl
