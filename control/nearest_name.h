// Which name somebody meant who wrote another one.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace sluice::control {

// The name of `names` with the fewest letters to add, leave out or change; the first of several.
// Empty if more than a third of the longer word (and more than two letters) would have to change.
std::string NearestName(std::string_view written, const std::vector<std::string>& names);

}  // namespace sluice::control
