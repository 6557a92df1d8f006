#include "acl/population.h"

#include <algorithm>

namespace sluice::acl {

void Population::Withdraw(const MemberName& name, std::vector<IpAddress>& touched) {
  const Member* member = Find(name);
  if (member == nullptr) return;
  for (const auto& [address, id] : member->addresses) {
    touched.push_back(address);
    const auto known = claims_.find(address);
    if (known == claims_.end()) continue;  // listed twice, and withdrawn already
    Claims claims = known->second;
    std::erase_if(claims, [&](const Claim& claim) { return claim.name == name; });
    if (claims.empty()) {
      claims_.erase(address);
    } else {
      claims_.insert_or_assign(address, std::move(claims));
    }
  }
}

ClassId Population::Decide(const Claims& claims) {
  const Claim* held = &claims.front();
  bool disputed = false;
  for (const Claim& claim : claims) {
    if (claim.owner > held->owner) {
      held = &claim;
      disputed = false;
    } else if (claim.owner == held->owner && claim.id != held->id) {
      disputed = true;
    }
  }
  return disputed ? kUnknownClass : held->id;
}

void Population::Apply(std::span<const Change> changes) {
  std::vector<IpAddress> touched;
  for (const Change& change : changes) {
    Withdraw(change.name, touched);
    if (!change.member) {
      members_.erase(change.name);
      continue;
    }
    for (const auto& [address, id] : change.member->addresses) {
      const auto known = claims_.find(address);
      Claims claims = known == claims_.end() ? Claims{} : known->second;
      claims.push_back({change.name, change.member->owner, id});
      claims_.insert_or_assign(address, std::move(claims));
      touched.push_back(address);
    }
    members_.insert_or_assign(change.name, *change.member);
  }
  std::vector<AddressMap::Change> mapped;
  for (const IpAddress& address : touched) {
    const auto claims = claims_.find(address);
    mapped.push_back(
        {address, claims == claims_.end() ? std::nullopt : std::optional(Decide(claims->second))});
  }
  addresses_.Apply(mapped);
}

void Population::Freeze() {
  members_.Freeze();
  claims_.Freeze();
}

const MemberName* Population::OwnerOf(const IpAddress& address) const {
  const auto claims = claims_.find(address);
  if (claims == claims_.end()) return nullptr;
  return &std::ranges::max_element(claims->second, {}, &Claim::owner)->name;
}

const Member* Population::Find(const MemberName& name) const {
  const auto member = members_.find(name);
  return member == members_.end() ? nullptr : &member->second;
}

}  // namespace sluice::acl
