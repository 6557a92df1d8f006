// Connection events for people: drained from the workers, named, filtered, handed to subscribers.
//
//   worker rings --drain thread--> names --filter--> a bounded queue per subscriber --> its stream
//
// Nobody waits for a slow subscriber: what its queue has no room for is lost and counted. Workers
// write events only while there is a subscriber.
#pragma once

#include <absl/status/statusor.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "acl/objects.h"
#include "control/network_build.h"
#include "control/verdict.h"
#include "control/view.h"
#include "dataplane/connection_event.h"
#include "dataplane/switch.h"

namespace sluice::control {

struct MonitorEnd {
  std::string address;
  uint16_t port = 0;
  std::string port_name;  // of the switch; empty: behind none
  std::string pod;        // "namespace/name"; empty: none known
  acl::Labels labels;     // the pod's
};

struct MonitorEvent {
  dataplane::ConnectionEvent raw;
  std::string network;
  MonitorEnd initiator, responder;
  // What decided; absent: not policy, or a direction without policy.
  std::optional<acl::RuleSource> egress, ingress;
};

struct MonitorFilter {
  std::string port;                      // name of either end's; empty: all
  std::string pod;                       // "namespace/name" of either end; empty: all
  std::string name_space;                // of either end's pod; empty: all
  std::set<dataplane::EventKind> kinds;  // empty: all
  bool logged_too = false;  // what a rule with `log` decides passes, whatever else the filter says

  bool Passes(const MonitorEvent& event) const;
};

class Monitor {
 public:
  static constexpr size_t kMaxSubscribers = 16;
  static constexpr size_t kQueue = 8192;  // events a subscriber
  static constexpr std::chrono::milliseconds kDrainEvery{20};

  // `view` answers from any thread.
  Monitor(dataplane::Switch& data_plane, std::function<std::shared_ptr<const View>()> view);
  ~Monitor();
  Monitor(const Monitor&) = delete;
  Monitor& operator=(const Monitor&) = delete;

  class Subscription {
   public:
    Subscription(Monitor& monitor, MonitorFilter filter);
    ~Subscription();

    struct Batch {
      std::vector<std::shared_ptr<const MonitorEvent>> events;
      uint64_t lost =
          0;  // since the batch before: on the way here or for want of room in the queue
    };
    // What has gathered, waiting at most `timeout` for something.
    Batch Next(std::chrono::milliseconds timeout);
    // What passes the filter and finds room is queued, what finds none is lost, and so is `lost`.
    // Any thread; never waits for Next.
    void Offer(const std::vector<std::shared_ptr<const MonitorEvent>>& events, uint64_t lost);

   private:
    Monitor& monitor_;
    const MonitorFilter filter_;
    std::mutex mutex_;
    std::condition_variable filled_;
    Batch gathered_;  // guarded by mutex_
  };

  // Events from now on. Errors: ResourceExhausted (kMaxSubscribers).
  absl::StatusOr<std::unique_ptr<Subscription>> Subscribe(MonitorFilter filter);

  // What the workers have told until now is with the subscribers when it returns. Any thread.
  void Flush() { DrainOnce(); }

  // The event with the names that `view` has, and those of ports that have been in one. The drain
  // thread's, or anybody's while there is no subscriber.
  MonitorEvent Name(const View& view, const dataplane::ConnectionEvent& raw) const;

 private:
  struct PortNames {
    std::string port;
    ObjectName pod;  // without a name: none
  };
  using PortKey = std::pair<dataplane::PortId, uint16_t>;

  void Run();
  void DrainOnce();
  void Learn(const View& view);
  MonitorEnd NameEnd(const View& view, const NetworkBuild* network,
                     const dataplane::EventEnd& end) const;
  void Deliver(const std::vector<std::shared_ptr<const MonitorEvent>>& events, uint64_t lost);

  dataplane::Switch& switch_;
  const std::function<std::shared_ptr<const View>()> view_;
  std::mutex mutex_;
  std::condition_variable wanted_;
  std::set<Subscription*> subscribers_;  // guarded by mutex_, as is stopping_
  bool stopping_ = false;

  std::mutex drain_mutex_;    // after mutex_; one reader of the rings
  uint64_t lost_before_ = 0;  // guarded by it
  // Guarded by it, too: names of ports, of gone ones too for a while.
  std::map<PortKey, PortNames> ports_;
  uint64_t learned_epoch_ = 0;
  std::thread thread_;
};

}  // namespace sluice::control
