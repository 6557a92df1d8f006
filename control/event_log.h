// The security event log: connections as they are let in, denied, audited and closed, a JSON object
// a line, in a file that is rotated. docs/seeing.md has the fields.
//
//   Monitor --subscription--> a thread of its own --> FILE, FILE.1 ... FILE.N
//
// Nobody waits for the disk: what finds no room on its way, and what could not be written, is
// counted, and a line says how many it was.
#pragma once

#include <absl/status/statusor.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>

#include "control/monitor.h"

namespace spdlog::sinks {
class sink;
}

namespace sluice::control {

struct EventLogConfig {
  std::string file;
  uint64_t file_bytes = uint64_t{64} << 20;  // of one file, at most
  unsigned files = 4;                        // beside the one that is written
  MonitorFilter filter;
};

// One line, without its end. `time_us`: microseconds since 1970.
std::string EventLine(const MonitorEvent& event, int64_t time_us);

class EventLog {
 public:
  // Appends to the file. `monitor` outlives the log. Errors: FailedPrecondition "event log FILE:
  // REASON", Monitor::Subscribe's.
  static absl::StatusOr<std::unique_ptr<EventLog>> Start(const EventLogConfig& config,
                                                         Monitor& monitor);
  // Writes what has gathered.
  ~EventLog();
  EventLog(const EventLog&) = delete;
  EventLog& operator=(const EventLog&) = delete;

  // Since the start. Any thread.
  uint64_t written() const { return written_.load(std::memory_order_relaxed); }
  uint64_t suppressed() const { return suppressed_.load(std::memory_order_relaxed); }

 private:
  EventLog(std::string file, std::shared_ptr<spdlog::sinks::sink> sink, Monitor& monitor,
           std::unique_ptr<Monitor::Subscription> subscription);
  void Run();
  void Write(const Monitor::Subscription::Batch& batch);
  bool WriteLines(const Monitor::Subscription::Batch& batch);

  const std::string file_;
  const std::shared_ptr<spdlog::sinks::sink> sink_;  // the thread's
  Monitor& monitor_;
  const std::unique_ptr<Monitor::Subscription> subscription_;
  std::atomic<uint64_t> written_{0}, suppressed_{0};
  uint64_t untold_ = 0;   // of the suppressed: no line says so yet. The thread's
  bool failing_ = false;  // so did the last batch. The thread's
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

}  // namespace sluice::control
