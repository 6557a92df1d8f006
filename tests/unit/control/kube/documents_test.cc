#include "control/kube/documents.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace sluice::control {
namespace {

using nlohmann::json;

struct Good {
  const char* name;
  std::string text;
  std::vector<json> documents;
};

TEST(Documents, AreReadWhateverTheirForm) {
  const std::vector<Good> rows = {
      {"nothing", "", {}},
      {"only comments", "# none\n---\n# none either\n", {}},
      {"two documents", "a: 1\n---\nb: x\n", {{{"a", 1}}, {{"b", "x"}}}},
      {"an empty one between", "a: 1\n---\n---\nb: 2\n", {{{"a", 1}}, {{"b", 2}}}},
      {"a document end", "a: 1\n...\n---\nb: 2\n", {{{"a", 1}}, {{"b", 2}}}},
      {"windows lines", "a: 1\r\nb: [2]\r\n", {{{"a", 1}, {"b", {2}}}}},
      {"a byte order mark",
       "\xef\xbb\xbf"
       "a: 1\n",
       {{{"a", 1}}}},
      {"quoted", "a: \"1\"\nb: 'true'\n", {{{"a", "1"}, {"b", "true"}}}},
      {"a block", "a: |\n  x\n  y\n", {{{"a", "x\ny\n"}}}},
      {"!!str", "a: !!str 1\n", {{{"a", "1"}}}},
      {"a number as a key", "1: a\n", {{{"1", "a"}}}},
      {"a quoted word as a key", "\"y\": a\n", {{{"y", "a"}}}},
      {"an alias", "a: &x {b: 1}\nc: *x\n", {{{"a", {{"b", 1}}}, {"c", {{"b", 1}}}}}},
      {"an aliased scalar", "a: &x web\nc: *x\n", {{{"a", "web"}, {"c", "web"}}}},
      {"a merge",
       "a: &x {b: 1, c: 1}\nd: {<<: *x, c: 2}\n",
       {{{"a", {{"b", 1}, {"c", 1}}}, {"d", {{"b", 1}, {"c", 2}}}}}},
      {"merges, the first wins", "<<: [{b: 1}, {b: 2, c: 3}]", {{{"b", 1}, {"c", 3}}}},
      {"a quoted merge key is text", "\"<<\": 1\n", {{{"<<", 1}}}},
      {"JSON",
       " {\"a\": [1, -2, 0.5, null, true, \"\\u00e9\"]}",
       {{{"a", {1, -2, 0.5, nullptr, true, "é"}}}}},
      {"JSON after JSON", "{\"a\": 1}\n{\"a\": 2} ", {{{"a", 1}}, {{"a", 2}}}},
      {"YAML in braces", "---\n{a: 1}", {{{"a", 1}}}},
  };
  for (const Good& row : rows) {
    const auto documents = ReadDocuments(row.text);
    ASSERT_TRUE(documents.ok()) << row.name << ": " << documents.status();
    EXPECT_EQ(*documents, row.documents) << row.name;
  }
}

struct Bad {
  std::string text;
  std::string error;
};

TEST(Documents, AreRefusedWithLineAndReason) {
  const std::vector<Bad> rows = {
      {"a: 1\nb: [1\n", "line 3: end of sequence flow not found"},
      {"a: 1\n  b: 2\n", "line 2: illegal map value"},
      {"a: 1\nb: 2\na: 3\n", "line 3: key \"a\" is there twice in one map"},
      {"a: *nope\n", "line 1: the referenced anchor is not defined"},
      {"a: &x [*x]\n", "line 1: an alias to the value that it is itself part of"},
      {"y: a\n", "line 1: a key that YAML does not read as text: quote it"},
      {"~: a\n", "line 1: a key that YAML does not read as text: quote it"},
      {"? [a]\n: b\n", "line 1: a list or map as a key"},
      {"a: !!binary aGk=\n", "line 1: tag tag:yaml.org,2002:binary is not supported"},
      {"a: !mine b\n", "line 1: tag !mine is not supported"},
      {"<<: 1\n", "line 1: the merge key << needs a map, or a list of maps"},
      {"a: 1\n<<: {a: 2}\n", "line 2: key \"a\" stands before a merge key << that sets it too"},
      {"{\"a\": 1,\n \"b\": }",
       "line 2: JSON: syntax error while parsing value - unexpected '}'; "
       "expected '[', '{', or a literal"},
      {"{\"a\": 1,\n \"a\": 2}", "line 2: key \"a\" is there twice in one map"},
      {"{\"a\": 1}\n\n{\"a\": 1 2}",
       "line 3: JSON: syntax error while parsing object - unexpected "
       "number literal; expected '}'"},
      {"{\"a\": \"\xff\"}",
       "line 1: JSON: syntax error while parsing value - invalid string: "
       "ill-formed UTF-8 byte; last read: '\"\xff'"},
  };
  for (const Bad& row : rows) {
    const auto documents = ReadDocuments(row.text);
    ASSERT_FALSE(documents.ok()) << row.text;
    EXPECT_EQ(documents.status().message(), row.error) << row.text;
  }
}

// Nine levels of nine aliases: 9^9 values out of 300 bytes.
TEST(Documents, AliasBombIsRefused) {
  std::string text = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n";
  for (int level = 1; level <= 8; ++level) {
    text +=
        fmt::format("a{0}: &a{0} [*a{1}, *a{1}, *a{1}, *a{1}, *a{1}, *a{1}, *a{1}, *a{1}, *a{1}]\n",
                    level, level - 1);
  }
  const auto documents = ReadDocuments(text);
  ASSERT_FALSE(documents.ok());
  EXPECT_EQ(documents.status().message(),
            "line 7: the file, with what its aliases repeat, has more than 4000000 values");
}

TEST(Documents, LongTextRepeatedByAliasesCounts) {
  std::string text = "a: &a " + std::string(100'000, 'x') + "\nb:\n";
  for (int i = 0; i < 30; ++i) text += "- *a\n";
  EXPECT_TRUE(ReadDocuments(text).ok());
  const auto documents = ReadDocuments(text, {.max_nodes = 40'000});
  ASSERT_FALSE(documents.ok());
  EXPECT_EQ(documents.status().message(),
            "line 26: the file, with what its aliases repeat, has more than 40000 values");
}

TEST(Documents, AreBoundInDepthAndSize) {
  const auto nested = [](int depth) { return std::string(depth, '[') + std::string(depth, ']'); };
  EXPECT_TRUE(ReadDocuments("a: " + nested(99)).ok());
  EXPECT_EQ(ReadDocuments("a: " + nested(100)).status().message(),
            "line 1: lists and maps are nested deeper than 100");
  EXPECT_TRUE(ReadDocuments("{\"a\": " + nested(99) + "}").ok());
  EXPECT_EQ(ReadDocuments("{\"a\": " + nested(100) + "}").status().message(),
            "line 1: lists and maps are nested deeper than 100");
  EXPECT_FALSE(ReadDocuments(std::string(1'000'000, '[')).ok());
  EXPECT_EQ(ReadDocuments("a: 123", {.max_bytes = 5}).status().message(),
            "line 1: the file is larger than 5 bytes");
}

TEST(Documents, AliasesDoNotNestDeeperThanTheLimit) {
  std::string text = "a0: &a0 [x]\n";
  for (int i = 1; i < 100; ++i) text += fmt::format("a{0}: &a{0} [*a{1}]\n", i, i - 1);
  EXPECT_EQ(ReadDocuments(text).status().message(),
            "line 100: aliases nest lists and maps deeper than 100");
}

}  // namespace
}  // namespace sluice::control
