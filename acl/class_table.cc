#include "acl/class_table.h"

#include <absl/container/flat_hash_set.h>
#include <fmt/format.h>

#include <algorithm>
#include <tuple>
#include <utility>

namespace sluice::acl {
namespace {

bool IsOutside(const Signature& signature) {
  return signature.empty() || signature.front() != kAllPods;
}

bool Before(const Signature& a, const Signature& b) {
  const bool a_outside = IsOutside(a);
  const bool b_outside = IsOutside(b);
  return std::tie(a_outside, a) < std::tie(b_outside, b);
}

}  // namespace

absl::StatusOr<ClassTable> ClassTable::Number(std::vector<Signature> signatures,
                                              size_t predicates) {
  std::sort(signatures.begin(), signatures.end(), Before);
  signatures.erase(std::unique(signatures.begin(), signatures.end()), signatures.end());
  if (signatures.size() > kMaxClass) {
    return absl::ResourceExhaustedError(fmt::format(
        "policies tell {} classes of peers apart; the limit is {}", signatures.size(), kMaxClass));
  }
  ClassTable table;
  table.signatures_ = std::move(signatures);
  table.signatures_.insert(table.signatures_.begin(), Signature{});  // kUnknownClass
  table.where_.resize(predicates);
  for (size_t id = 1; id < table.signatures_.size(); ++id) {
    table.ids_[table.signatures_[id]] = static_cast<ClassId>(id);
    for (const PredicateId predicate : table.signatures_[id]) {
      table.where_[predicate].Append(static_cast<ClassId>(id));
    }
  }
  return table;
}

ClassSet ClassTable::Everything() const {
  if (size() == 1) return {};
  return ClassSet({1, static_cast<ClassId>(size() - 1)});
}

size_t ClassTable::CountWith(const std::vector<bool>& kept) const {
  absl::flat_hash_set<Signature> distinct;
  for (size_t id = 1; id < signatures_.size(); ++id) {
    Signature rest;
    for (const PredicateId predicate : signatures_[id]) {
      if (kept[predicate]) rest.push_back(predicate);
    }
    distinct.insert(std::move(rest));
  }
  return distinct.size();
}

}  // namespace sluice::acl
