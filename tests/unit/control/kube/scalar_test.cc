// The expected values are what kubectl 1.32 makes of the same scalars (`kubectl label --local -f -
// -o json` on an object with them), but for the words that it takes for booleans.
#include "control/kube/scalar.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace sluice::control {
namespace {

using nlohmann::json;

TEST(Scalar, IsTypedAsKubectlTypesIt) {
  const std::vector<std::pair<std::string, json>> rows = {
      {"", nullptr},
      {"~", nullptr},
      {"Null", nullptr},
      {"nULL", "nULL"},
      {"true", true},
      {"True", true},
      {"tRUE", "tRUE"},
      {"FALSE", false},
      {"80", 80},
      {"+1", 1},
      {"-5", -5},
      {"010", 8},
      {"0o17", 15},
      {"08", 8.0},
      {"0x50", 80},
      {"0x_1f", 31},
      {"0b11", 3},
      {"1_000", 1000},
      {"0x", "0x"},
      {"-9223372036854775808", std::numeric_limits<int64_t>::min()},
      {"18446744073709551615", std::numeric_limits<uint64_t>::max()},
      {"12345678901234567890123", 12345678901234567890123.0},
      {".5", 0.5},
      {"1e3", 1000.0},
      {"8.", 8.0},
      {"e3", "e3"},
      {"12e", "12e"},
      {"0.1.2", "0.1.2"},
      {"10.0.0.1", "10.0.0.1"},
      {"fd00::1", "fd00::1"},
      {"2006-01-02", "2006-01-02"},
      {"1:30", "1:30"},
      {"-", "-"},
      {"=", "="},
      {"web", "web"},
  };
  for (const auto& [text, expected] : rows) {
    EXPECT_EQ(ResolveScalar(text), expected) << "scalar " << text;
    EXPECT_EQ(ResolveScalar(text).is_number_float(), expected.is_number_float()) << text;
  }
}

TEST(Scalar, WordsAreTextAndBooleanAtOnce) {
  const std::vector<std::pair<std::string, bool>> rows = {
      {"y", true},   {"Y", true},    {"yes", true},  {"Yes", true}, {"YES", true}, {"on", true},
      {"On", true},  {"ON", true},   {"n", false},   {"N", false},  {"no", false}, {"No", false},
      {"NO", false}, {"off", false}, {"Off", false}, {"OFF", false}};
  for (const auto& [text, expected] : rows) {
    EXPECT_EQ(WordOf(ResolveScalar(text)), text);
    EXPECT_EQ(BooleanOf(ResolveScalar(text)), expected) << text;
  }
}

TEST(Scalar, OnlyWordsAreWords) {
  for (const json& value : {json("y"), json(true), json(1), json(nullptr), ResolveScalar("yEs")}) {
    EXPECT_EQ(WordOf(value), std::nullopt) << value;
  }
  EXPECT_EQ(BooleanOf(json("yes")), std::nullopt) << "quoted";
}

}  // namespace
}  // namespace sluice::control
