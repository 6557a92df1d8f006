// How a request of a Reflector ended, and what follows from that.
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "control/kube/watch/http_status.h"
#include "control/kube/watch/json_at.h"
#include "control/kube/watch/reflector.h"

namespace sluice::control {
namespace {

// A 404 may come from a server that has not read its CRDs yet: it counts when it comes again.
constexpr unsigned kAbsentRounds = 2;
constexpr std::chrono::milliseconds kAbsentRetry{1000};
// A watch that ends at once, without a word, must not be asked for again at once.
constexpr std::chrono::seconds kShortWatch{1};
// So many errors that a server gives to watches of one version, without an event between them, are
// not about the moment but about the version. Throttling and missing rights do not count.
constexpr unsigned kMaxWatchErrors = 5;

}  // namespace

void Reflector::OnEnd(const absl::Status& status) {
  request_ = HttpTransport::kNone;
  timers_.Cancel(check_);
  const Phase phase = std::exchange(phase_, Phase::kIdle);
  if (head_ && head_->status != kOk)
    return Refused(phase, ReadErrorBody(head_->status, error_body_));
  if (expired_) return Expired();
  if (absl::IsUnimplemented(stream_error_)) return ReadAll();
  if (absl::IsDeadlineExceeded(status)) {
    ++status_.counters.stalls;
    distrusts_connection_ = true;
  }
  absl::Status outcome = stream_error_;
  if (outcome.ok()) outcome = status;
  if (outcome.ok() && stream_) {
    outcome = stream_->Finish();
    if (!outcome.ok()) ++status_.counters.malformed;
  }
  if (phase == Phase::kWatch) return EndWatch(outcome);
  if (!outcome.ok()) return Failed(std::string(outcome.message()));
  if (phase == Phase::kList) return EndPage();
  Failed("the streaming list ended before its end");
}

void Reflector::EndPage() {
  continue_ = TextAt(stream_->frame(), {"metadata", "continue"});
  status_.progress = timers_.now();
  if (!continue_.empty()) return ReadPage();
  const std::string version = TextAt(stream_->frame(), {"metadata", "resourceVersion"});
  if (version.empty()) return Failed("a list without a version");
  Known(version);
  Watch();
}

void Reflector::EndWatch(const absl::Status& status) {
  // An event that could not be read is one that was missed.
  if (absl::IsDataLoss(status)) status_.resource_version.clear();
  const bool lasted = timers_.now() - started_ >= kShortWatch;
  if (lasted) backoff_.Reset();
  if (!status.ok()) return Failed(std::string(status.message()));
  if (!useful_ && !lasted) return Failed("the watch ended at once");
  Watch();
}

void Reflector::Refused(Phase phase, const ApiError& error) {
  const bool throttled = error.code == kTooManyRequests || error.code == kUnavailable;
  const bool denied = error.code == kUnauthorized || error.code == kNotAllowed;
  if (phase == Phase::kWatch && !throttled && !denied) CountWatchError();
  switch (error.code) {
    case kUnauthorized:
    case kNotAllowed:
      return Forbidden(phase, error);
    case kNotFound:
      return NotFound(error);
    case kGone:
      return Expired();
    case kBadRequest:
    case kUnprocessable:
      if (!std::exchange(streams_lists_, false)) return Failed(error.message);
      spdlog::info("{}: no streaming lists ({}): pages from now on", resource_.name, error.message);
      return ReadAll();
    case kTooManyRequests:
    case kUnavailable:
      ++status_.counters.throttled;
      [[fallthrough]];
    default:
      return Failed(error.message);
  }
}

// Built-in kinds are always there: for them 404 is an error like others.
void Reflector::NotFound(const ApiError& error) {
  path_ = (path_ + 1) % resource_.paths.size();
  status_.path = resource_.paths[path_];
  if (!resource_.may_be_absent) return Failed(error.message);
  status_.resource_version.clear();
  if (path_ != 0) return ReadAll();  // the same kind in another version
  if (++absent_rounds_ < kAbsentRounds) return Later(WithJitter(kAbsentRetry, random_));
  absence_.Start();
}

// Whoever said 404: only a server that lists what it has, and this not, says that it has it not.
void Reflector::OnAbsence(const absl::Status& absent) {
  if (!absent.ok()) return Failed(fmt::format("not found, but {}", std::string(absent.message())));
  sink_.OnListBegin();
  sink_.OnListEnd();
  status_.progress = timers_.now();
  if (status_.state != KindState::kAbsent) spdlog::info("{}: no such kind", resource_.name);
  status_.state = KindState::kAbsent;
  status_.known = true;
  status_.problem.clear();
  Tell();
  Later(WithJitter(config_.absent_probe, random_));
}

void Reflector::Forbidden(Phase phase, const ApiError& error) {
  absent_rounds_ = 0;
  ++status_.counters.failures;
  const std::string problem = fmt::format(
      "may not {} {}: {}", phase == Phase::kList ? "list" : "watch", resource_.name, error.message);
  if (status_.problem != problem) spdlog::error("{}: {}", resource_.name, problem);
  status_.problem = problem;
  status_.state = KindState::kForbidden;
  Tell();
  Later(WithJitter(config_.forbidden_probe, random_));
}

// The server no longer has what we would go on from, or the rest of the pages.
void Reflector::Expired() {
  ++status_.counters.expired;
  spdlog::info("{}: the version has expired: reading everything again", resource_.name);
  status_.resource_version.clear();
  status_.problem = "the version has expired";
  status_.state = status_.known ? KindState::kAway : KindState::kStarting;
  Tell();
  Later(backoff_.Next());
}

void Reflector::Failed(const std::string& why) {
  absent_rounds_ = 0;
  ++status_.counters.failures;
  auto delay = backoff_.Next();
  if (head_ && head_->retry_after) {
    delay = std::max(delay, WithJitter(*head_->retry_after, random_));
  }
  if (status_.problem != why) {
    spdlog::warn("{}: {}: again in {} ms", resource_.name, why, delay.count());
  }
  status_.problem = why;
  status_.state = status_.known ? KindState::kAway : KindState::kStarting;
  Tell();
  Later(delay);
}

void Reflector::CountWatchError() {
  if (++watch_errors_ < kMaxWatchErrors) return;
  watch_errors_ = 0;
  spdlog::warn("{}: {} errors at version {}: reading everything again", resource_.name,
               kMaxWatchErrors, status_.resource_version);
  status_.resource_version.clear();
}

void Reflector::Known(const std::string& resource_version) {
  backoff_.Reset();
  absent_rounds_ = watch_errors_ = 0;
  ++status_.counters.full_lists;
  status_.progress = timers_.now();
  status_.resource_version = resource_version;
  status_.known = true;
  status_.state = KindState::kSynced;
  status_.problem.clear();
  sink_.OnListEnd();
  Tell();
}

}  // namespace sluice::control
