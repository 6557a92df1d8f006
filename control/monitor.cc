#include "control/monitor.h"

#include <fmt/core.h>

#include <utility>

namespace sluice::control {
namespace {

constexpr size_t kRememberedPorts = 4096;

std::optional<acl::RuleSource> SourceOf(const acl::RuleIds& rules, acl::RuleId id) {
  if (id == acl::kNoRule) return std::nullopt;
  const acl::RuleSource* source = rules.Find(id);
  return source != nullptr ? *source : acl::RuleSource{acl::Tier::kNone, {"(deleted)"}, ""};
}

// Null: not there any more.
const NetworkBuild* NetworkNamed(const View& view, const std::string& name) {
  const auto found = view.networks.find(name);
  return found == view.networks.end() ? nullptr : &found->second;
}

// A pod elsewhere is known by its address alone. Null: none is.
const acl::MemberName* OwnerOf(const NetworkBuild& network, const acl::IpAddress& address) {
  return network.policy == nullptr ? nullptr : network.policy->base.population.OwnerOf(address);
}

bool IsLogged(const std::optional<acl::RuleSource>& source) { return source && source->log; }

bool IsIn(const MonitorEnd& end, const std::string& name_space) {
  return end.pod.size() > name_space.size() && end.pod.starts_with(name_space) &&
         end.pod[name_space.size()] == '/';
}

}  // namespace

bool MonitorFilter::Passes(const MonitorEvent& event) const {
  if (logged_too && (IsLogged(event.egress) || IsLogged(event.ingress))) return true;
  if (!kinds.empty() && !kinds.contains(event.raw.kind)) return false;
  const MonitorEnd &a = event.initiator, &b = event.responder;
  if (!port.empty() && a.port_name != port && b.port_name != port) return false;
  if (!name_space.empty() && !IsIn(a, name_space) && !IsIn(b, name_space)) return false;
  return pod.empty() || a.pod == pod || b.pod == pod;
}

Monitor::Subscription::Subscription(Monitor& monitor, MonitorFilter filter)
    : monitor_(monitor), filter_(std::move(filter)) {}

Monitor::Subscription::~Subscription() {
  const std::lock_guard lock(monitor_.mutex_);
  monitor_.subscribers_.erase(this);
  if (monitor_.subscribers_.empty()) monitor_.switch_.WatchEvents(false);
}

Monitor::Subscription::Batch Monitor::Subscription::Next(std::chrono::milliseconds timeout) {
  std::unique_lock lock(mutex_);
  filled_.wait_for(lock, timeout,
                   [this] { return !gathered_.events.empty() || gathered_.lost > 0; });
  return std::exchange(gathered_, {});
}

Monitor::Monitor(dataplane::Switch& data_plane, std::function<std::shared_ptr<const View>()> view)
    : switch_(data_plane), view_(std::move(view)), thread_([this] { Run(); }) {}

Monitor::~Monitor() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wanted_.notify_all();
  thread_.join();
}

absl::StatusOr<std::unique_ptr<Monitor::Subscription>> Monitor::Subscribe(MonitorFilter filter) {
  auto subscription = std::make_unique<Subscription>(*this, std::move(filter));
  {
    const std::lock_guard lock(mutex_);
    if (subscribers_.size() < kMaxSubscribers) {
      if (subscribers_.empty()) {
        const std::lock_guard one_reader(drain_mutex_);
        switch_.DrainEvents([](const dataplane::ConnectionEvent&) {});  // of an earlier watch
        lost_before_ = switch_.LostEvents();
        switch_.WatchEvents(true);
      }
      subscribers_.insert(subscription.get());
      wanted_.notify_all();
      return subscription;
    }
  }
  return absl::ResourceExhaustedError(fmt::format("{} monitors watch already", kMaxSubscribers));
}

void Monitor::Run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    if (subscribers_.empty()) {
      wanted_.wait(lock, [this] { return stopping_ || !subscribers_.empty(); });
      continue;
    }
    lock.unlock();
    DrainOnce();
    lock.lock();
    wanted_.wait_for(lock, kDrainEvery, [this] { return stopping_; });
  }
}

void Monitor::DrainOnce() {
  const std::lock_guard one_reader(drain_mutex_);
  const std::shared_ptr<const View> view = view_();
  Learn(*view);
  std::vector<std::shared_ptr<const MonitorEvent>> events;
  switch_.DrainEvents([&](const dataplane::ConnectionEvent& raw) {
    events.push_back(std::make_shared<const MonitorEvent>(Name(*view, raw)));
  });
  const uint64_t lost = switch_.LostEvents();
  Deliver(events, lost - std::exchange(lost_before_, lost));
}

// A port's connections are closed after it has left the view: its names are kept for them.
void Monitor::Learn(const View& view) {
  if (view.snapshot->epoch == learned_epoch_) return;
  learned_epoch_ = view.snapshot->epoch;
  if (ports_.size() > kRememberedPorts) ports_.clear();
  for (const auto& [name, spec] : view.state->ports().specs()) {
    const dataplane::AttachedPort& port = view.places.at(name).attached;
    PortNames& names = ports_[{port.id, port.generation}];
    names.port = name;
    names.pod = {spec.pod_namespace, spec.pod_name};
  }
}

MonitorEnd Monitor::NameEnd(const View& view, const NetworkBuild* network,
                            const dataplane::EventEnd& end) const {
  MonitorEnd named{.address = end.address.ToString(), .port = end.port};
  const ObjectName* pod = nullptr;
  if (end.subject != dataplane::kNoPort) {
    const auto found = ports_.find({end.subject, end.generation});
    named.port_name = found != ports_.end() ? found->second.port : fmt::format("#{}", end.subject);
    if (found != ports_.end()) pod = &found->second.pod;
  } else if (network != nullptr) {
    pod = OwnerOf(*network, end.address);
  }
  if (pod == nullptr || pod->second.empty()) return named;
  const auto endpoint = view.state->endpoints().find(*pod);
  const bool is_listed = endpoint != view.state->endpoints().end();
  if (is_listed) named.labels = endpoint->second.object.labels;
  if (is_listed || !named.port_name.empty()) named.pod = pod->first + "/" + pod->second;
  return named;
}

MonitorEvent Monitor::Name(const View& view, const dataplane::ConnectionEvent& raw) const {
  MonitorEvent event;
  event.raw = raw;
  const bool is_there = raw.network < view.snapshot->networks.size();
  if (is_there) event.network = view.snapshot->networks[raw.network].name;
  const NetworkBuild* build = NetworkNamed(view, event.network);
  event.initiator = NameEnd(view, build, raw.initiator);
  event.responder = NameEnd(view, build, raw.responder);
  if (!is_there) return event;
  const dataplane::NetworkView& network = view.snapshot->networks[raw.network];
  const bool audited = raw.kind == dataplane::EventKind::kAudited;
  const acl::RuleIds* rules = (audited ? network.audit_rule_ids : network.rule_ids).get();
  if (rules == nullptr) return event;
  event.egress = SourceOf(*rules, raw.egress_rule);
  event.ingress = SourceOf(*rules, raw.ingress_rule);
  return event;
}

void Monitor::Deliver(const std::vector<std::shared_ptr<const MonitorEvent>>& events,
                      uint64_t lost) {
  const std::lock_guard lock(mutex_);
  for (Subscription* subscriber : subscribers_) subscriber->Offer(events, lost);
}

void Monitor::Subscription::Offer(const std::vector<std::shared_ptr<const MonitorEvent>>& events,
                                  uint64_t lost) {
  const std::lock_guard lock(mutex_);
  gathered_.lost += lost;
  for (const auto& event : events) {
    if (!filter_.Passes(*event)) continue;
    if (gathered_.events.size() < kQueue) {
      gathered_.events.push_back(event);
    } else {
      ++gathered_.lost;
    }
  }
  filled_.notify_one();
}

}  // namespace sluice::control
