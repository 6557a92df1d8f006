// How often each kind of verdict came up. Agreement means little unless every kind is common.
#pragma once

#include <map>
#include <string>

#include "acl/evaluator.h"
#include "tests/differential/random_cluster.h"

namespace sluice::acl {

class VerdictCounts {
 public:
  // Counts both sides of `verdict` on `flow`; `world` says which addresses are unknown.
  void Add(const RawWorld& world, const RawFlow& flow, const RawVerdict& verdict);

  size_t sides() const { return sides_; }
  void Print() const;
  // Fails the test for each kind of verdict of `kinds` that is rarer than one side in 1000.
  void ExpectNoneIsRare(RandomCluster::Kinds kinds) const;

 private:
  void AddSide(const RawFlow& flow, const std::optional<RawSide>& side,
               const std::optional<RawSide>& audited, bool peer_unknown);

  size_t sides_ = 0;
  std::map<std::string, size_t> counts_;
};

}  // namespace sluice::acl
