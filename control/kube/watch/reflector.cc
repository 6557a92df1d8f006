#include "control/kube/watch/reflector.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "control/kube/watch/http_status.h"
#include "control/kube/watch/json_at.h"

namespace sluice::control {
namespace {

constexpr size_t kMaxErrorBody = size_t{64} << 10;

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

}  // namespace sluice::control
