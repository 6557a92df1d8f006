#include "control/desired_state.h"

#include <fmt/core.h>

#include "acl/validate.h"
#include "control/stand_in.h"

namespace sluice::control {
namespace {

absl::Status CheckSource(const std::string& source) {
  if (!source.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError("source: is required: it names the owner of the objects");
}

bool NamesOtherPod(const std::string& old_uid, const std::string& new_uid) {
  return !old_uid.empty() && !new_uid.empty() && old_uid != new_uid;
}

template <typename T>
const std::string* FindOwner(const ObjectTable<T>& table, const ObjectName& name) {
  auto it = table.find(name);
  return it == table.end() ? nullptr : &it->second.source;
}

}  // namespace

const std::string* DesiredState::OwnerOf(const ObjectKey& key) const {
  if (key.kind == "Namespace") return FindOwner(namespaces(), key.name);
  if (key.kind == "Endpoint") return FindOwner(endpoints(), key.name);
  if (key.kind == "NetworkPolicy") return FindOwner(policies(), key.name);
  return nullptr;
}

absl::Status DesiredState::CheckOwner(const std::string& source, const ObjectKey& key) const {
  const std::string* owner = OwnerOf(key);
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

void DesiredState::Put(const std::string& source, const Object& object) {
  const ObjectName name = ObjectKey::Of(object).name;
  std::visit(
      [&]<typename T>(const T& value) {
        Table<T>()[name] = Owned<T>{value, source, false};
      },
      object);
}

Refusal DesiredState::Refuse(const std::string& source, const Candidate& candidate,
                             const absl::Status& why) {
  const ObjectKey& key = candidate.key;
  Refusal refusal = Refusal::From(key, why);
  if (!CheckOwner(source, key).ok()) return refusal;
  if (key.kind == "NetworkPolicy") {
    auto& policies = Table<acl::NetworkPolicy>();
    auto it = policies.find(key.name);
    if (it != policies.end() && !it->second.stand_in) return refusal;
    const acl::NetworkPolicy* refused =
        candidate.object.ok() ? std::get_if<acl::NetworkPolicy>(&*candidate.object) : nullptr;
    if (auto stand_in = MakeStandIn(key.name, refused)) {
      policies[key.name] = {*std::move(stand_in), source, true};
    }
  } else if (key.kind == "Endpoint") {
    auto& endpoints = Table<acl::Endpoint>();
    auto it = endpoints.find(key.name);
    // Another pod under an old name: the old one is gone, whatever is wrong with the new one.
    if (it != endpoints.end() && NamesOtherPod(it->second.object.uid, candidate.uid)) {
      endpoints.erase(it);
    }
  }
  return refusal;
}

uint32_t DesiredState::Erase(const ObjectKey& key) {
  if (key.kind == "Namespace") return Table<acl::Namespace>().erase(key.name);
  if (key.kind == "Endpoint") return Table<acl::Endpoint>().erase(key.name);
  return Table<acl::NetworkPolicy>().erase(key.name);
}

absl::StatusOr<std::vector<Refusal>> DesiredState::Apply(const std::string& source,
                                                         std::span<const Candidate> objects,
                                                         OnRefusal mode) {
  absl::Status status = CheckSource(source);
  if (!status.ok()) return status;
  if (mode == OnRefusal::kRefuseAll) {
    for (const Candidate& candidate : objects) {
      status = Check(source, candidate);
      if (!status.ok()) return status;
    }
  }
  std::vector<Refusal> refusals;
  for (const Candidate& candidate : objects) {
    status = Check(source, candidate);
    if (status.ok()) {
      Put(source, *candidate.object);
    } else {
      refusals.push_back(Refuse(source, candidate, status));
    }
  }
  return refusals;
}

absl::StatusOr<uint32_t> DesiredState::Delete(const std::string& source,
                                              std::span<const ObjectKey> keys) {
  absl::Status status = CheckSource(source);
  if (!status.ok()) return status;
  for (const ObjectKey& key : keys) {
    if (!IsObjectKind(key.kind)) {
      return absl::InvalidArgumentError(
          fmt::format("{}: kind: \"{}\" is not {}", key.ToString(), key.kind, kObjectKinds));
    }
    status = CheckOwner(source, key);
    if (!status.ok()) return status;
  }
  uint32_t deleted = 0;
  for (const ObjectKey& key : keys) deleted += Erase(key);
  return deleted;
}

void DesiredState::Sweep(const std::string& source, const std::set<ObjectKey>& keep) {
  auto sweep = [&](auto& table, const char* kind) {
    std::erase_if(table, [&](const auto& entry) {
      return entry.second.source == source && !keep.contains({kind, entry.first});
    });
  };
  sweep(Table<acl::Namespace>(), "Namespace");
  sweep(Table<acl::Endpoint>(), "Endpoint");
  sweep(Table<acl::NetworkPolicy>(), "NetworkPolicy");
}

absl::StatusOr<std::vector<Refusal>> DesiredState::Sync(const std::string& source,
                                                        std::span<const Candidate> objects,
                                                        const std::string& version) {
  auto refusals = Apply(source, objects, OnRefusal::kSkip);
  if (!refusals.ok()) return refusals;
  std::set<ObjectKey> keep;
  for (const Candidate& candidate : objects) keep.insert(candidate.key);
  Sweep(source, keep);
  synced_versions_[source] = version;
  return refusals;
}

}  // namespace sluice::control
