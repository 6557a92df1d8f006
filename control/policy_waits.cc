#include "control/policy_waits.h"

#include <fmt/chrono.h>
#include <fmt/core.h>

#include <algorithm>
#include <utility>

namespace sluice::control {
namespace {

bool IsShut(const View& view, const std::string& port) {
  const dataplane::PortId id = view.places.at(port).attached.id;
  return view.snapshot->ports[id].subject == dataplane::SubjectState::kUnknown;
}

std::string Reason(const View& view, const dataplane::PortSpec& spec) {
  const auto& endpoints = view.state->endpoints();
  const auto pod = endpoints.find({spec.pod_namespace, spec.pod_name});
  if (pod == endpoints.end()) return "not known to the switch: no source has sent it";
  const std::string& uid = pod->second.object.uid;
  if (!uid.empty() && !spec.pod_uid.empty() && uid != spec.pod_uid) {
    return fmt::format("known to the switch with UID {}, not with the port's, {}", uid,
                       spec.pod_uid);
  }
  if (spec.addresses.empty()) return "known to the switch, but the port has no address";
  return fmt::format("known to the switch, but no policy is compiled for it on network {}",
                     spec.network);
}

}  // namespace

void PolicyWaits::AnswerKnown(const View& view) {
  std::erase_if(waits_, [&](Wait& wait) {
    if (!view.state->ports().specs().contains(wait.port)) {
      wait.answer(absl::AbortedError(
          fmt::format("port {}: was deleted while it waited for policy", wait.port)));
      return true;
    }
    if (IsShut(view, wait.port)) return false;
    wait.outcome.epoch = view.snapshot->epoch;
    wait.answer(wait.outcome);
    return true;
  });
}

std::vector<PolicyWaits::Wait> PolicyWaits::TakeExpired(TimePoint now) {
  const auto first = std::stable_partition(waits_.begin(), waits_.end(),
                                           [&](const Wait& wait) { return wait.deadline > now; });
  std::vector<Wait> expired(std::make_move_iterator(first), std::make_move_iterator(waits_.end()));
  waits_.erase(first, waits_.end());
  return expired;
}

void PolicyWaits::Cancel(const absl::Status& why) {
  for (Wait& wait : std::exchange(waits_, {})) wait.answer(why);
}

bool PolicyWaits::IsWaitedFor(const std::string& port) const {
  return std::ranges::any_of(waits_, [&](const Wait& wait) { return wait.port == port; });
}

std::optional<PolicyWaits::TimePoint> PolicyWaits::NextDeadline() const {
  const auto first = std::ranges::min_element(waits_, {}, &Wait::deadline);
  return first == waits_.end() ? std::nullopt : std::optional(first->deadline);
}

absl::Status WhatIsMissing(const View& view, const PolicyWaits::Wait& wait) {
  const dataplane::PortSpec& spec = view.state->ports().specs().at(wait.port);
  return absl::DeadlineExceededError(
      fmt::format("port {}: policy is not in force after {}: pod {}/{}: {}", wait.port, wait.limit,
                  spec.pod_namespace, spec.pod_name, Reason(view, spec)));
}

}  // namespace sluice::control
