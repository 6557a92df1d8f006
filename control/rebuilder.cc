#include "control/rebuilder.h"

#include <fmt/core.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

namespace sluice::control {
namespace {

// A tenth of the core while edits want it, all of it when they do not.
constexpr int kNice = 10;

}  // namespace

bool IsWhole(const View& view) {
  return std::ranges::all_of(view.networks,
                             [](const auto& entry) { return entry.second.policy->IsWhole(); });
}

Rebuilt Rebuild(std::shared_ptr<const View> from, const BuildLimits& limits) {
  std::map<std::string, PolicyBuild> networks;
  for (const auto& [name, build] : from->networks) {
    if (build.policy->IsWhole()) continue;
    auto whole = BuildPolicy(*build.policy->input, build.policy.get(), limits);
    if (!whole.ok()) {
      const std::string why(whole.status().message());
      return {std::move(from),
              absl::Status(whole.status().code(), fmt::format("network {}: {}", name, why))};
    }
    networks.emplace(name, *std::move(whole));
  }
  return {std::move(from), std::move(networks)};
}

Rebuilder::Rebuilder(std::chrono::milliseconds settle, const BuildLimits& limits, Hooks hooks)
    : settle_(settle), limits_(limits), hooks_(std::move(hooks)), thread_([this] { Run(); }) {}

Rebuilder::~Rebuilder() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void Rebuilder::Wake() {
  std::lock_guard lock(mutex_);
  wanted_ = true;
  changed_.notify_all();
}

bool Rebuilder::AwaitWork() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return wanted_ || stopping_; });
  changed_.wait_for(lock, settle_, [this] { return stopping_; });
  wanted_ = false;
  return !stopping_;
}

bool Rebuilder::IsStopping() {
  std::lock_guard lock(mutex_);
  return stopping_;
}

void Rebuilder::Run() {
  // Edits first, where both have one core: they do not need the rebuild to stay cheap.
  setpriority(PRIO_PROCESS, static_cast<id_t>(gettid()), kNice);
  while (AwaitWork()) {
    std::shared_ptr<const View> view = hooks_.view();
    if (IsWhole(*view)) continue;
    Rebuilt rebuilt = Rebuild(std::move(view), limits_);
    if (!IsStopping()) hooks_.deliver(std::move(rebuilt));
  }
}

}  // namespace sluice::control
