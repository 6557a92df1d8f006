// Turns batches of commands into snapshots in force.
//
//   batch --> copy of the desired state --> join, compile, trie --> Switch::Publish --> results
//                     \______ build failed: the copy is dropped, each half tried alone
//
//   rebuilt in the background --> what has changed since --> Switch::Publish
//
// Owned by the control thread, the only caller of everything here but view(). Knows no threads and
// no queues: those are the controller's.
#pragma once

#include <absl/status/statusor.h>

#include <memory>
#include <mutex>
#include <set>
#include <span>
#include <vector>

#include "control/change_log.h"
#include "control/command.h"
#include "control/policy_input.h"
#include "control/rebuilder.h"
#include "control/snapshot_builder.h"
#include "control/view.h"
#include "dataplane/switch.h"

namespace sluice::control {

struct PublisherConfig {
  StateLimits state;
  PolicySettings policy;
  BuildLimits build_limits;
  LearnedMacsLimits learned_macs;
  OnPolicyChange on_policy_change = OnPolicyChange::kStrict;
  dataplane::Mode mode = dataplane::Mode::kEnforce;  // until a SetModeCommand
  std::set<unsigned> at_rest = {};                   // workers, until an AddWorkerCommand
};

class Publisher {
 public:
  // Publishes the empty state as epoch 1. `target` must outlive the publisher.
  static absl::StatusOr<std::unique_ptr<Publisher>> Create(dataplane::Switch& target,
                                                           const PublisherConfig& config);

  // Carries out `batch` in order, as one change if it can be built, and returns one result a
  // command. When it returns, every worker runs the epoch the results name. A command whose result
  // is an error changed nothing and left nothing behind. Errors: those of DesiredState, PortTable,
  // Switch::AttachPort, Switch::DetachPort and BuildPolicy, unchanged. Where bad objects may be
  // skipped, so are those with which a limit of the build would be crossed.
  std::vector<Result> Process(std::span<const Command> batch);

  // What is in force. Any thread; never null.
  std::shared_ptr<const View> view() const;

 private:
  struct Attempt;

  Publisher(dataplane::Switch& target, const PublisherConfig& config)
      : switch_(target), config_(config) {}

  std::vector<Result> ProcessSegment(std::span<const Command> segment);
  std::vector<Result> ProcessHalves(std::span<const Command> segment);
  // The command again without the objects that cross a limit, which are refused alone. What is in
  // force as it is comes before what is not, so that it is never the one that crosses.
  Result ProcessFitting(const Command& command, const absl::Status& why);
  template <typename SomeCommand>
  Result RefuseOffenders(const SomeCommand& command, const absl::Status& why);
  // Whether a build could be made of it; nothing comes of it.
  template <typename SomeCommand>
  absl::Status TryBuild(const SomeCommand& command, Crossings& crossings);
  absl::StatusOr<BuiltNetworks> BuildFor(const View* base,
                                         std::shared_ptr<const DesiredState> state,
                                         std::optional<Touched> touched,
                                         Crossings* crossings = nullptr) const;
  Result Try(Attempt& attempt, const ApplyCommand& command);
  Result Try(Attempt& attempt, const DeleteCommand& command);
  Result Try(Attempt& attempt, const SyncCommand& command);
  Result Try(Attempt& attempt, const AddPortCommand& command);
  Result Try(Attempt& attempt, const DeletePortCommand& command);
  Result Try(Attempt& attempt, const AddNetworkCommand& command);
  Result Try(Attempt& attempt, const DeleteNetworkCommand& command);
  Result Try(Attempt& attempt, const MovePortCommand& command);
  Result Try(Attempt& attempt, const AddWorkerCommand& command);
  Result Try(Attempt& attempt, const RemoveWorkerCommand& command);
  Result Try(Attempt& attempt, const SetModeCommand& command);
  Result Try(Attempt& attempt, const AdoptCommand& command);
  Result Adopt(const AdoptCommand& command);
  absl::StatusOr<NetworkBuilds> CatchUpWith(Rebuilt& rebuilt, const View& now) const;
  absl::Status Commit(Attempt& attempt);
  void CloseUnwanted(const PortTable& wanted, Attempt& attempt);
  void RollBack(const Attempt& attempt, const absl::Status& why);
  void ForgetError(std::span<const Command> segment, std::span<const Result> results);
  void SetView(std::shared_ptr<const View> view);

  dataplane::Switch& switch_;
  const PublisherConfig config_;
  ChangeLog log_;  // for rebuilds that may be under way
  // The newest rebuild could not be: until all is whole again, edits are built whole, so that the
  // one that does not fit is the one refused.
  bool rebuild_failed_ = false;
  std::string failed_source_;  // of the newest command that could not be built
  mutable std::mutex view_mutex_;
  std::shared_ptr<const View> view_;  // guarded by view_mutex_; written by the control thread
};

}  // namespace sluice::control
