#include "control/kube/one_line.h"

#include <algorithm>
#include <cstdint>

namespace sluice::control {
namespace {

struct Character {
  uint32_t code_point = 0;
  size_t bytes = 0;  // 0: no UTF-8
};

// The first character of `text`, which is not empty.
Character FirstOf(std::string_view text) {
  constexpr uint32_t kLeast[] = {0, 0, 0x80, 0x800, 0x10000};  // by bytes; less is overlong
  const auto lead = static_cast<unsigned char>(text[0]);
  if (lead < 0x80) return {lead, 1};
  const size_t bytes = lead >= 0xf8   ? 0
                       : lead >= 0xf0 ? 4
                       : lead >= 0xe0 ? 3
                       : lead >= 0xc0 ? 2
                                      : 0;
  if (bytes == 0 || bytes > text.size()) return {};
  uint32_t code_point = lead & (0x7fU >> bytes);
  for (size_t i = 1; i < bytes; ++i) {
    const auto next = static_cast<unsigned char>(text[i]);
    if ((next & 0xc0) != 0x80) return {};
    code_point = code_point << 6 | (next & 0x3f);
  }
  const bool surrogate = 0xd800 <= code_point && code_point <= 0xdfff;
  if (code_point < kLeast[bytes] || code_point > 0x10ffff || surrogate) return {};
  return {code_point, bytes};
}

bool IsControl(uint32_t code_point) {
  const bool c0_or_c1 = code_point < 0x20 || (0x7f <= code_point && code_point <= 0x9f);
  return c0_or_c1 || code_point == 0x2028 || code_point == 0x2029;
}

}  // namespace

std::string OneLine(std::string_view text) {
  std::string line;
  line.reserve(text.size());
  while (!text.empty()) {
    const Character first = FirstOf(text);
    if (first.bytes == 0) {
      line.push_back('?');
    } else if (IsControl(first.code_point)) {
      line.push_back(' ');
    } else {
      line.append(text.substr(0, first.bytes));
    }
    text.remove_prefix(std::max<size_t>(first.bytes, 1));
  }
  return line;
}

}  // namespace sluice::control
