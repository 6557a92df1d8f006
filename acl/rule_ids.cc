#include "acl/rule_ids.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <iterator>

namespace sluice::acl {
namespace {

std::string TextOf(const RuleSource& source) {
  return fmt::format("{}|{}|{}", TierName(source.tier), fmt::join(source.policies, ","),
                     source.rule);
}

bool NamesOneOf(const RuleSource& source, const std::set<std::string>& policies) {
  return std::ranges::any_of(source.policies,
                             [&](const auto& policy) { return policies.contains(policy); });
}

}  // namespace

std::shared_ptr<const RuleIds> RuleIds::Next(const RuleIds* previous, const RuleTable& table) {
  const RuleIds before = previous == nullptr ? RuleIds() : Merged(*previous);
  auto next = std::make_shared<RuleIds>(before);
  next->by_source_.clear();
  for (auto& [id, rule] : next->rules_) rule.in_force = false;
  for (const RuleSource& source : table.sources) next->by_source_.push_back(next->Number(source));
  next->Retire(before.rules_);
  return next;
}

std::shared_ptr<const RuleIds> RuleIds::Beside(std::shared_ptr<const RuleIds> base,
                                               const RuleIds* previous, const RuleTable& table,
                                               std::set<std::string> replaced,
                                               std::span<const Neighbour> neighbours) {
  auto beside = std::make_shared<RuleIds>();
  if (previous != nullptr && previous->base_ != nullptr) {
    beside->rules_ = previous->rules_;
    beside->ids_ = previous->ids_;
  }
  if (previous != nullptr) beside->next_ = previous->next_;
  for (auto& [id, rule] : beside->rules_) rule.in_force = false;
  std::erase_if(beside->rules_,
                [&](const auto& rule) { return base->rules_.contains(rule.first); });
  std::erase_if(beside->ids_, [&](const auto& text) { return base->ids_.contains(text.first); });
  beside->next_ = std::max(beside->next_, base->next_);
  beside->base_ = std::move(base);
  beside->replaced_ = std::move(replaced);
  for (const RuleSource& source : table.sources) {
    beside->by_source_.push_back(beside->Number(source));
  }
  for (const Neighbour& neighbour : neighbours) {
    for (const RuleSource& source : neighbour.table->sources) {
      if (!NamesOneOf(source, *neighbour.replaced)) beside->Number(source);
    }
  }
  size_t gone = 0;
  for (const auto& [id, rule] : beside->rules_) gone += rule.in_force ? 0 : 1;
  for (auto it = beside->rules_.begin(); gone > kRemembered;) {
    const bool forget = !it->second.in_force;
    if (forget) beside->ids_.erase(TextOf(it->second.source));
    gone -= forget ? 1 : 0;
    it = forget ? beside->rules_.erase(it) : std::next(it);
  }
  return beside;
}

std::shared_ptr<const RuleIds> RuleIds::BaseOf(const std::shared_ptr<const RuleIds>& ids) {
  return ids->base_ == nullptr ? ids : ids->base_;
}

// `previous` and what it stands beside as one.
RuleIds RuleIds::Merged(const RuleIds& previous) {
  if (previous.base_ == nullptr) return previous;
  RuleIds merged = *previous.base_;
  for (auto& [id, rule] : merged.rules_) rule.in_force = previous.InForce(id);
  merged.rules_.insert(previous.rules_.begin(), previous.rules_.end());
  merged.ids_.insert(previous.ids_.begin(), previous.ids_.end());
  merged.next_ = previous.next_;
  const std::set<RuleId> listed(merged.gone_.begin(), merged.gone_.end());
  for (const auto& [id, rule] : merged.rules_) {
    if (!rule.in_force && !listed.contains(id)) merged.gone_.push_back(id);
  }
  std::erase_if(merged.gone_, [&](RuleId id) { return merged.rules_.at(id).in_force; });
  return merged;
}

RuleId RuleIds::IdOf(const RuleSource& source) {
  std::string text = TextOf(source);
  if (base_ != nullptr) {
    const auto known = base_->ids_.find(text);
    if (known != base_->ids_.end()) return known->second;
  }
  const auto [entry, added] = ids_.try_emplace(std::move(text), next_);
  if (added) ++next_;
  return entry->second;
}

RuleId RuleIds::Number(const RuleSource& source) {
  const RuleId id = IdOf(source);
  Numbered& rule = rules_[id];
  rule.source = source;
  rule.in_force = true;
  return id;
}

void RuleIds::Retire(const std::map<RuleId, Numbered>& previous) {
  std::erase_if(gone_, [this](RuleId id) { return InForce(id); });
  for (const auto& [id, rule] : previous) {
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
  if (found != rules_.end()) return &found->second.source;
  return base_ == nullptr ? nullptr : base_->Find(id);
}

bool RuleIds::InForce(RuleId id) const {
  const auto found = rules_.find(id);
  if (found != rules_.end() && (found->second.in_force || base_ == nullptr)) {
    return found->second.in_force;
  }
  if (base_ == nullptr || !base_->InForce(id)) return false;
  return !NamesOneOf(*base_->Find(id), replaced_);
}

}  // namespace sluice::acl
