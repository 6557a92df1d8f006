#include "dataplane/tap_watch.h"

#include <fmt/core.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>

namespace sluice::dataplane {
namespace {

absl::Status Failed(const char* call) {
  return absl::InternalError(
      fmt::format("watching taps: {}: {}", call, std::generic_category().message(errno)));
}

epoll_event Event(uint32_t events, uint64_t id) {
  epoll_event event{};
  event.events = events;
  event.data.u64 = id;
  return event;
}

}  // namespace

absl::StatusOr<std::unique_ptr<TapWatch>> TapWatch::Start() {
  const int epoll = epoll_create1(EPOLL_CLOEXEC);
  if (epoll < 0) return Failed("epoll_create1");
  const int stop = eventfd(0, EFD_CLOEXEC);
  std::unique_ptr<TapWatch> watch(new TapWatch(epoll, stop));
  if (stop < 0) return Failed("eventfd");
  epoll_event event = Event(EPOLLIN, kStop);
  if (epoll_ctl(epoll, EPOLL_CTL_ADD, stop, &event) != 0) return Failed("epoll_ctl");
  watch->thread_ = std::thread([watch = watch.get()] { watch->Run(); });
  return watch;
}

TapWatch::~TapWatch() {
  if (thread_.joinable()) {
    eventfd_write(stop_, 1);
    thread_.join();
  }
  if (stop_ >= 0) close(stop_);
  close(epoll_);
}

absl::StatusOr<TapWatch::Id> TapWatch::Watch(int fd, std::atomic<bool>* readable) {
  const std::scoped_lock lock(mutex_);
  const Id id = ++last_;
  epoll_event event = Event(EPOLLONESHOT, id);  // one that is gone already says so once
  if (epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) != 0) return Failed("epoll_ctl");
  readable_[id] = readable;
  return id;
}

// One-shot: a tap that is read as fast as it fills costs this thread nothing.
void TapWatch::Await(Id id, int fd) {
  epoll_event event = Event(EPOLLIN | EPOLLONESHOT, id);
  epoll_ctl(epoll_, EPOLL_CTL_MOD, fd, &event);
}

void TapWatch::Forget(Id id, int fd) {
  epoll_ctl(epoll_, EPOLL_CTL_DEL, fd, nullptr);
  const std::scoped_lock lock(mutex_);
  readable_.erase(id);
}

void TapWatch::Run() {
  std::array<epoll_event, 64> events;
  while (true) {
    const int count = epoll_wait(epoll_, events.data(), events.size(), -1);
    for (int i = 0; i < count; ++i) {
      if (events[i].data.u64 == kStop) return;
      Say(events[i].data.u64);
    }
  }
}

void TapWatch::Say(Id id) {
  const std::scoped_lock lock(mutex_);
  const auto found = readable_.find(id);
  if (found != readable_.end()) found->second->store(true, std::memory_order_release);
}

}  // namespace sluice::dataplane
