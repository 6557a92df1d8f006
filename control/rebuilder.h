// Builds whole, in the background, what was only patched.
//
// A policy edit leaves its network with an overlay beside the base (control/policy_build.h). Once
// edits have had a moment to gather, a thread of its own compiles such networks from the view in
// force and hands the result over; the control thread catches up with what has changed since
// (Publisher::Adopt). One rebuild at a time.
#pragma once

#include <absl/status/statusor.h>

#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "acl/trie_classifier.h"
#include "control/view.h"

namespace sluice::control {

// Networks built whole from an earlier view.
struct Rebuilt {
  std::shared_ptr<const View> from;
  absl::StatusOr<std::map<std::string, PolicyBuild>> networks;  // those of `from` that were patched
};

// Whether every network of `view` has a base only.
bool IsWhole(const View& view);

// Any thread. Errors: BuildPolicy's, with the network's name.
Rebuilt Rebuild(std::shared_ptr<const View> from, const BuildLimits& limits);

class Rebuilder {
 public:
  struct Hooks {
    std::function<std::shared_ptr<const View>()> view;
    std::function<void(Rebuilt)> deliver;
  };

  // How long edits may gather before a rebuild begins.
  Rebuilder(std::chrono::milliseconds settle, const BuildLimits& limits, Hooks hooks);
  // Waits for a rebuild that runs; its result is not delivered.
  ~Rebuilder();
  Rebuilder(const Rebuilder&) = delete;
  Rebuilder& operator=(const Rebuilder&) = delete;

  // Something has been patched, or still is after a delivery. Any thread.
  void Wake();

 private:
  void Run();
  // False: it is time to stop.
  bool AwaitWork();
  bool IsStopping();

  const std::chrono::milliseconds settle_;
  const BuildLimits limits_;
  const Hooks hooks_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool wanted_ = false;    // guarded by mutex_
  bool stopping_ = false;  // guarded by mutex_
  std::thread thread_;
};

}  // namespace sluice::control
