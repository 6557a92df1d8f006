// Text of unknown origin on its way into a message of one line.
#pragma once

#include <string>
#include <string_view>

namespace sluice::control {

// `text` as one line of valid UTF-8: what a terminal or a reader of lines would act on (C0 and C1
// control characters, DEL, line and paragraph separators) is a blank each, and each byte that is no
// UTF-8 (RFC 3629) is a "?".
std::string OneLine(std::string_view text);

}  // namespace sluice::control
