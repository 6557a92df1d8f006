#include "control/controller.h"

#include <fmt/core.h>

#include <algorithm>
#include <future>
#include <utility>

namespace sluice::control {

absl::StatusOr<std::unique_ptr<Controller>> Controller::Create(dataplane::Switch& target,
                                                               const PublisherConfig& config,
                                                               StateListener* listener,
                                                               std::chrono::milliseconds settle) {
  auto publisher = Publisher::Create(target, config);
  if (!publisher.ok()) return publisher.status();
  return std::unique_ptr<Controller>(
      new Controller(*std::move(publisher), config.build_limits, listener, settle));
}

Controller::Controller(std::unique_ptr<Publisher> publisher, const BuildLimits& limits,
                       StateListener* listener, std::chrono::milliseconds settle)
    : publisher_(std::move(publisher)),
      listener_(listener),
      rebuilder_(settle, limits,
                 {.view = [this] { return view(); },
                  .deliver =
                      [this](Rebuilt rebuilt) {
                        // Not taken: the next change asks for another one.
                        Start(AdoptCommand{std::make_shared<Rebuilt>(std::move(rebuilt))},
                              [](const Result&) {});
                      }}),
      thread_([this] { Run(); }) {}

Controller::~Controller() {
  inbox_.Close();
  thread_.join();
}

void Controller::Start(Command command, const Answer& answer) {
  switch (inbox_.Push({std::move(command), answer})) {
    case Inbox<Request>::Pushed::kFull:
      return answer(absl::ResourceExhaustedError(
          fmt::format("{} requests wait already: try again later", kInboxCapacity)));
    case Inbox<Request>::Pushed::kClosed:
      return answer(absl::UnavailableError("the switch is stopping"));
    case Inbox<Request>::Pushed::kYes:
      break;
  }
}

Result Controller::Execute(Command command) {
  // Shared: set_value may still be at it when the future has its value.
  const auto answer = std::make_shared<std::promise<Result>>();
  std::future<Result> result = answer->get_future();
  Start(std::move(command), [answer](Result told) { answer->set_value(std::move(told)); });
  return result.get();
}

void Controller::Run() {
  while (auto requests = inbox_.Drain(waits_.NextDeadline())) {
    if (!requests->empty()) Process(*std::move(requests));
    waits_.AnswerKnown(*view());
    EndWaits();
  }
  waits_.Cancel(absl::UnavailableError("the switch is stopping"));
}

void Controller::Process(std::vector<Request> requests) {
  std::vector<Command> batch;
  batch.reserve(requests.size());
  for (Request& request : requests) batch.push_back(std::move(request.command));
  // A rebuild that failed would fail again; one that came too late would not.
  const bool only_adopts = std::ranges::all_of(
      batch, [](const Command& c) { return std::holds_alternative<AdoptCommand>(c); });
  std::vector<Result> results = publisher_->Process(batch);
  const bool failed = only_adopts && std::ranges::any_of(results, [](const Result& result) {
                        return !result.ok() && !absl::IsAborted(result.status());
                      });
  if (listener_ != nullptr) listener_->Changed(view());
  const auto now = std::chrono::steady_clock::now();
  for (size_t i = 0; i < requests.size(); ++i) {
    const auto* add = std::get_if<AddPortCommand>(&batch[i]);
    if (add != nullptr && add->policy_timeout.count() > 0 && results[i].ok()) {
      waits_.Add({add->spec.name, add->policy_timeout, now + add->policy_timeout,
                  *std::move(results[i]), std::move(requests[i].answer)});
    } else {
      requests[i].answer(std::move(results[i]));
    }
  }
  if (!failed && !IsWhole(*view())) rebuilder_.Wake();
}

// Those whose time is up are told why when their ports are gone, unless others wait for the same.
void Controller::EndWaits() {
  std::vector<PolicyWaits::Wait> expired = waits_.TakeExpired(std::chrono::steady_clock::now());
  if (expired.empty()) return;
  const std::shared_ptr<const View> before = view();
  std::vector<Request> deletions;
  for (PolicyWaits::Wait& wait : expired) {
    auto tell = [answer = std::move(wait.answer), why = WhatIsMissing(*before, wait)](
                    const Result&) mutable { answer(std::move(why)); };
    if (waits_.IsWaitedFor(wait.port)) {
      tell(Outcome{});
    } else {
      deletions.push_back({DeletePortCommand{wait.port}, std::move(tell)});
    }
  }
  if (!deletions.empty()) Process(std::move(deletions));
}

}  // namespace sluice::control
