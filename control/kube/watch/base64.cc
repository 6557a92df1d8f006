#include "control/kube/watch/base64.h"

#include <cstdint>

namespace sluice::control {
namespace {

constexpr std::string_view kAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view kBlanks = " \t\r\n";

}  // namespace

std::optional<std::string> DecodeBase64(std::string_view text) {
  std::string bytes;
  uint32_t bits = 0;
  size_t digits = 0, padding = 0;
  for (const char c : text) {
    if (kBlanks.find(c) != std::string_view::npos) continue;
    if (c == '=') {
      ++padding;
      continue;
    }
    const size_t value = kAlphabet.find(c);
    if (value == std::string_view::npos || padding > 0) return std::nullopt;
    bits = bits << 6 | static_cast<uint32_t>(value);
    if (++digits % 4 == 1) continue;
    // The second digit of four ends a byte, and so do the third and the fourth.
    const size_t left = 6 - 2 * ((digits + 3) % 4);
    bytes.push_back(static_cast<char>(bits >> left & 0xff));
  }
  const size_t last = digits % 4;
  if (last == 1 || padding > 2 || (padding > 0 && (last + padding) % 4 != 0)) return std::nullopt;
  return bytes;
}

}  // namespace sluice::control
