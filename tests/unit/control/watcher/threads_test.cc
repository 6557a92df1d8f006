// What the watcher's threads share, used by all of them at once.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <prometheus/metric_family.h>

#include <atomic>
#include <thread>
#include <vector>

#include "control/source_reports.h"
#include "control/watcher/api_loop.h"
#include "control/watcher/metrics.h"
#include "control/watcher/pusher.h"
#include "control/watcher/source_report.h"
#include "tests/unit/control/watcher/items.h"

namespace sluice::control {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kChanges = 3000;

// Refuses what is called "refused", and has what it was sent.
class Daemon : public DaemonClient {
 public:
  absl::StatusOr<InForce> Sync(const std::string& version,
                               std::span<const ClusterSet::Item> objects) override {
    version_ = version;
    has_.clear();
    return Take(objects);
  }
  absl::StatusOr<InForce> Apply(const std::string&, const ClusterSet::Batch& changes) override {
    for (const ObjectKey& key : changes.removed) has_.erase(key);
    return Take(changes.objects);
  }
  absl::StatusOr<std::string> Report(const SourceReport& report) override {
    reports.Put("watcher", report);
    return version_;
  }
  void Cancel() override {}

  SourceReports reports{Clock::now};

 private:
  InForce Take(std::span<const ClusterSet::Item> objects) {
    InForce answer{++epoch_, {}};
    for (const ClusterSet::Item& item : objects) {
      has_[item.candidate->key] = item.candidate;
      if (item.candidate->key.name.second == "refused") {
        answer.refusals.push_back({item.candidate->key, "spec", "is bad"});
      }
    }
    return answer;
  }

  std::string version_;
  std::map<ObjectKey, SharedCandidate> has_;
  uint64_t epoch_ = 0;
};

// The whole watcher but its transport and sluiced.
struct Parts {
  ClusterSet set{{"Endpoint", "NetworkPolicy"}, Clock::now};
  Daemon daemon;
  std::atomic<int> refused = 0, judged = 0;
  RefusalBook refusals{[this](const Refusal&, const std::string&) { ++refused; }};
  StatusBoard board{set, refusals, std::chrono::seconds(60), Clock::now};
  WatcherMetrics metrics{board};
  Pusher pusher{set,
                daemon,
                refusals,
                "w",
                [] { return 0.0; },
                {Clock::now, [this](const PushStatus& status) { board.Tell(status); },
                 [this](Clock::duration time) { metrics.InForceAfter(time); },
                 [this] { return ToSourceReport(board.Report()); },
                 [this](const ClusterSet::Batch&, const std::vector<Refusal>&) { ++judged; }}};
};

void Change(Parts& parts) {
  Replace(parts.set, "NetworkPolicy", DenyAll("refused"));
  Replace(parts.set, "Endpoint", Pod("a", "10.0.0.1"));
  KindStatus status;
  status.known = true;
  for (int i = 0; i < kChanges; ++i) {
    Put(parts.set, Pod("b", fmt::format("10.0.{}.{}", i / 250, i % 250)));
    if (i % 3 == 0) parts.set.Remove(PodKey("b"), "");
    status.counters.events = static_cast<uint64_t>(i);
    parts.board.Tell("Endpoint", "pods", status);
  }
}

TEST(WatcherThreads, TheApiThePusherAndWhoAsksForTheStatusShareWhatTheyMay) {
  Parts parts;
  std::atomic<bool> changed = false;
  std::thread pusher([&] { parts.pusher.Run(); });
  std::thread reader([&] {
    while (!changed) {
      EXPECT_LE(parts.board.Report().refused.size(), 1u);
      parts.metrics.Collect();
      parts.daemon.reports.List();
    }
  });
  Change(parts);
  while (parts.set.pending() > 0) std::this_thread::yield();
  changed = true;
  reader.join();
  parts.set.Close();
  pusher.join();
  EXPECT_EQ(parts.refused, 1);
  EXPECT_GT(parts.judged, 0);
  EXPECT_TRUE(parts.board.Report().push.in_step);
}

TEST(WatcherThreads, WhatIsPostedToTheLoopIsDoneOnItsThreadOnce) {
  ApiLoop loop(ApiAccess{}, Clock::now);
  std::atomic<int> done = 0;
  std::thread running([&] { loop.Run(); });
  const auto post = [&] {
    for (int i = 0; i < kChanges; ++i) {
      loop.Post([&] {
        EXPECT_EQ(std::this_thread::get_id(), running.get_id());
        ++done;
      });
    }
  };
  std::vector<std::thread> posters;
  for (int i = 0; i < 3; ++i) posters.emplace_back(post);
  for (std::thread& poster : posters) poster.join();
  while (done < 3 * kChanges) std::this_thread::yield();
  loop.Stop();
  running.join();
  EXPECT_EQ(done, 3 * kChanges);
}

}  // namespace
}  // namespace sluice::control
