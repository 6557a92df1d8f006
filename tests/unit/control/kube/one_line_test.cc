#include "control/kube/one_line.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace sluice::control {
namespace {

TEST(OneLine, PlainTextStays) {
  for (const char* text :
       {"", "f.yaml: Pod x/a: \"b\"", "Grüße, 世界 \U0001f600", "\u00a0\uffff"}) {
    EXPECT_EQ(OneLine(text), text);
  }
}

TEST(OneLine, WhatBreaksLinesOrSteersTerminalsIsBlank) {
  EXPECT_EQ(OneLine("a\nb\r\nc\td\x1b[31me\x7f"), "a b  c d [31me ");
  EXPECT_EQ(OneLine(std::string("a\0b", 3)), "a b");
  EXPECT_EQ(OneLine("a\u0085b\u009bc\u2028d\u2029e"), "a b c d e");
}

TEST(OneLine, BytesThatAreNoUtf8AreQuestionMarks) {
  const std::vector<std::pair<std::string, std::string>> rows = {
      {"a\xff", "a?"},               // never a byte of UTF-8
      {"\x80z", "?z"},               // a continuation without a start
      {"\xc3", "?"},                 // cut short
      {"\xe4\xb8z", "??z"},          // the same, before more text
      {"\xc0\x8a", "??"},            // an overlong newline
      {"\xed\xa0\x80", "???"},       // a surrogate
      {"\xf4\x90\x80\x80", "????"},  // beyond U+10FFFF
      {"\xe9\nx", "? x"},            // Latin-1, then a newline
  };
  for (const auto& [text, line] : rows) EXPECT_EQ(OneLine(text), line);
}

}  // namespace
}  // namespace sluice::control
