#include "control/desired_state.h"

#include <fmt/core.h>

#include <optional>
#include <type_traits>

#include "acl/validate.h"
#include "control/policy_terms.h"
#include "control/stand_in.h"

namespace sluice::control {
namespace {

absl::Status CheckSource(const std::string& source) {
  if (!source.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError("source: is required: it names the owner of the objects");
}

bool AreOthers(const std::string& old_uid, const std::string& new_uid) {
  return !old_uid.empty() && !new_uid.empty() && old_uid != new_uid;
}

// The type of objects of `key`'s kind, as visit(its identity); nothing for an unknown kind.
template <typename Visit>
void VisitKind(const ObjectKey& key, Visit visit) {
  if (key.kind == "Namespace") return visit(std::type_identity<acl::Namespace>());
  if (key.kind == "Node") return visit(std::type_identity<acl::Node>());
  if (key.kind == "Endpoint") return visit(std::type_identity<acl::Endpoint>());
  if (key.kind == "NetworkPolicy") return visit(std::type_identity<acl::NetworkPolicy>());
  if (key.kind == "MultiNetworkPolicy") return visit(std::type_identity<acl::MultiNetworkPolicy>());
  if (key.kind == "SluicePolicy") return visit(std::type_identity<acl::SluicePolicy>());
  if (ClusterPolicyKindOf(key.kind)) return visit(std::type_identity<acl::ClusterPolicy>());
}

// What counts among the terms of a namespace.
template <typename T>
constexpr bool kIsCounted =
    std::is_same_v<T, acl::NetworkPolicy> || std::is_same_v<T, acl::MultiNetworkPolicy> ||
    std::is_same_v<T, acl::SluicePolicy>;

std::optional<acl::NetworkPolicy> StandInFor(const ObjectKey& key,
                                             const acl::NetworkPolicy* refused) {
  return MakeStandIn(key.name, refused);
}
std::optional<acl::MultiNetworkPolicy> StandInFor(const ObjectKey& key,
                                                  const acl::MultiNetworkPolicy* refused) {
  return MakeMultiStandIn(key.name, refused);
}
std::optional<acl::SluicePolicy> StandInFor(const ObjectKey& key,
                                            const acl::SluicePolicy* refused) {
  return MakeSluiceStandIn(key.name, refused);
}
std::optional<acl::ClusterPolicy> StandInFor(const ObjectKey& key,
                                             const acl::ClusterPolicy* refused) {
  return MakeClusterStandIn(key, refused);
}

}  // namespace

PortTable& DesiredState::ports() {
  ports_ = std::make_shared<PortTable>(*ports_);
  return *ports_;
}

void DesiredState::Freeze() {
  std::apply([](auto&... tables) { (tables.Freeze(), ...); }, tables_);
  terms_.Freeze();
}

bool DesiredState::operator==(const DesiredState& other) const {
  return tables_ == other.tables_ && synced_versions_ == other.synced_versions_ &&
         (ports_ == other.ports_ || *ports_ == *other.ports_);
}

DesiredState::Origin DesiredState::OriginOf(const ObjectKey& key) const {
  Origin origin;
  VisitKind(key, [&]<typename T>(std::type_identity<T>) {
    auto it = Table<T>().find(TableKey<T>::Of(key));
    if (it != Table<T>().end()) origin = {&it->second.source, &it->second.uid};
  });
  return origin;
}

bool DesiredState::Has(const std::string& source, const Candidate& candidate) const {
  if (!candidate.object.ok()) return false;
  return std::visit(
      [&]<typename T>(const T& value) {
        const auto it = Table<T>().find(TableKey<T>::Of(candidate.key));
        return it != Table<T>().end() &&
               it->second == Owned<T>{value, source, candidate.uid, false};
      },
      *candidate.object);
}

absl::Status DesiredState::CheckOwner(const std::string& source, const ObjectKey& key) const {
  const std::string* owner = OriginOf(key).source;
  if (owner == nullptr || *owner == source) return absl::OkStatus();
  return absl::FailedPreconditionError(
      fmt::format("{}: belongs to source \"{}\", not to \"{}\"", key.ToString(), *owner, source));
}

absl::Status DesiredState::Check(const std::string& source, const Candidate& candidate) const {
  absl::Status status = CheckOwner(source, candidate.key);
  if (!status.ok()) return status;
  if (!candidate.object.ok()) return candidate.object.status();
  return std::visit([](const auto& value) { return acl::Validate(value); }, *candidate.object);
}

absl::Status DesiredState::CheckRoom(const Object& object) const {
  const ObjectKey key = ObjectKey::Of(object);
  return std::visit(
      [&]<typename T>(const T& value) -> absl::Status {
        if constexpr (kIsCounted<T>) {
          const std::string& in = key.name.first;
          const size_t own = TermsOf(value);
          size_t all = own + (terms_.contains(in) ? terms_.at(in) : 0);
          const auto before = Table<T>().find(key.name);
          if (before != Table<T>().end()) all -= TermsOf(before->second.object);
          if (all <= limits_.terms_a_namespace) return absl::OkStatus();
          return absl::ResourceExhaustedError(fmt::format(
              "{}: spec: with its {} terms (each peer with each port of a rule) namespace {} would "
              "have {}, more than {}",
              key.ToString(), own, in, all, limits_.terms_a_namespace));
        } else {
          return absl::OkStatus();
        }
      },
      object);
}

template <typename T>
void DesiredState::Assign(const typename TableKey<T>::type& name, Owned<T> owned) {
  if constexpr (kIsCounted<T>) {
    Remove<T>(name);
    const size_t others = terms_.contains(name.first) ? terms_.at(name.first) : 0;
    terms_.insert_or_assign(name.first, others + TermsOf(owned.object));
  }
  Table<T>().insert_or_assign(name, std::move(owned));
}

template <typename T>
size_t DesiredState::Remove(const typename TableKey<T>::type& name) {
  if constexpr (kIsCounted<T>) {
    const auto known = Table<T>().find(name);
    if (known == Table<T>().end()) return 0;
    const size_t others = terms_.at(name.first) - TermsOf(known->second.object);
    if (others == 0) {
      terms_.erase(name.first);
    } else {
      terms_.insert_or_assign(name.first, others);
    }
  }
  return Table<T>().erase(name);
}

absl::Status DesiredState::CheckRemoval(const std::string& source, const ObjectKey& key) const {
  if (IsObjectKind(key.kind)) return CheckOwner(source, key);
  return absl::InvalidArgumentError(
      fmt::format("{}: kind: \"{}\" is not {}", key.ToString(), key.kind, kObjectKinds));
}

absl::Status DesiredState::CheckAll(const std::string& source, std::span<const Candidate> objects,
                                    std::span<const ObjectKey> removed) const {
  for (const ObjectKey& key : removed) {
    if (absl::Status status = CheckRemoval(source, key); !status.ok()) return status;
  }
  for (const Candidate& candidate : objects) {
    if (absl::Status status = Check(source, candidate); !status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status DesiredState::CheckContinues(const std::string& source,
                                          const std::string& version) const {
  if (version.empty()) return absl::OkStatus();
  const auto found = synced_versions_.find(source);
  const std::string last = found == synced_versions_.end() ? "" : found->second;
  if (last == version) return absl::OkStatus();
  return absl::FailedPreconditionError(fmt::format(
      "after: source \"{}\" last synced version \"{}\", not \"{}\"", source, last, version));
}

void DesiredState::Put(const std::string& source, const Candidate& candidate) {
  std::visit(
      [&]<typename T>(const T& value) {
        Assign<T>(TableKey<T>::Of(candidate.key), Owned<T>{value, source, candidate.uid, false});
      },
      *candidate.object);
}

Refusal DesiredState::Refuse(const std::string& source, const Candidate& candidate,
                             const absl::Status& why) {
  const ObjectKey& key = candidate.key;
  Refusal refusal = Refusal::From(key, why);
  if (!CheckOwner(source, key).ok()) return refusal;
  DropOther(candidate);
  if (key.kind == "NetworkPolicy") {
    PutStandIn<acl::NetworkPolicy>(source, candidate);
  } else if (key.kind == "MultiNetworkPolicy") {
    PutStandIn<acl::MultiNetworkPolicy>(source, candidate);
  } else if (key.kind == "SluicePolicy") {
    PutStandIn<acl::SluicePolicy>(source, candidate);
  } else if (ClusterPolicyKindOf(key.kind)) {
    PutStandIn<acl::ClusterPolicy>(source, candidate);
  }
  return refusal;
}

template <typename T>
void DesiredState::PutStandIn(const std::string& source, const Candidate& refused) {
  const auto& name = TableKey<T>::Of(refused.key);
  auto it = Table<T>().find(name);
  if (it != Table<T>().end() && !it->second.stand_in) return;
  const Object* said = refused.object.ok() ? &*refused.object : refused.outline.get();
  const T* meant = said != nullptr ? std::get_if<T>(said) : nullptr;
  if (auto stand_in = StandInFor(refused.key, meant)) {
    Assign<T>(name, Owned<T>{*std::move(stand_in), source, refused.uid, true});
  }
}

// Another object under an old name: the old one is gone, whatever is wrong with the new one.
void DesiredState::DropOther(const Candidate& refused) {
  const std::string* uid = OriginOf(refused.key).uid;
  if (uid != nullptr && AreOthers(*uid, refused.uid)) Erase(refused.key);
}

uint32_t DesiredState::Erase(const ObjectKey& key) {
  size_t erased = 0;
  VisitKind(key,
            [&]<typename T>(std::type_identity<T>) { erased = Remove<T>(TableKey<T>::Of(key)); });
  return static_cast<uint32_t>(erased);
}

absl::StatusOr<std::vector<Refusal>> DesiredState::Apply(const std::string& source,
                                                         std::span<const Candidate> objects,
                                                         OnRefusal mode,
                                                         std::span<const ObjectKey> removed) {
  if (mode == OnRefusal::kSkip || objects.size() + removed.size() <= 1) {
    return ApplyInPlace(source, objects, mode, removed);
  }
  DesiredState changed = *this;  // what fits alone may not fit together
  auto refusals = changed.ApplyInPlace(source, objects, mode, removed);
  if (refusals.ok()) *this = std::move(changed);
  return refusals;
}

absl::StatusOr<std::vector<Refusal>> DesiredState::ApplyInPlace(
    const std::string& source, std::span<const Candidate> objects, OnRefusal mode,
    std::span<const ObjectKey> removed) {
  absl::Status status = CheckSource(source);
  if (status.ok() && mode == OnRefusal::kRefuseAll) status = CheckAll(source, objects, removed);
  if (!status.ok()) return status;
  std::vector<Refusal> refusals;
  for (const ObjectKey& key : removed) {
    status = CheckRemoval(source, key);
    if (status.ok()) {
      Erase(key);
    } else {
      refusals.push_back(Refusal::From(key, status));
    }
  }
  std::vector<const Candidate*> crowded;  // for which there is no room, until others shrink
  for (const Candidate& candidate : objects) {
    status = Check(source, candidate);
    if (!status.ok()) {
      refusals.push_back(Refuse(source, candidate, status));
    } else if (CheckRoom(*candidate.object).ok()) {
      Put(source, candidate);
    } else {
      crowded.push_back(&candidate);
    }
  }
  for (const Candidate* candidate : crowded) {
    status = CheckRoom(*candidate->object);
    if (status.ok()) {
      Put(source, *candidate);
    } else if (mode == OnRefusal::kRefuseAll) {
      return status;
    } else {
      refusals.push_back(Refuse(source, *candidate, status));
    }
  }
  return refusals;
}

absl::StatusOr<uint32_t> DesiredState::Delete(const std::string& source,
                                              std::span<const ObjectKey> keys) {
  absl::Status status = CheckSource(source);
  if (!status.ok()) return status;
  status = CheckAll(source, {}, keys);
  if (!status.ok()) return status;
  uint32_t deleted = 0;
  for (const ObjectKey& key : keys) deleted += Erase(key);
  return deleted;
}

absl::Status DesiredState::Rehearse(std::span<const Candidate> objects,
                                    std::span<const ObjectKey> removed) {
  const auto owner_of = [this](const ObjectKey& key) {
    const std::string* owner = OriginOf(key).source;
    return owner == nullptr ? std::string("rehearsal") : *owner;
  };
  for (const ObjectKey& key : removed) {
    if (!IsObjectKind(key.kind)) {
      return absl::InvalidArgumentError(
          fmt::format("{}: kind: \"{}\" is not {}", key.ToString(), key.kind, kObjectKinds));
    }
    if (OriginOf(key).source == nullptr) {
      return absl::NotFoundError(fmt::format("{}: is not there", key.ToString()));
    }
  }
  for (const Candidate& candidate : objects) {
    if (absl::Status s = Check(owner_of(candidate.key), candidate); !s.ok()) return s;
  }
  for (const ObjectKey& key : removed) Erase(key);
  for (const Candidate& candidate : objects) Put(owner_of(candidate.key), candidate);
  return absl::OkStatus();
}

void DesiredState::Sweep(const std::string& source, const std::set<ObjectKey>& keep) {
  const auto sweep = [&]<typename T>(std::type_identity<T>, auto key_of) {
    std::vector<typename TableKey<T>::type> gone;
    for (const auto& [name, owned] : Table<T>()) {
      if (owned.source == source && !keep.contains(key_of(name))) gone.push_back(name);
    }
    for (const auto& name : gone) Remove<T>(name);
  };
  const auto named = [](const char* kind) {
    return [kind](const ObjectName& name) { return ObjectKey{kind, name}; };
  };
  sweep(std::type_identity<acl::Namespace>(), named("Namespace"));
  sweep(std::type_identity<acl::Node>(), named("Node"));
  sweep(std::type_identity<acl::Endpoint>(), named("Endpoint"));
  sweep(std::type_identity<acl::NetworkPolicy>(), named("NetworkPolicy"));
  sweep(std::type_identity<acl::MultiNetworkPolicy>(), named("MultiNetworkPolicy"));
  sweep(std::type_identity<acl::SluicePolicy>(), named("SluicePolicy"));
  sweep(std::type_identity<acl::ClusterPolicy>(), [](const ObjectKey& key) { return key; });
}

absl::StatusOr<std::vector<Refusal>> DesiredState::Sync(const std::string& source,
                                                        std::span<const Candidate> objects,
                                                        const std::string& version) {
  if (absl::Status status = CheckSource(source); !status.ok()) return status;
  std::set<ObjectKey> keep;
  for (const Candidate& candidate : objects) keep.insert(candidate.key);
  Sweep(source, keep);  // first: what goes makes room
  auto refusals = Apply(source, objects, OnRefusal::kSkip);
  if (!refusals.ok()) return refusals;
  synced_versions_[source] = version;
  return refusals;
}

}  // namespace sluice::control
