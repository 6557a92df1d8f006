#include "control/publisher.h"

#include <fmt/core.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "control/view_warnings.h"

namespace sluice::control {
namespace {

// A port can be opened only when the one it replaces is closed, and that happens after publication:
// AddPort does not share a change with a DeletePort before it. What is adopted is no change.
size_t SegmentLength(std::span<const Command> batch) {
  if (std::holds_alternative<AdoptCommand>(batch[0])) return 1;
  bool closes = false;
  for (size_t i = 0; i < batch.size(); ++i) {
    if (closes && std::holds_alternative<AddPortCommand>(batch[i])) return i;
    if (std::holds_alternative<AdoptCommand>(batch[i])) return i;
    closes = closes || std::holds_alternative<DeletePortCommand>(batch[i]);
  }
  return batch.size();
}

Result Refused(absl::StatusOr<std::vector<Refusal>> refusals) {
  if (!refusals.ok()) return refusals.status();
  Outcome outcome;
  outcome.refusals = *std::move(refusals);
  return outcome;
}

// Whether `spec` is that of a port which its attachment has already: asked for again, it is given.
bool IsThere(const PortTable& ports, const dataplane::PortSpec& spec) {
  const auto found = ports.specs().find(spec.name);
  return found != ports.specs().end() && !spec.attachment.empty() && found->second == spec;
}

// Builds that finding out which objects cross a limit may take.
constexpr unsigned kMostTries = 64;

// Whose objects `command` is about; empty: it is about none.
std::string SourceOf(const Command& command) {
  return std::visit(
      [](const auto& some) -> std::string {
        if constexpr (requires { some.source; }) {
          return some.source;
        } else {
          return "";
        }
      },
      command);
}

Candidate RefusedFor(const Candidate& candidate, const absl::Status& why) {
  Candidate refused = candidate;
  if (candidate.object.ok()) refused.outline = std::make_shared<const Object>(*candidate.object);
  refused.object = why;
  return refused;
}

// `command` with those of `all` that it has not, as they are if they are refused.
template <typename SomeCommand>
SomeCommand WithRefused(SomeCommand command, std::span<const Candidate> all,
                        const absl::Status& why) {
  std::set<ObjectKey> there;
  for (const Candidate& candidate : command.objects) there.insert(candidate.key);
  for (const Candidate& candidate : all) {
    if (!there.contains(candidate.key)) command.objects.push_back(RefusedFor(candidate, why));
  }
  return command;
}

// `objects` without those to blame, which go to `refused`.
std::vector<Candidate> WithoutBlamed(std::span<const Candidate> objects, const Crossings& crossings,
                                     std::vector<Candidate>& refused) {
  std::vector<Candidate> rest;
  for (const Candidate& candidate : objects) {
    const auto crossing = crossings.find(candidate.key);
    if (crossing == crossings.end()) {
      rest.push_back(candidate);
    } else {
      refused.push_back(RefusedFor(candidate, crossing->second));
    }
  }
  return rest;
}

// What of the objects of `command` is in force as it is, and what is not, by name.
template <typename SomeCommand>
std::pair<std::vector<Candidate>, std::vector<Candidate>> Divided(const SomeCommand& command,
                                                                  const DesiredState& state) {
  std::pair<std::vector<Candidate>, std::vector<Candidate>> parts;
  for (const Candidate& candidate : command.objects) {
    const bool as_it_is = state.Has(command.source, candidate);
    (as_it_is ? parts.first : parts.second).push_back(candidate);
  }
  std::ranges::stable_sort(parts.second, {}, &Candidate::key);
  return parts;
}

}  // namespace

// A change that is being tried.
struct Publisher::Attempt {
  std::shared_ptr<const View> base;  // null for the very first
  DesiredState state;
  dataplane::Mode mode;
  PortPlaces places;
  Workers workers;
  std::vector<std::string> opened;                   // ports this attempt attached
  std::map<std::string, absl::Status> close_errors;  // by port
  bool moved = false;                                // what polls what
  Touched touched;                                   // what may differ from the base's
  bool anything = false;                             // else may differ, too

  Attempt(std::shared_ptr<const View> view, dataplane::Mode first_mode)
      : base(std::move(view)), mode(first_mode), anything(base == nullptr) {
    if (base == nullptr) return;
    mode = base->snapshot->mode;
    state = *base->state;
    places = base->places;
    workers = base->workers;
  }
  bool Changed() const {
    return base == nullptr || !opened.empty() || moved || ModeChanged() || state != *base->state;
  }
  void Touch(const ObjectKey& key) {
    if (key.kind == "Endpoint") {
      touched.endpoints.insert(key.name);
    } else if (IsPolicyKind(key.kind)) {
      touched.policies.insert(key);
    } else {
      anything = true;
    }
  }
  // The pod behind `port`, and whoever else the API says has its addresses; other ports are more
  // than that.
  void Touch(const dataplane::PortSpec& port) {
    if (port.role != dataplane::PortRole::kPod) anything = true;
    touched.endpoints.insert({port.pod_namespace, port.pod_name});
    const auto is_own = [&](const acl::IpAddress& address) {
      return std::ranges::find(port.addresses, address) != port.addresses.end();
    };
    const auto shares = [&](const auto& of) { return std::ranges::any_of(of.addresses, is_own); };
    for (const auto& [name, owned] : std::as_const(state).endpoints()) {
      const acl::Endpoint& endpoint = owned.object;
      if (shares(endpoint) || std::ranges::any_of(endpoint.attachments, shares)) {
        touched.endpoints.insert(name);
      }
    }
  }
  std::optional<Touched> TakeTouched() {
    return anything ? std::nullopt : std::optional(std::move(touched));
  }
  bool ModeChanged() const { return base != nullptr && mode != base->snapshot->mode; }
};

absl::StatusOr<std::unique_ptr<Publisher>> Publisher::Create(dataplane::Switch& target,
                                                             const PublisherConfig& config) {
  std::unique_ptr<Publisher> publisher(new Publisher(target, config));
  Attempt first(nullptr, config.mode);
  first.state = DesiredState(config.state);
  first.workers = {target.worker_count(), config.at_rest};
  absl::Status status = publisher->Commit(first);
  if (!status.ok()) return status;
  return publisher;
}

std::vector<Result> Publisher::Process(std::span<const Command> batch) {
  std::vector<Result> results;
  while (!batch.empty()) {
    const size_t length = SegmentLength(batch);
    for (Result& result : ProcessSegment(batch.first(length))) results.push_back(std::move(result));
    batch = batch.subspan(length);
  }
  return results;
}

std::vector<Result> Publisher::ProcessSegment(std::span<const Command> segment) {
  if (const auto* adopt = std::get_if<AdoptCommand>(&segment[0])) return {Adopt(*adopt)};
  Attempt attempt(view(), config_.mode);
  std::vector<Result> results;
  for (const Command& command : segment) {
    results.push_back(std::visit([&](const auto& c) { return Try(attempt, c); }, command));
  }
  const bool changed = attempt.Changed();
  absl::Status status = changed ? Commit(attempt) : absl::OkStatus();
  if (!status.ok()) {
    RollBack(attempt, status);
    if (segment.size() > 1) return ProcessHalves(segment);
    failed_source_ = SourceOf(segment[0]);
    return {ProcessFitting(segment[0], status)};
  }
  if (!changed) ForgetError(segment, results);
  const uint64_t epoch = view()->snapshot->epoch;
  for (size_t i = 0; i < segment.size(); ++i) {
    if (results[i].ok()) results[i]->epoch = epoch;
    const auto* closing = std::get_if<DeletePortCommand>(&segment[i]);
    if (closing == nullptr) continue;
    auto error = attempt.close_errors.find(closing->name);
    if (error != attempt.close_errors.end()) results[i] = error->second;
  }
  return results;
}

std::vector<Result> Publisher::ProcessHalves(std::span<const Command> segment) {
  const size_t half = segment.size() / 2;
  std::vector<Result> results = ProcessSegment(segment.first(half));
  for (Result& result : ProcessSegment(segment.subspan(half))) results.push_back(std::move(result));
  return results;
}

Result Publisher::ProcessFitting(const Command& command, const absl::Status& why) {
  if (!absl::IsResourceExhausted(why)) return why;
  const auto* apply = std::get_if<ApplyCommand>(&command);
  if (apply != nullptr && apply->on_refusal == OnRefusal::kSkip)
    return RefuseOffenders(*apply, why);
  const auto* sync = std::get_if<SyncCommand>(&command);
  return sync != nullptr ? RefuseOffenders(*sync, why) : Result(why);
}

// Objects to blame by name are refused; others are tried in halves, and those that do not build in
// halves of theirs.
template <typename SomeCommand>
Result Publisher::RefuseOffenders(const SomeCommand& command, const absl::Status& why) {
  SomeCommand fitting = command;
  fitting.objects.clear();
  std::vector<Candidate> refused;
  unsigned tries = 0;
  const std::function<bool(std::span<const Candidate>)> add =
      [&](std::span<const Candidate> objects) {
        if (++tries > kMostTries) return false;
        const size_t before = fitting.objects.size();
        fitting.objects.insert(fitting.objects.end(), objects.begin(), objects.end());
        Crossings crossings;
        const absl::Status built = TryBuild(WithRefused(fitting, command.objects, why), crossings);
        if (built.ok()) return true;
        if (!absl::IsResourceExhausted(built)) return false;
        fitting.objects.erase(fitting.objects.begin() + static_cast<std::ptrdiff_t>(before),
                              fitting.objects.end());
        const std::vector<Candidate> rest = WithoutBlamed(objects, crossings, refused);
        if (rest.size() < objects.size()) return rest.empty() || add(rest);
        if (objects.size() > 1) {
          const size_t half = objects.size() / 2;
          return add(objects.first(half)) && add(objects.subspan(half));
        }
        refused.push_back(RefusedFor(objects.front(), built));
        return true;
      };
  const auto [as_it_is, other] = Divided(command, *view()->state);
  for (const std::vector<Candidate>& objects : {as_it_is, other}) {
    if (!objects.empty() && !add(objects)) return why;
  }
  if (refused.empty()) return why;
  fitting.objects.insert(fitting.objects.end(), refused.begin(), refused.end());
  Attempt attempt(view(), config_.mode);
  Result result = Try(attempt, fitting);
  if (!result.ok()) return result;
  if (absl::Status status = Commit(attempt); !status.ok()) {
    RollBack(attempt, status);
    return status;
  }
  result->epoch = view()->snapshot->epoch;
  return result;
}

template <typename SomeCommand>
absl::Status Publisher::TryBuild(const SomeCommand& command, Crossings& crossings) {
  Attempt attempt(view(), config_.mode);
  if (const Result tried = Try(attempt, command); !tried.ok()) return tried.status();
  attempt.state.Freeze();
  return BuildFor(attempt.base.get(),
                  std::make_shared<const DesiredState>(std::move(attempt.state)),
                  attempt.TakeTouched(), &crossings)
      .status();
}

Result Publisher::Try(Attempt& attempt, const ApplyCommand& command) {
  absl::Status continues = attempt.state.CheckContinues(command.source, command.after);
  if (!continues.ok()) return continues;
  for (const ObjectKey& key : command.removed) attempt.Touch(key);
  for (const Candidate& candidate : command.objects) attempt.Touch(candidate.key);
  return Refused(
      attempt.state.Apply(command.source, command.objects, command.on_refusal, command.removed));
}

Result Publisher::Try(Attempt& attempt, const SyncCommand& command) {
  attempt.anything = true;
  return Refused(attempt.state.Sync(command.source, command.objects, command.version));
}

Result Publisher::Try(Attempt& attempt, const DeleteCommand& command) {
  for (const ObjectKey& key : command.objects) attempt.Touch(key);
  auto deleted = attempt.state.Delete(command.source, command.objects);
  if (!deleted.ok()) return deleted.status();
  Outcome outcome;
  outcome.deleted = *deleted;
  return outcome;
}

Result Publisher::Try(Attempt& attempt, const AddPortCommand& command) {
  const std::string& name = command.spec.name;
  if (IsThere(std::as_const(attempt.state).ports(), command.spec)) {
    Outcome outcome;
    outcome.port = attempt.places.at(name).attached.id;
    return outcome;
  }
  absl::Status wanted = attempt.state.ports().Add(command.spec);
  if (!wanted.ok()) return wanted;
  attempt.Touch(command.spec);
  auto attached = switch_.AttachPort(command.spec);
  if (!attached.ok()) {
    attempt.state.ports().Remove(name).IgnoreError();
    return attached.status();
  }
  const unsigned worker = LeastLoadedWorker(attempt.places, attempt.workers);
  attempt.places[name] = {*attached, worker};
  attempt.opened.push_back(name);
  Outcome outcome;
  outcome.port = attached->id;
  return outcome;
}

Result Publisher::Try(Attempt& attempt, const DeletePortCommand& command) {
  const auto& specs = std::as_const(attempt.state).ports().specs();
  const auto spec = specs.find(command.name);
  if (spec != specs.end()) attempt.Touch(spec->second);
  absl::Status removed = attempt.state.ports().Remove(command.name);
  if (!removed.ok()) return removed;
  return Outcome{};
}

Result Publisher::Try(Attempt& attempt, const AddNetworkCommand& command) {
  attempt.anything = true;
  absl::Status added = attempt.state.ports().AddNetwork(command.spec);
  if (!added.ok()) return added;
  return Outcome{};
}

Result Publisher::Try(Attempt& attempt, const DeleteNetworkCommand& command) {
  attempt.anything = true;
  absl::Status removed = attempt.state.ports().RemoveNetwork(command.name);
  if (!removed.ok()) return removed;
  return Outcome{};
}

Result Publisher::Try(Attempt& attempt, const MovePortCommand& command) {
  if (!std::as_const(attempt.state).ports().specs().contains(command.name)) {
    return absl::NotFoundError(fmt::format("port {}: does not exist", command.name));
  }
  if (command.worker >= switch_.worker_count()) {
    return absl::InvalidArgumentError(fmt::format("port {}: worker: {} is not one of 0 to {}",
                                                  command.name, command.worker,
                                                  switch_.worker_count() - 1));
  }
  if (attempt.workers.at_rest.contains(command.worker)) {
    return absl::FailedPreconditionError(fmt::format(
        "port {}: worker {} is at rest (sluicectl worker add)", command.name, command.worker));
  }
  PortPlace& place = attempt.places.at(command.name);
  attempt.moved = attempt.moved || place.worker != command.worker;
  place.worker = command.worker;
  return Outcome{};
}

Result Publisher::Try(Attempt& attempt, const AddWorkerCommand& command) {
  if (attempt.workers.at_rest.erase(command.worker) == 0) {
    return absl::FailedPreconditionError(
        fmt::format("worker on core {}: polls already", command.core));
  }
  GiveShare(command.worker, attempt.workers, attempt.places);
  attempt.moved = true;
  return Outcome{};
}

Result Publisher::Try(Attempt& attempt, const RemoveWorkerCommand& command) {
  auto refused = [&command](const char* why) {
    return absl::FailedPreconditionError(fmt::format("worker on core {}: {}", command.core, why));
  };
  if (attempt.workers.at_rest.contains(command.worker)) return refused("is at rest already");
  if (attempt.workers.at_work() == 1) return refused("is the last one, its ports need it");
  attempt.workers.at_rest.insert(command.worker);
  GiveAway(command.worker, attempt.workers, attempt.places);
  attempt.moved = true;
  return Outcome{};
}

Result Publisher::Try(Attempt& attempt, const SetModeCommand& command) {
  attempt.mode = command.mode;
  return Outcome{};
}

Result Publisher::Try(Attempt&, const AdoptCommand&) {
  return absl::InternalError("what is adopted is no part of a change");
}

// The networks in force with the rebuilt ones among them.
absl::StatusOr<NetworkBuilds> Publisher::CatchUpWith(Rebuilt& rebuilt, const View& now) const {
  if (!rebuilt.networks.ok()) return rebuilt.networks.status();
  const std::optional<Touched> since = log_.Since(rebuilt.from->snapshot->epoch);
  if (!since) return absl::AbortedError("all was built anew meanwhile");
  const StateChange change{.before = rebuilt.from->state, .now = now.state, .touched = since};
  NetworkBuilds networks = now.networks;
  for (auto& [name, whole] : *rebuilt.networks) {
    NetworkBuild& network = networks.at(name);
    if (network.policy->IsWhole()) continue;  // built so meanwhile
    TakeNames(rebuilt.from->networks.at(name).policy->names, network.policy->names, whole);
    auto policy = CatchUp(name, std::move(whole), change, config_.policy, config_.build_limits);
    if (!policy.ok()) return policy.status();
    if (*policy == nullptr) return absl::AbortedError("it does not fit what has changed meanwhile");
    network.policy = *std::move(policy);
  }
  return networks;
}

// Verdicts stay what they are, so none is in question. What cannot be adopted is dropped: the next
// rebuild begins from the newest state.
Result Publisher::Adopt(const AdoptCommand& command) {
  const std::shared_ptr<const View> now = view();
  auto next = std::make_shared<View>(*now);
  absl::StatusOr<NetworkBuilds> networks = CatchUpWith(*command.rebuilt, *now);
  log_.Forget(command.rebuilt->from->snapshot->epoch);  // the next one begins no earlier
  if (absl::IsAborted(networks.status())) return networks.status();
  rebuild_failed_ = !networks.ok();
  if (rebuild_failed_) {
    spdlog::error("rebuild failed, what it was to replace stays in force: {}",
                  std::string(networks.status().message()));
    ++next->failed_builds;
    SetView(std::move(next));
    return networks.status();
  }
  auto snapshot = std::make_shared<dataplane::Snapshot>(
      BuildSnapshot(now->state->ports(), now->places, *networks, VerdictScope(),
                    {config_.policy.own_node, config_.on_policy_change}, switch_.worker_count(),
                    now->snapshot.get()));
  snapshot->mode = now->snapshot->mode;
  switch_.Publish(std::make_unique<const dataplane::Snapshot>(*snapshot));
  log_.StartAt(snapshot->epoch);
  next->policy = networks->at(kDefaultNetwork).policy;
  next->networks = *std::move(networks);
  next->snapshot = std::move(snapshot);
  next->published = std::chrono::steady_clock::now();
  Outcome outcome;
  outcome.epoch = next->snapshot->epoch;
  SetView(std::move(next));
  return outcome;
}

absl::StatusOr<BuiltNetworks> Publisher::BuildFor(const View* base,
                                                  std::shared_ptr<const DesiredState> state,
                                                  std::optional<Touched> touched,
                                                  Crossings* crossings) const {
  const bool edits = touched && !touched->policies.empty();
  if (rebuild_failed_ && edits) touched.reset();
  const StateChange change{.before = base == nullptr ? nullptr : base->state,
                           .now = std::move(state),
                           .touched = std::move(touched)};
  return BuildNetworks(change, config_.policy, base == nullptr ? nullptr : &base->networks,
                       config_.build_limits, config_.learned_macs, crossings);
}

absl::Status Publisher::Commit(Attempt& attempt) {
  const auto start = std::chrono::steady_clock::now();
  const View* base = attempt.base.get();
  attempt.state.Freeze();
  const auto state = std::make_shared<const DesiredState>(std::move(attempt.state));
  std::optional<Touched> touched = attempt.TakeTouched();
  auto networks = BuildFor(base, state, touched);
  if (!networks.ok()) return networks.status();
  const std::chrono::duration<double> compiled = std::chrono::steady_clock::now() - start;

  auto snapshot = std::make_shared<dataplane::Snapshot>(
      BuildSnapshot(state->ports(), attempt.places, networks->builds, networks->scope,
                    {config_.policy.own_node, config_.on_policy_change}, switch_.worker_count(),
                    base == nullptr ? nullptr : base->snapshot.get()));
  snapshot->mode = attempt.mode;
  if (attempt.ModeChanged()) {  // what was let through is judged again
    snapshot->everything_epoch = ++snapshot->verdict_epoch;
  }
  switch_.Publish(std::make_unique<const dataplane::Snapshot>(*snapshot));
  CloseUnwanted(state->ports(), attempt);

  auto next = std::make_shared<View>();
  next->state = state;
  next->settings = config_.policy;
  next->policy = networks->builds.at(kDefaultNetwork).policy;
  next->networks = std::move(networks->builds);
  next->snapshot = std::move(snapshot);
  next->places = std::move(attempt.places);
  next->workers = std::move(attempt.workers);
  next->last_compile_seconds = compiled.count();
  next->published = std::chrono::steady_clock::now();
  next->failed_builds = base == nullptr ? 0 : base->failed_builds;
  next->warnings =
      touched ? UpdateWarnings(base->warnings, *next, touched->policies) : CollectWarnings(*next);
  LogNewWarnings(base, *next);
  log_.Add(next->snapshot->epoch, std::move(touched));
  if (IsWhole(*next)) {
    log_.StartAt(next->snapshot->epoch);
    rebuild_failed_ = false;
  }
  SetView(std::move(next));
  return absl::OkStatus();
}

void Publisher::CloseUnwanted(const PortTable& wanted, Attempt& attempt) {
  std::erase_if(attempt.places, [&](const auto& entry) {
    const auto& [name, place] = entry;
    if (wanted.specs().contains(name)) return false;
    absl::Status closed = switch_.DetachPort(place.attached.id);
    if (!closed.ok()) attempt.close_errors[name] = closed;
    return true;
  });
}

void Publisher::RollBack(const Attempt& attempt, const absl::Status& why) {
  spdlog::error("build failed, epoch {} stays in force: {}", attempt.base->snapshot->epoch,
                std::string(why.message()));
  for (const std::string& name : attempt.opened) {
    absl::Status closed = switch_.DetachPort(attempt.places.at(name).attached.id);
    if (!closed.ok()) spdlog::error("{}", std::string(closed.message()));
  }
  auto same = std::make_shared<View>(*attempt.base);
  same->last_error = std::string(why.message());
  ++same->failed_builds;
  SetView(std::move(same));
}

// What it asked for last is what is in force: the source that sent what could not be built has
// thought better of it.
void Publisher::ForgetError(std::span<const Command> segment, std::span<const Result> results) {
  const std::shared_ptr<const View> now = view();
  if (now->last_error.empty() || failed_source_.empty()) return;
  bool over = false;
  for (size_t i = 0; i < segment.size(); ++i) {
    over = over || (results[i].ok() && SourceOf(segment[i]) == failed_source_);
  }
  if (!over) return;
  auto next = std::make_shared<View>(*now);
  next->last_error.clear();
  SetView(std::move(next));
}

std::shared_ptr<const View> Publisher::view() const {
  std::lock_guard lock(view_mutex_);
  return view_;
}

void Publisher::SetView(std::shared_ptr<const View> view) {
  std::lock_guard lock(view_mutex_);
  view_.swap(view);  // the parameter frees the old one, without the lock
}

}  // namespace sluice::control
