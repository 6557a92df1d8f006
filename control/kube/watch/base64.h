// Base64 text (RFC 4648, section 4) -> bytes.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace sluice::control {

// Line breaks and blanks are skipped. Nothing for what is no base64.
std::optional<std::string> DecodeBase64(std::string_view text);

}  // namespace sluice::control
