#include "control/controller.h"

#include <fmt/core.h>

#include <utility>

namespace sluice::control {

absl::StatusOr<std::unique_ptr<Controller>> Controller::Create(dataplane::Switch& target,
                                                               const PublisherConfig& config,
                                                               std::chrono::milliseconds settle) {
  auto publisher = Publisher::Create(target, config);
  if (!publisher.ok()) return publisher.status();
  return std::unique_ptr<Controller>(
      new Controller(*std::move(publisher), config.trie_limits, settle));
}

Controller::Controller(std::unique_ptr<Publisher> publisher, const acl::TrieLimits& limits,
                       std::chrono::milliseconds settle)
    : publisher_(std::move(publisher)),
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
    std::vector<Result> results = publisher_->Process(batch);
    for (size_t i = 0; i < requests.size(); ++i) {
      requests[i].answer.set_value(std::move(results[i]));
    }
    if (!IsWhole(*view())) rebuilder_.Wake();
  }
}

}  // namespace sluice::control
