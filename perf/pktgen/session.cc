#include "perf/pktgen/session.h"

#include <fmt/core.h>
#include <rte_errno.h>
#include <rte_lcore.h>

#include <chrono>
#include <thread>
#include <utility>

namespace sluice::pktgen {
namespace {

constexpr auto kRetry = std::chrono::milliseconds(10);
constexpr unsigned kCommonBuffers = 4'096;
constexpr unsigned kBuffersPerPod = 2 * VirtioPort::kQueueSize;
constexpr unsigned kPoolCache = 256;
// A loop that found nothing to do this often waits a little for a command: the cores of a test
// machine are few. Packets wait as long, at most.
constexpr unsigned kIdleLoops = 200;
constexpr uint32_t kIdleWaitUs = 50;

constexpr uint64_t kLinkCheckNs = 100'000'000;

using Clock = std::chrono::steady_clock;

uint64_t NowNs() {
  return static_cast<uint64_t>(
      std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now().time_since_epoch())
          .count());
}

// Until the deadline, or `stop`.
absl::StatusOr<std::unique_ptr<VirtioPort>> OpenPort(const VirtioPortConfig& config,
                                                     rte_mempool* pool, Clock::time_point deadline,
                                                     const std::atomic<bool>& stop) {
  while (true) {
    absl::StatusOr<std::unique_ptr<VirtioPort>> port = VirtioPort::Open(config, pool);
    if (!absl::IsUnavailable(port.status()) || Clock::now() >= deadline || stop) return port;
    std::this_thread::sleep_for(kRetry);
  }
}

absl::Status WaitForLink(const VirtioPort& port, Clock::time_point deadline,
                         const std::atomic<bool>& stop) {
  while (!port.LinkUp()) {
    if (stop) return absl::AbortedError("stopped");
    if (Clock::now() >= deadline) return absl::DeadlineExceededError("the link stays down");
    std::this_thread::sleep_for(kRetry);
  }
  return absl::OkStatus();
}

void StartCommands(std::deque<std::string>& lines, bool in_order, Commands& commands) {
  while (!lines.empty() && !commands.quit() && (!in_order || commands.idle())) {
    commands.Start(lines.front(), NowNs());
    lines.pop_front();
  }
}

absl::Status WithName(const absl::Status& status, const std::string& pod) {
  return {status.code(), fmt::format("pod {}: {}", pod, std::string(status.message()))};
}

}  // namespace

void JsonOutput::Write(const Json& object) const {
  const std::string line = object.dump(-1, ' ', false, Json::error_handler_t::replace);
  fmt::print(file_, "{}\n", line);
  std::fflush(file_);
}

absl::StatusOr<std::unique_ptr<Session>> Session::Open(const std::vector<PodSpec>& specs,
                                                       uint64_t seed, std::chrono::seconds timeout,
                                                       const std::atomic<bool>& stop) {
  const Clock::time_point deadline = Clock::now() + timeout;
  std::unique_ptr<Session> session(new Session);
  const auto buffers = static_cast<unsigned>(kCommonBuffers + specs.size() * kBuffersPerPod);
  session->pool_ = rte_pktmbuf_pool_create("pktgen", buffers, kPoolCache, 0,
                                           RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
  if (session->pool_ == nullptr) {
    return absl::ResourceExhaustedError(
        fmt::format("no memory for {} packet buffers: {}", buffers, rte_strerror(rte_errno)));
  }
  for (const PodSpec& spec : specs) {
    const auto number = static_cast<unsigned>(session->pods_.size());
    absl::StatusOr<std::unique_ptr<VirtioPort>> port =
        OpenPort({number, spec.socket, spec.server, spec.memif, spec.host.mac}, session->pool_,
                 deadline, stop);
    if (!port.ok()) return WithName(port.status(), spec.host.name);
    session->pods_.push_back(std::make_unique<Pod>(spec.host, *std::move(port), seed + number));
  }
  for (const auto& pod : session->pods_) {
    const absl::Status status = WaitForLink(pod->port(), deadline, stop);
    if (!status.ok()) return WithName(status, pod->stack().config().name);
  }
  return session;
}

Session::~Session() {
  pods_.clear();
  rte_mempool_free(pool_);
}

void Session::PollPods(uint64_t now_ns) {
  for (const auto& pod : pods_) pod->Poll(now_ns);
}

// A switch that connects again does so from here.
void Session::CheckLinks(uint64_t now_ns) {
  if (now_ns < next_link_check_ns_) return;
  next_link_check_ns_ = now_ns + kLinkCheckNs;
  for (const auto& pod : pods_) pod->port().LinkUp();
}

uint64_t Session::PacketCount() const {
  uint64_t packets = 0;
  for (const auto& pod : pods_) packets += pod->port().packets();
  return packets;
}

void Session::Run(LineReader& input, bool in_order, const JsonOutput& output,
                  const std::atomic<bool>& stop) {
  Pods stacks;
  std::map<const HostStack*, Pod*> pods;
  for (const auto& pod : pods_) {
    stacks[pod->stack().config().name] = &pod->stack();
    pods[&pod->stack()] = pod.get();
  }
  const auto blast =
      [&](const BlastRequest& request) -> absl::StatusOr<std::unique_ptr<Operation>> {
    return Blast::Create(request, *pods[request.from], *pods[request.to], blast_pools_);
  };
  Commands commands(stacks, blast, [&](const Json& answer) { output.Write(answer); });

  std::deque<std::string> lines;
  uint64_t packets = 0;
  for (unsigned idle = 0; !stop;) {
    const uint64_t now_ns = NowNs();
    CheckLinks(now_ns);
    PollPods(now_ns);
    for (std::string& line : input.Read(idle >= kIdleLoops ? kIdleWaitUs : 0)) {
      lines.push_back(std::move(line));
    }
    StartCommands(lines, in_order, commands);
    commands.Step(NowNs());
    const bool over = commands.quit() || (input.ended() && lines.empty());
    if (over && commands.idle()) return;
    idle = PacketCount() == packets ? idle + 1 : 0;
    packets = PacketCount();
  }
}

}  // namespace sluice::pktgen
