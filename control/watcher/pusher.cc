#include "control/watcher/pusher.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>
#include <vector>

namespace sluice::control {
namespace {

constexpr std::chrono::milliseconds kFirstRetry{100};
constexpr std::chrono::milliseconds kLastRetry{5000};

}  // namespace

Pusher::Pusher(ClusterSet& set, DaemonClient& client, RefusalBook& refusals, std::string instance,
               Random random, Hooks hooks)
    : set_(set),
      client_(client),
      refusals_(refusals),
      instance_(std::move(instance)),
      backoff_(kFirstRetry, kLastRetry, std::move(random)),
      hooks_(std::move(hooks)) {}

void Pusher::Run() {
  while (!set_.closed()) {
    const Pause pause = Step();
    set_.Wait(pause.length, pause.until_change);
  }
}

Pusher::Pause Pusher::Step() {
  const absl::Status reported = Report();
  const Duration rest = next_send_ - hooks_.clock();
  if (rest > Duration::zero()) return {std::min<Duration>(rest, kReportPeriod), false};
  if (!status_.in_step) return SendAll();  // and hears what is wrong, if something is
  if (!reported.ok()) return Failed(reported);
  if (std::optional<ClusterSet::Batch> changes = set_.TakeChanges()) {
    return SendChanges(*std::move(changes));
  }
  if (RetryRefused()) return {Duration::zero(), true};
  return {kReportPeriod, true};
}

Pusher::Pause Pusher::SendAll() {
  std::optional<ClusterSet::Batch> all = set_.TakeAll();
  if (!all) return {kReportPeriod, true};
  const std::string version = fmt::format("{}-{}", instance_, ++last_version_);
  const absl::StatusOr<InForce> answer = client_.Sync(version, all->objects);
  if (!answer.ok()) return NotSent(*std::move(all), answer.status());
  // At the start objects wait for those of other kinds: that says nothing of how fast changes are.
  if (status_.syncs++ == 0) all->read.clear();
  status_.version = version;
  refusals_.NoteAll(*all, answer->refusals);
  refusals_retried_ = hooks_.clock();
  spdlog::info("sluiced has the whole set: version {}, {} objects, {} refused, epoch {}", version,
               all->objects.size(), answer->refusals.size(), answer->epoch);
  Acknowledged(*all, *answer);
  return {Duration::zero(), true};
}

Pusher::Pause Pusher::SendChanges(ClusterSet::Batch changes) {
  if (changes.read.size() > kMaxChanges) {
    set_.PutBack(std::move(changes.read));
    status_.in_step = false;
    return {Duration::zero(), true};
  }
  const absl::StatusOr<InForce> answer = client_.Apply(status_.version, changes);
  if (!answer.ok()) return NotSent(std::move(changes), answer.status());
  ++status_.changes;
  refusals_.NoteChanges(changes, answer->refusals);
  Acknowledged(changes, *answer);
  return {Duration::zero(), true};
}

void Pusher::Acknowledged(const ClusterSet::Batch& sent, const InForce& answer) {
  const Time now = hooks_.clock();
  backoff_.Reset();
  status_.in_step = true;
  status_.epoch = answer.epoch;
  status_.acknowledged = now;
  status_.problem.clear();
  if (!sent.read.empty()) status_.newest_changes = Duration::zero();
  for (const auto& [key, read] : sent.read) {
    hooks_.on_in_force(now - read);
    status_.newest_changes = std::max(*status_.newest_changes, now - read);
  }
  hooks_.on_judged(sent, answer.refusals);
  hooks_.on_status(status_);
}

bool Pusher::RetryRefused() {
  const Time now = hooks_.clock();
  const std::vector<Refusal> refused = refusals_.List();
  if (refused.empty()) {
    refusals_retried_ = now;
    refusal_retry_ = kFirstRefusalRetry;
    return false;
  }
  if (now - refusals_retried_ < refusal_retry_) return false;
  refusals_retried_ = now;
  refusal_retry_ = std::min(2 * refusal_retry_, kLastRefusalRetry);
  std::vector<ObjectKey> keys;
  for (const Refusal& refusal : refused) keys.push_back(refusal.key);
  set_.SendAgain(keys);
  return true;
}

bool Pusher::IsReportDue() const {
  const bool has_changes = status_.in_step && set_.pending() > 0;
  return hooks_.clock() - reported_ >= (has_changes ? 2 * kReportPeriod : kReportPeriod);
}

absl::Status Pusher::Report() {
  if (!IsReportDue()) return absl::OkStatus();
  reported_ = hooks_.clock();
  const absl::StatusOr<std::string> version = client_.Report(hooks_.report());
  if (absl::IsUnavailable(version.status()) || absl::IsDeadlineExceeded(version.status())) {
    return version.status();
  }
  if (std::exchange(away_, false)) next_send_ = reported_;  // it is back: its ports are shut
  if (!version.ok()) {
    NotReported(version.status());
    return absl::OkStatus();
  }
  if (*version == status_.version) return absl::OkStatus();
  return absl::FailedPreconditionError(
      fmt::format("sluiced has version \"{}\", not \"{}\"", *version, status_.version));
}

// It has the set, for all that is known; the next change will tell.
void Pusher::NotReported(const absl::Status& why) {
  const std::string problem(why.message());
  if (std::exchange(report_problem_, problem) != problem) {
    spdlog::warn("sluiced takes no report: {}", problem);
  }
}

// The changes wait on, and are in force with the next whole set.
Pusher::Pause Pusher::NotSent(ClusterSet::Batch batch, const absl::Status& status) {
  set_.PutBack(std::move(batch.read));
  return Failed(status);
}

// What was taken is in no call any more: only the whole set is right now.
Pusher::Pause Pusher::Failed(const absl::Status& status) {
  ++status_.failures;
  if (absl::IsFailedPrecondition(status)) ++status_.lost;
  away_ = absl::IsUnavailable(status);
  const auto delay = backoff_.Next();
  const std::string problem(status.message());
  if (std::exchange(status_.problem, problem) != problem && !set_.closed()) {
    spdlog::warn("{}: the whole set again in {} ms", problem, delay.count());
  }
  status_.in_step = false;
  hooks_.on_status(status_);
  next_send_ = hooks_.clock() + delay;
  return {std::min<Duration>(delay, kReportPeriod), false};
}

}  // namespace sluice::control
