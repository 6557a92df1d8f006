// Signatures -> classes: one class for each distinct signature, numbered so that common sets of
// classes are ranges.
//
// Pod classes come first, then the classes of outside addresses; both in the order of their
// signatures. So "all pods", a namespace, a CIDR block are each one range as long as they nest.
#pragma once

#include <absl/container/flat_hash_map.h>
#include <absl/status/statusor.h>

#include <optional>
#include <vector>

#include "acl/class_set.h"
#include "acl/signature.h"

namespace sluice::acl {

class ClassTable {
 public:
  // `predicates` is their count. Class 0 stays kUnknownClass. Errors: ResourceExhausted when more
  // than kMaxClass signatures differ, naming the figure.
  static absl::StatusOr<ClassTable> Number(std::vector<Signature> signatures, size_t predicates);

  // `signature` was numbered.
  ClassId IdOf(const Signature& signature) const { return ids_.at(signature); }
  std::optional<ClassId> Find(const Signature& signature) const {
    const auto id = ids_.find(signature);
    return id == ids_.end() ? std::nullopt : std::optional(id->second);
  }
  // The signature of class `id`; empty for kUnknownClass.
  const Signature& signature(ClassId id) const { return signatures_[id]; }
  // The classes of which `predicate` holds. Never kUnknownClass.
  const ClassSet& Where(PredicateId predicate) const { return where_[predicate]; }
  // Every class but kUnknownClass.
  ClassSet Everything() const;
  // How many there would be, kUnknownClass not included, if nothing but the predicates for which
  // `kept` says so, by PredicateId, were told apart. Cost: all signatures.
  size_t CountWith(const std::vector<bool>& kept) const;
  size_t size() const { return signatures_.size(); }  // kUnknownClass included

 private:
  std::vector<Signature> signatures_;
  std::vector<ClassSet> where_;
  absl::flat_hash_map<Signature, ClassId> ids_;
};

}  // namespace sluice::acl
