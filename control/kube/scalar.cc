#include "control/kube/scalar.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <limits>
#include <regex>
#include <string_view>
#include <utility>

namespace sluice::control {
namespace {

using nlohmann::json;

constexpr std::array<std::pair<std::string_view, bool>, 16> kWords = {{
    {"y", true},
    {"Y", true},
    {"yes", true},
    {"Yes", true},
    {"YES", true},  //
    {"on", true},
    {"On", true},
    {"ON", true},  //
    {"n", false},
    {"N", false},
    {"no", false},
    {"No", false},
    {"NO", false},
    {"off", false},
    {"Off", false},
    {"OFF", false},
}};
constexpr std::array<std::string_view, 3> kTrue = {"true", "True", "TRUE"};
constexpr std::array<std::string_view, 3> kFalse = {"false", "False", "FALSE"};
constexpr std::array<std::string_view, 5> kNull = {"", "~", "null", "Null", "NULL"};

// Marks the bytes of a word inside a tree; YAML's own !!binary is refused, so nothing else has it.
constexpr uint64_t kWordSubtype = 1;

bool IsWord(const std::string& text) {
  return std::ranges::any_of(kWords, [&](const auto& word) { return word.first == text; });
}

json MakeWord(const std::string& text) {
  return json::binary(std::vector<uint8_t>(text.begin(), text.end()), kWordSubtype);
}

// The magnitude of an integer: 0x, 0o, 0b, or a leading 0 for octal.
std::optional<uint64_t> ParseMagnitude(std::string_view digits) {
  int base = 10;
  if (digits.size() > 1 && digits[0] == '0') {
    const char mark = digits[1];
    base = mark == 'x' || mark == 'X' ? 16 : mark == 'b' || mark == 'B' ? 2 : 8;
    const bool has_mark = base != 8 || mark == 'o' || mark == 'O';
    digits.remove_prefix(has_mark ? 2 : 1);
  }
  uint64_t value = 0;
  const char* end = digits.data() + digits.size();
  const auto [stop, error] = std::from_chars(digits.data(), end, value, base);
  if (error != std::errc() || stop != end) return std::nullopt;
  return value;
}

std::optional<json> ParseInteger(std::string_view plain) {
  const bool negative = plain.starts_with('-');
  if (negative || plain.starts_with('+')) plain.remove_prefix(1);
  const std::optional<uint64_t> magnitude = ParseMagnitude(plain);
  if (!magnitude) return std::nullopt;
  if (!negative) return json(*magnitude);
  if (*magnitude > uint64_t{1} << 63) return std::nullopt;
  return json(static_cast<int64_t>(-*magnitude));
}

std::optional<json> ParseFloat(const std::string& plain) {
  static const std::regex float_form(R"([-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?)");
  constexpr size_t kLongest = 64;  // std::regex recurses once a character
  if (plain.size() > kLongest || !std::regex_match(plain, float_form)) return std::nullopt;
  const size_t sign = plain.starts_with('+') ? 1 : 0;
  double value = 0;
  const auto [stop, error] =
      std::from_chars(plain.data() + sign, plain.data() + plain.size(), value);
  if (error != std::errc()) return std::nullopt;
  return json(value);
}

}  // namespace

json ResolveScalar(const std::string& text) {
  if (std::ranges::count(kNull, text) > 0) return nullptr;
  if (std::ranges::count(kTrue, text) > 0) return true;
  if (std::ranges::count(kFalse, text) > 0) return false;
  if (IsWord(text)) return MakeWord(text);
  constexpr std::string_view kNumberStarts = "+-.0123456789";
  if (kNumberStarts.find(text[0]) == std::string_view::npos) return text;
  std::string plain = text;
  std::erase(plain, '_');
  if (std::optional<json> number = ParseInteger(plain)) return *number;
  if (std::optional<json> number = ParseFloat(plain)) return *number;
  return text;
}

std::optional<std::string> WordOf(const json& value) {
  if (!value.is_binary() || value.get_binary().subtype() != kWordSubtype) return std::nullopt;
  return std::string(value.get_binary().begin(), value.get_binary().end());
}

std::optional<bool> BooleanOf(const json& value) {
  if (value.is_boolean()) return value.get<bool>();
  const std::optional<std::string> word = WordOf(value);
  if (!word) return std::nullopt;
  return std::ranges::any_of(kWords, [&](const auto& known) {
    return known == std::pair<std::string_view, bool>(*word, true);
  });
}

}  // namespace sluice::control
