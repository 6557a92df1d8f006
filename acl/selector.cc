#include "acl/selector.h"

#include <algorithm>

namespace sluice::acl {
namespace {

constexpr uint32_t kAbsent = 0;
constexpr uint32_t kOtherValue = 1;
constexpr uint32_t kFirstValue = 2;

template <typename T>
void SortDistinct(std::vector<T>& values) {
  std::sort(values.begin(), values.end());
  values.erase(std::unique(values.begin(), values.end()), values.end());
}

Operator ParseOperator(const std::string& text) {
  if (text == "In") return Operator::kIn;
  if (text == "NotIn") return Operator::kNotIn;
  if (text == "Exists") return Operator::kExists;
  return Operator::kDoesNotExist;
}

std::string Join(const std::vector<std::string>& parts) {
  std::string joined;
  for (const std::string& part : parts) joined += (&part == &parts.front() ? "" : ",") + part;
  return joined;
}

std::string ToString(const Term& term) {
  const bool one = term.values.size() == 1;
  switch (term.op) {
    case Operator::kIn:
      return term.key + (one ? "=" + term.values[0] : " in (" + Join(term.values) + ")");
    case Operator::kNotIn:
      return term.key + (one ? "!=" + term.values[0] : " notin (" + Join(term.values) + ")");
    case Operator::kExists:
      return term.key;
    case Operator::kDoesNotExist:
      return "!" + term.key;
  }
  return term.key;
}

bool Matches(const EncodedTerm& term, const EncodedLabels& labels) {
  const uint32_t value = labels[term.column];
  const bool listed = std::find(term.values.begin(), term.values.end(), value) != term.values.end();
  switch (term.op) {
    case Operator::kIn:
      return listed;
    case Operator::kNotIn:
      return !listed;
    case Operator::kExists:
      return value != kAbsent;
    case Operator::kDoesNotExist:
      return value == kAbsent;
  }
  return false;
}

}  // namespace

Selector Normalize(const LabelSelector& selector) {
  Selector terms;
  for (const auto& [key, value] : selector.match_labels) {
    terms.push_back({key, Operator::kIn, {value}});
  }
  for (const Requirement& requirement : selector.match_expressions) {
    Term term{requirement.key, ParseOperator(requirement.op), requirement.values};
    SortDistinct(term.values);
    terms.push_back(std::move(term));
  }
  SortDistinct(terms);
  return terms;
}

std::string ToString(const Selector& selector) {
  std::vector<std::string> terms;
  for (const Term& term : selector) terms.push_back(ToString(term));
  return Join(terms);
}

bool Matches(const EncodedSelector& selector, const EncodedLabels& labels) {
  return std::all_of(selector.begin(), selector.end(),
                     [&](const EncodedTerm& term) { return Matches(term, labels); });
}

EncodedSelector LabelIndex::Add(const Selector& selector) {
  EncodedSelector encoded;
  for (const Term& term : selector) {
    Column& column = columns_.try_emplace(term.key, Column{columns_.size(), {}}).first->second;
    EncodedTerm& out = encoded.emplace_back(EncodedTerm{column.index, term.op, {}});
    for (const std::string& value : term.values) {
      const auto next = kFirstValue + static_cast<uint32_t>(column.values.size());
      out.values.push_back(column.values.try_emplace(value, next).first->second);
    }
  }
  return encoded;
}

EncodedLabels LabelIndex::Encode(const Labels& labels) const {
  EncodedLabels encoded(columns_.size(), kAbsent);
  for (const auto& [key, value] : labels) {
    const auto column = columns_.find(key);
    if (column == columns_.end()) continue;
    const auto known = column->second.values.find(value);
    const bool mentioned = known != column->second.values.end();
    encoded[column->second.index] = mentioned ? known->second : kOtherValue;
  }
  return encoded;
}

}  // namespace sluice::acl
