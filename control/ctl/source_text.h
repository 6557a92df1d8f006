// What a source says of itself, for people.
#pragma once

#include <string>

#include "sluice/v1/source.pb.h"

namespace sluice::ctl {

// A source reports twice a second. Silent for longer than this, what it said is of then.
inline constexpr double kSilentSeconds = 5;

// Lines: how it stands, what of its objects is in force, what is missing, what is refused.
std::string SourceText(const v1::SourceStatus& status);

}  // namespace sluice::ctl
