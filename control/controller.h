// The control thread: the one writer of the desired state and the one caller of the Switch.
//
// Callers queue commands and wait. The thread drains whatever has gathered, has the Publisher carry
// it out as one change, and then answers all of them but those that wait for policy
// (control/policy_waits.h). What it left patched, a second thread builds whole
// (control/rebuilder.h).
#pragma once

#include <absl/status/statusor.h>

#include <chrono>
#include <memory>
#include <thread>
#include <vector>

#include "control/command.h"
#include "control/inbox.h"
#include "control/policy_waits.h"
#include "control/publisher.h"
#include "control/rebuilder.h"
#include "control/state_listener.h"
#include "control/view.h"

namespace sluice::control {

class Controller {
 public:
  static constexpr size_t kInboxCapacity = 1024;
  static constexpr std::chrono::milliseconds kSettle{300};  // before a rebuild

  // Publishes the empty state and starts the thread. `target` must outlive the controller, and so
  // must `listener`, which may be null and is not told of the empty state.
  static absl::StatusOr<std::unique_ptr<Controller>> Create(
      dataplane::Switch& target, const PublisherConfig& config, StateListener* listener = nullptr,
      std::chrono::milliseconds settle = kSettle);
  // Carries out what is queued, then stops the thread. Ports stay open: the Switch closes them.
  ~Controller();
  Controller(const Controller&) = delete;
  Controller& operator=(const Controller&) = delete;

  // Blocks until every worker runs the command's change, or it is refused. Any thread but the
  // control thread. Errors: Publisher::Process', ResourceExhausted (inbox full), Unavailable
  // (stopping); of an AddPort with a limit also DeadlineExceeded (WhatIsMissing), Aborted.
  Result Execute(Command command);

  // As Execute, without blocking: calls `answer` once, on the control thread, or on this one if the
  // command cannot even be queued. `answer` must not block.
  void Start(Command command, const Answer& answer);

  // What is in force. Any thread; never null.
  std::shared_ptr<const View> view() const { return publisher_->view(); }

 private:
  struct Request {
    Command command;
    Answer answer;
  };

  Controller(std::unique_ptr<Publisher> publisher, const BuildLimits& limits,
             StateListener* listener, std::chrono::milliseconds settle);
  void Run();
  void Process(std::vector<Request> requests);
  void EndWaits();

  std::unique_ptr<Publisher> publisher_;
  StateListener* const listener_;
  Inbox<Request> inbox_{kInboxCapacity};
  PolicyWaits waits_;  // the control thread's
  Rebuilder rebuilder_;
  std::thread thread_;
};

}  // namespace sluice::control
