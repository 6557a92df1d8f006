#include "acl/rule_ids.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace sluice::acl {
namespace {

std::string TextOf(const RuleSource& source) {
  return fmt::format("{}|{}|{}", TierName(source.tier), fmt::join(source.policies, ","),
                     source.rule);
}

}  // namespace

std::shared_ptr<const RuleIds> RuleIds::Next(const RuleIds* previous, const RuleTable& table) {
  auto next = std::make_shared<RuleIds>();
  if (previous != nullptr) {
    *next = *previous;
    next->by_source_.clear();
    for (auto& [id, rule] : next->rules_) rule.in_force = false;
  }
  for (const RuleSource& source : table.sources) next->Number(source);
  if (previous != nullptr) next->Retire(*previous);
  return next;
}

void RuleIds::Number(const RuleSource& source) {
  const auto [entry, added] = ids_.try_emplace(TextOf(source), next_);
  if (added) ++next_;
  Numbered& rule = rules_[entry->second];
  if (added) rule.source = source;
  rule.in_force = true;
  by_source_.push_back(entry->second);
}

void RuleIds::Retire(const RuleIds& previous) {
  std::erase_if(gone_, [this](RuleId id) { return InForce(id); });
  for (const auto& [id, rule] : previous.rules_) {
    if (rule.in_force && !InForce(id)) gone_.push_back(id);
  }
  if (gone_.size() <= kRemembered) return;
  const auto kept = gone_.end() - kRemembered;
  for (auto id = gone_.begin(); id != kept; ++id) {
    ids_.erase(TextOf(rules_.at(*id).source));
    rules_.erase(*id);
  }
  gone_.erase(gone_.begin(), kept);
}

const RuleSource* RuleIds::Find(RuleId id) const {
  const auto found = rules_.find(id);
  return found == rules_.end() ? nullptr : &found->second.source;
}

bool RuleIds::InForce(RuleId id) const {
  const auto found = rules_.find(id);
  return found != rules_.end() && found->second.in_force;
}

}  // namespace sluice::acl
