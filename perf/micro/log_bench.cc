// What the event log costs forwarding, in the worker's own time: established traffic with new
// connections among it, 100,000 a second of the worker's time, each of them an event; in turns with
// nobody watching and with a thread on the other core that takes the events out of the worker's
// ring as control/monitor.h does and writes a line for each as control/event_log.h does.
//
// One thread turns the worker by hand and counts only its turns (TSC). What is not in here: the
// memory and the core that writing takes, where the worker has to share those. The output is one
// JSON object a line: {name, unit, value, samples, params}.
#include <fmt/format.h>
#include <rte_cycles.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <thread>
#include <utility>
#include <vector>

#include "control/event_log.h"
#include "dataplane/eal.h"
#include "tests/support/testbed.h"

namespace sluice {
namespace {

constexpr unsigned kFlows = 10'000;
constexpr unsigned kRounds = 9;
constexpr double kRoundSeconds = 0.25;
constexpr double kEventsPerSecond = 100'000;
constexpr uint32_t kConnections = 1u << 20;

// Which of the process's cores a thread may have: the worker's is the last, if there are several.
enum class Core : uint8_t { kWorkers, kOthers };

void MoveTo(Core which, const cpu_set_t& cores) {
  int last = 0;
  for (int core = 0; core < CPU_SETSIZE; ++core) {
    if (CPU_ISSET(core, &cores)) last = core;
  }
  cpu_set_t wanted = cores;
  if (which == Core::kWorkers) CPU_ZERO(&wanted);
  if (which == Core::kWorkers) CPU_SET(last, &wanted);
  if (which == Core::kOthers && CPU_COUNT(&cores) > 1) CPU_CLR(last, &wanted);
  sched_setaffinity(0, sizeof(wanted), &wanted);
}

// The far end of the worker's ring. `file` has a line for each event.
class LogWriter {
 public:
  LogWriter(test::Testbed& bed, const std::string& file, const cpu_set_t& cores)
      : bed_(bed), file_(file) {
    thread_ = std::thread([this, cores] {
      MoveTo(Core::kOthers, cores);
      while (!stopping_.load()) {
        Write();
        std::this_thread::sleep_for(control::Monitor::kDrainEvery);
      }
      Write();
    });
  }
  // How many lines it wrote.
  size_t Stop() {
    stopping_ = true;
    thread_.join();
    return lines_;
  }

 private:
  void Write() {
    for (const dataplane::ConnectionEvent& raw : bed_.Events()) {
      control::MonitorEvent event{.raw = raw, .network = "default"};
      event.initiator = {"10.0.0.1", 1024, "default.a", "default/a", {{"name", "a"}}};
      event.responder = {"10.0.0.2", 9, "default.b", "default/b", {{"name", "b"}}};
      const auto since = std::chrono::system_clock::now().time_since_epoch();
      file_ << control::EventLine(
                   event, std::chrono::duration_cast<std::chrono::microseconds>(since).count())
            << '\n';
      ++lines_;
    }
  }

  test::Testbed& bed_;
  std::ofstream file_;
  size_t lines_ = 0;
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

class Bench {
 public:
  Bench(std::string file, const cpu_set_t& cores)
      : bed_({.pods = "ab", .connections = kConnections}), file_(std::move(file)), cores_(cores) {
    MoveTo(Core::kWorkers, cores_);
    acl::NetworkPolicy policy = test::Isolate("web", "b", {"Ingress"});
    policy.ingress = {test::Admit("a", "UDP")};
    bed_.Apply({policy});
    for (unsigned flow = 0; flow < kFlows; ++flow) {
      frames_.push_back(NewFlow());
      bed_.Send('a', frames_.back());
      bed_.Turn();
      bed_.Received('b');
    }
    CyclesPerPacket();  // sets the pace, for the rounds that count
  }

  void Run() {
    std::vector<double> quiet, logged, ratios;
    for (unsigned round = 0; round < kRounds; ++round) {
      bed_.Watch(false);
      quiet.push_back(CyclesPerPacket());
      bed_.Watch();
      LogWriter writer(bed_, file_, cores_);
      const unsigned opened = bed_.connections();
      logged.push_back(CyclesPerPacket());
      if (writer.Stop() != bed_.connections() - opened) Fail("not every event became a line");
      ratios.push_back(quiet.back() / logged.back());
    }
    Print("log.quiet.cycles", "cycles/packet", quiet);
    Print("log.watched.cycles", "cycles/packet", logged);
    Print("log.rate_ratio", "ratio", ratios);
  }

 private:
  [[noreturn]] static void Fail(const char* why) {
    fmt::print(stderr, "log_bench: {}\n", why);
    std::exit(1);
  }

  test::Bytes NewFlow() {
    constexpr unsigned kPorts = 60'000;
    const unsigned n = next_flow_++;
    return test::Testbed::From('a', 'b')
        .Udp(static_cast<uint16_t>(1024 + n % kPorts), static_cast<uint16_t>(1 + n / kPorts))
        .bytes();
  }

  // As many new connections as the pace of the last round wants.
  double CyclesPerPacket() {
    const auto hz = static_cast<double>(rte_get_tsc_hz());
    double spent = 0, packets = 0, opened = 0;
    while (spent < kRoundSeconds * hz) {
      for (unsigned i = 0; i < dataplane::kBurstSize; ++i) {
        const bool fresh = opened < packets * cycles_ / hz * kEventsPerSecond;
        opened += fresh ? 1 : 0;
        packets += 1;
        bed_.Send('a', fresh ? NewFlow() : frames_[next_frame_++ % kFlows]);
      }
      const uint64_t start = rte_rdtsc_precise();
      bed_.Turn();
      spent += static_cast<double>(rte_rdtsc_precise() - start);
      if (bed_.Received('b').size() != dataplane::kBurstSize) Fail("packets were lost");
    }
    events_per_second_ = opened * hz / spent;
    return cycles_ = spent / packets;
  }

  void Print(const char* name, const char* unit, std::vector<double> samples) const {
    std::vector<double> sorted = samples;
    std::sort(sorted.begin(), sorted.end());
    fmt::print(
        "{{\"name\": \"{}\", \"unit\": \"{}\", \"value\": {:.4g}, \"samples\": [{:.4g}], "
        "\"params\": {{\"flows\": {}, \"events_per_second\": {:.0f}}}}}\n",
        name, unit, sorted[sorted.size() / 2], fmt::join(samples, ", "), kFlows,
        events_per_second_);
  }

  test::Testbed bed_;
  std::string file_;
  cpu_set_t cores_;
  std::vector<test::Bytes> frames_;
  size_t next_frame_ = 0;
  unsigned next_flow_ = 0;
  double cycles_ = 200;
  double events_per_second_ = 0;
};

}  // namespace
}  // namespace sluice

int main() {
  cpu_set_t cores;
  sched_getaffinity(0, sizeof(cores), &cores);  // before DPDK pins its own
  sluice::dataplane::EalConfig config;
  config.file_prefix = fmt::format("sluice-log-bench-{}", getpid());
  auto eal = sluice::dataplane::Eal::Start(config);
  if (!eal.ok()) {
    fmt::print(stderr, "{}\n", std::string(eal.status().message()));
    return 1;
  }
  const std::string file = fmt::format("/tmp/sluice-log-bench-{}.jsonl", getpid());
  sluice::Bench(file, cores).Run();
  unlink(file.c_str());
  return 0;
}
