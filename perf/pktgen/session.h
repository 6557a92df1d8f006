// A run of the generator: opens the pods' ports, then polls everything in one loop to the end.
#pragma once

#include <absl/status/statusor.h>
#include <rte_mempool.h>

#include <atomic>
#include <chrono>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "perf/pktgen/blast.h"
#include "perf/pktgen/commands.h"
#include "perf/pktgen/line_reader.h"
#include "perf/pktgen/pod.h"
#include "perf/pktgen/pods_file.h"

namespace sluice::pktgen {

// Answers and events, a line of JSON each. Bytes that are not UTF-8 are replaced.
class JsonOutput {
 public:
  explicit JsonOutput(std::FILE* file) : file_(file) {}
  void Write(const Json& object) const;

 private:
  std::FILE* file_;
};

class Session {
 public:
  // Opens every port and waits until all links are up, at most `timeout`. Errors: DeadlineExceeded
  // naming the pod and what it waited for; VirtioPort::Open's; Aborted if `stop` was set.
  static absl::StatusOr<std::unique_ptr<Session>> Open(const std::vector<PodSpec>& specs,
                                                       uint64_t seed, std::chrono::seconds timeout,
                                                       const std::atomic<bool>& stop);
  ~Session();

  // Runs commands from `input` until it ends, a quit, or `stop`. In order: each starts when the one
  // before has its answer; otherwise they run side by side. The end of the input and quit wait for
  // what runs; `stop` does not.
  void Run(LineReader& input, bool in_order, const JsonOutput& output,
           const std::atomic<bool>& stop);

 private:
  Session() = default;
  void PollPods(uint64_t now_ns);
  void CheckLinks(uint64_t now_ns);
  uint64_t PacketCount() const;

  rte_mempool* pool_ = nullptr;  // of received packets, and of what the stacks send
  BlastPools blast_pools_;
  std::vector<std::unique_ptr<Pod>> pods_;
  uint64_t next_link_check_ns_ = 0;
};

}  // namespace sluice::pktgen
