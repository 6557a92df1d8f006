#include "control/controller.h"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

namespace sluice::control {

absl::StatusOr<std::unique_ptr<Controller>> Controller::Create(dataplane::Switch& target,
                                                               const PublisherConfig& config,
                                                               StateListener* listener,
                                                               std::chrono::milliseconds settle) {
  auto publisher = Publisher::Create(target, config);
  if (!publisher.ok()) return publisher.status();
  return std::unique_ptr<Controller>(
      new Controller(*std::move(publisher), config.trie_limits, listener, settle));
}

Controller::Controller(std::unique_ptr<Publisher> publisher, const acl::TrieLimits& limits,
                       StateListener* listener, std::chrono::milliseconds settle)
    : publisher_(std::move(publisher)),
      listener_(listener),
      rebuilder_(
          settle, limits,
          {.view = [this] { return view(); },
           .deliver =
               [this](Rebuilt rebuilt) {
                 // Not taken: the next change asks for another one.
                 Queue(AdoptCommand{std::make_shared<Rebuilt>(std::move(rebuilt))}).IgnoreError();
               }}),
      thread_([this] { Run(); }) {}

Controller::~Controller() {
  inbox_.Close();
  thread_.join();
}

absl::StatusOr<std::future<Result>> Controller::Queue(Command command) {
  Request request{std::move(command), {}};
  std::future<Result> answer = request.answer.get_future();
  switch (inbox_.Push(std::move(request))) {
    case Inbox<Request>::Pushed::kFull:
      return absl::ResourceExhaustedError(
          fmt::format("{} requests wait already: try again later", kInboxCapacity));
    case Inbox<Request>::Pushed::kClosed:
      return absl::UnavailableError("the switch is stopping");
    case Inbox<Request>::Pushed::kYes:
      break;
  }
  return answer;
}

Result Controller::Execute(Command command) {
  absl::StatusOr<std::future<Result>> answer = Queue(std::move(command));
  if (!answer.ok()) return answer.status();
  return answer->get();
}

void Controller::Run() {
  for (;;) {
    std::vector<Request> requests = inbox_.Drain();
    if (requests.empty()) return;
    std::vector<Command> batch;
    for (Request& request : requests) batch.push_back(std::move(request.command));
    // A rebuild that failed would fail again; one that came too late would not.
    const bool only_adopts = std::ranges::all_of(
        batch, [](const Command& c) { return std::holds_alternative<AdoptCommand>(c); });
    std::vector<Result> results = publisher_->Process(batch);
    const bool failed = only_adopts && std::ranges::any_of(results, [](const Result& result) {
                          return !result.ok() && !absl::IsAborted(result.status());
                        });
    if (listener_ != nullptr) listener_->Changed(view());
    for (size_t i = 0; i < requests.size(); ++i) {
      requests[i].answer.set_value(std::move(results[i]));
    }
    if (!failed && !IsWhole(*view())) rebuilder_.Wake();
  }
}

}  // namespace sluice::control
