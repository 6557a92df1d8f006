// Label selectors in a normal form, and a fast way to hold many of them against many label sets.
//
// Selector is the value that tells two selectors apart. LabelIndex turns the keys and values that
// selectors mention into small numbers, so that a label no selector looks at makes no difference
// and matching compares integers instead of strings.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <compare>
#include <cstdint>
#include <string>
#include <vector>

#include "acl/objects.h"

namespace sluice::acl {

enum class Operator : uint8_t { kIn, kNotIn, kExists, kDoesNotExist };

struct Term {
  std::string key;
  Operator op = Operator::kExists;
  std::vector<std::string> values;  // sorted, distinct
  auto operator<=>(const Term&) const = default;
};

// Sorted, distinct; a matchLabels entry is In with one value. Empty matches everything.
using Selector = std::vector<Term>;

// `selector` passed Validate.
Selector Normalize(const LabelSelector& selector);
// As kubectl writes it: "app=web,tier in (a,b),!canary".
std::string ToString(const Selector& selector);

// By column of the index: 0 absent, 1 a value that no selector mentions, else the value's number.
using EncodedLabels = std::vector<uint32_t>;

struct EncodedTerm {
  size_t column = 0;
  Operator op = Operator::kExists;
  std::vector<uint32_t> values;
};
using EncodedSelector = std::vector<EncodedTerm>;

// A key that is absent matches NotIn and DoesNotExist.
bool Matches(const EncodedSelector& selector, const EncodedLabels& labels);

class LabelIndex {
 public:
  // Every selector must be added before the first labels are encoded.
  EncodedSelector Add(const Selector& selector);
  EncodedLabels Encode(const Labels& labels) const;

 private:
  struct Column {
    size_t index = 0;
    absl::flat_hash_map<std::string, uint32_t> values;
  };
  absl::flat_hash_map<std::string, Column> columns_;
};

}  // namespace sluice::acl
