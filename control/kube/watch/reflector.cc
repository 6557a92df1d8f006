#include "control/kube/watch/reflector.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <utility>

namespace sluice::control {
namespace {

using nlohmann::json;

constexpr size_t kMaxErrorBody = size_t{64} << 10;
// A 404 may come from a server that has not read its CRDs yet: it counts when it comes again.
constexpr unsigned kAbsentRounds = 2;
constexpr std::chrono::milliseconds kAbsentRetry{1000};
// A watch that ends at once, without a word, must not be asked for again at once.
constexpr std::chrono::seconds kShortWatch{1};
// So many errors that a server gives to watches of one version, without an event between them, are
// not about the moment but about the version. Throttling and missing rights do not count.
constexpr unsigned kMaxWatchErrors = 5;

// HTTP's.
constexpr int kOk = 200;
constexpr int kBadRequest = 400;
constexpr int kUnauthorized = 401;
constexpr int kNotAllowed = 403;
constexpr int kNotFound = 404;
constexpr int kGone = 410;
constexpr int kUnprocessable = 422;
constexpr int kTooManyRequests = 429;
constexpr int kUnavailable = 503;

std::string TextAt(const json& tree, std::initializer_list<const char*> path) {
  const json* value = &tree;
  for (const char* field : path) {
    if (!value->is_object()) return "";
    const auto found = value->find(field);
    if (found == value->end()) return "";
    value = &*found;
  }
  return value->is_string() ? value->get<std::string>() : "";
}

}  // namespace

Reflector::Reflector(const Resource& resource, HttpTransport& transport, TimerQueue& timers,
                     Random random, ObjectSink& sink, ReflectorConfig config, OnStatus on_status)
    : resource_(resource),
      transport_(transport),
      timers_(timers),
      random_(std::move(random)),
      sink_(sink),
      config_(config),
      on_status_(std::move(on_status)),
      backoff_(config.first_retry, config.last_retry, random_),
      absence_(resource, transport, [this](const absl::Status& absent) { OnAbsence(absent); }) {
  status_.path = resource_.paths.front();
}

Reflector::~Reflector() {
  transport_.Cancel(request_);
  timers_.Cancel(retry_);
  timers_.Cancel(check_);
}

void Reflector::Ask(Phase phase, const std::string& target, std::chrono::seconds idle_limit) {
  phase_ = phase;
  head_.reset();
  stream_.reset();
  error_body_.clear();
  stream_error_ = absl::OkStatus();
  expired_ = useful_ = false;
  started_ = last_event_ = timers_.now();
  ++(phase == Phase::kList ? status_.counters.lists : status_.counters.watches);
  HttpRequest request;
  request.target = target;
  request.idle_limit = idle_limit;
  request.compressed = phase == Phase::kList;
  request.fresh_connection = std::exchange(distrusts_connection_, false);
  request_ = transport_.Start(request, *this);
  Tell();
}

void Reflector::ReadAll() {
  status_.resource_version.clear();
  continue_.clear();
  sink_.OnListBegin();
  if (std::exchange(pages_once_, false) || !streams_lists_) return ReadPage();
  const auto timeout_s = static_cast<unsigned>(300 + 300 * random_());
  Ask(Phase::kStreamingList, StreamingListTarget(status_.path, timeout_s), config_.watch_idle);
  check_ = timers_.After(config_.initial_idle, [this] { CheckInitialEvents(); });
}

void Reflector::ReadPage() {
  Ask(Phase::kList, ListTarget(status_.path, continue_), config_.list_idle);
}

// The limit is drawn, so that the watches of many nodes do not end together.
void Reflector::Watch() {
  const auto timeout_s = static_cast<unsigned>(300 + 300 * random_());
  Ask(Phase::kWatch, WatchTarget(status_.path, status_.resource_version, timeout_s),
      config_.watch_idle);
}

void Reflector::Resume() {
  if (status_.resource_version.empty()) return ReadAll();
  Watch();
}

void Reflector::Later(std::chrono::milliseconds delay) {
  timers_.Cancel(retry_);
  retry_ = timers_.After(delay, [this] { Resume(); });
}

void Reflector::OnHead(const HttpHead& head) {
  head_ = head;
  if (head.status != kOk) return;
  const auto form = phase_ == Phase::kList ? ObjectStream::Form::kList : ObjectStream::Form::kWatch;
  stream_ = std::make_unique<ObjectStream>(
      form, resource_.shape, [this](StreamedObject object) { OnObject(std::move(object)); });
  if (phase_ != Phase::kWatch) return;
  status_.progress = timers_.now();
  check_ = timers_.After(2 * config_.watch_idle, [this] { CheckProgress(); });
  status_.state = KindState::kSynced;
  status_.problem.clear();
  Tell();
}

bool Reflector::OnBody(std::string_view piece) {
  if (!stream_) {
    error_body_.append(
        piece.substr(0, kMaxErrorBody - std::min(kMaxErrorBody, error_body_.size())));
    return true;
  }
  const absl::Status status = stream_->Feed(piece);
  if (!status.ok()) Malformed(std::string(status.message()));
  Tell();
  return stream_error_.ok() && !expired_;
}

void Reflector::OnObject(StreamedObject object) {
  if (!stream_error_.ok() || expired_) return;
  if (phase_ != Phase::kList) return OnEvent(std::move(object));
  if (object.identity.name.empty()) return Malformed("an object without a name");
  Listed(std::move(object));
}

void Reflector::Listed(StreamedObject object) {
  absl::Status status = sink_.OnListed(std::move(object));
  if (!status.ok()) stream_error_ = std::move(status);
}

void Reflector::OnEvent(StreamedObject event) {
  last_event_ = timers_.now();
  if (event.type == "ERROR") return OnErrorEvent(event);
  if (event.type == "BOOKMARK") return OnBookmark(event);
  const bool deleted = event.type == "DELETED";
  if (event.identity.name.empty() || event.identity.resource_version.empty() ||
      (!deleted && event.type != "ADDED" && event.type != "MODIFIED")) {
    return Malformed(
        fmt::format("an event of type \"{}\" about \"{}\"", event.type, event.identity.name));
  }
  Progress();
  if (phase_ == Phase::kStreamingList) {
    return deleted ? sink_.OnUnlisted(event.identity) : Listed(std::move(event));
  }
  backoff_.Reset();
  ++status_.counters.events;
  status_.resource_version = event.identity.resource_version;
  deleted ? sink_.OnDeleted(event.identity) : sink_.OnChanged(std::move(event));
}

void Reflector::OnBookmark(const StreamedObject& event) {
  if (event.identity.resource_version.empty()) return Malformed("a bookmark without a version");
  ++status_.counters.bookmarks;
  Progress();
  if (phase_ == Phase::kWatch) {
    status_.resource_version = event.identity.resource_version;
  } else if (TextAt(event.tree, {"metadata", "annotations", kInitialEventsEnd}) == "true") {
    EndInitialEvents(event.identity.resource_version);
  } else {
    streams_lists_ = false;  // it took the request for a watch like any other
    stream_error_ = absl::UnimplementedError("no streaming lists");
  }
}

void Reflector::Progress() {
  useful_ = true;
  watch_errors_ = 0;
  status_.progress = timers_.now();
}

void Reflector::OnErrorEvent(const StreamedObject& event) {
  const ApiError error = ReadApiError(event.tree);
  if (error.code == kGone) {
    expired_ = true;
  } else if (phase_ == Phase::kStreamingList) {
    // So says e.g. a server whose etcd does not report its progress.
    spdlog::info("{}: no streaming lists ({}): pages from now on", resource_.name, error.message);
    streams_lists_ = false;
    stream_error_ = absl::UnimplementedError("no streaming lists");
  } else {
    CountWatchError();
    stream_error_ = absl::UnavailableError(
        fmt::format("error {} inside the watch: {}", error.code, error.message));
  }
}

void Reflector::EndInitialEvents(const std::string& resource_version) {
  phase_ = Phase::kWatch;
  timers_.Cancel(check_);
  check_ = timers_.After(2 * config_.watch_idle, [this] { CheckProgress(); });
  Known(resource_version);
}

// Bytes may come for ever without being an event: the transport takes that for life.
void Reflector::CheckProgress() {
  if (phase_ != Phase::kWatch) return;
  const auto limit = 2 * config_.watch_idle;
  const auto quiet = timers_.now() - last_event_;
  if (quiet < limit) {
    check_ = timers_.After(limit - quiet, [this] { CheckProgress(); });
    return;
  }
  transport_.Cancel(request_);
  OnEnd(absl::DeadlineExceededError(
      fmt::format("no event in {} s", limit / std::chrono::seconds(1))));
}

// A server that does not know of streaming lists sends what there is, and then no end of it. So may
// one that is only slow: the next list is asked for as a stream again.
void Reflector::CheckInitialEvents() {
  if (phase_ != Phase::kStreamingList) return;
  const auto quiet = timers_.now() - last_event_;
  if (quiet < config_.initial_idle) {
    check_ = timers_.After(config_.initial_idle - quiet, [this] { CheckInitialEvents(); });
    return;
  }
  pages_once_ = true;
  transport_.Cancel(request_);
  distrusts_connection_ = true;
  phase_ = Phase::kIdle;
  spdlog::info("{}: no end of the streaming list: in pages this time", resource_.name);
  ReadAll();
}

void Reflector::Malformed(const std::string& why) {
  if (!stream_error_.ok()) return;
  ++status_.counters.malformed;
  stream_error_ = absl::DataLossError(why);
}

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
