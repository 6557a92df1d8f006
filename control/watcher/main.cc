// sluice-watcher: the cluster's objects as the Kubernetes API has them, kept in force in sluiced.
// Builds the object graph, waits for a signal, takes it down in reverse.
//
//   API server ── ApiLoop's thread: Reflector, ObjectFeed a kind ──> ClusterSet
//   ClusterSet ── pusher's thread: Pusher, DaemonClient ──> sluiced
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdlib>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "control/process.h"
#include "control/version.h"
#include "control/watcher/api_loop.h"
#include "control/watcher/condition_writer.h"
#include "control/watcher/config.h"
#include "control/watcher/event_reporter.h"
#include "control/watcher/grpc_daemon_client.h"
#include "control/watcher/kinds.h"
#include "control/watcher/metrics.h"
#include "control/watcher/object_feed.h"
#include "control/watcher/pusher.h"
#include "control/watcher/source_report.h"
#include "control/watcher/status_server.h"

namespace sluice::control {
namespace {

using SteadyClock = std::chrono::steady_clock;

// Each on one thread: a generator of its own for each user.
Random MakeRandom() {
  auto engine = std::make_shared<std::mt19937_64>(std::random_device{}());
  return [engine] { return std::uniform_real_distribution<double>()(*engine); };
}

std::string HostName() {
  std::array<char, 256> name{};
  return gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "unknown";
}

std::vector<std::string> KindNames() {
  std::vector<std::string> names;
  for (const WatchedKind& kind : WatchedKinds()) names.push_back(kind.kind);
  return names;
}

// The whole program but its threads.
class Watcher {
 public:
  Watcher(const WatcherConfig& config, ApiAccess access)
      : loop_(std::move(access), SteadyClock::now),
        node_(config.node.empty() ? HostName() : config.node),
        events_(loop_.transport(), loop_.timers(), std::chrono::system_clock::now, node_),
        conditions_(loop_.transport(), loop_.timers(), std::chrono::system_clock::now,
                    fmt::format("{} ({})", node_, config.source), MakeRandom()),
        client_(MakeGrpcDaemonClient(config.sluiced, config.source)),
        pusher_(set_, *client_, refusals_,
                fmt::format("{:016x}", std::mt19937_64(std::random_device{}())()), MakeRandom(),
                {SteadyClock::now, [this](const PushStatus& status) { board_.Tell(status); },
                 [this](SteadyClock::duration time) { metrics_.InForceAfter(time); },
                 [this] { return ToSourceReport(board_.Report()); },
                 [this](const ClusterSet::Batch& sent, const std::vector<Refusal>& refusals) {
                   PostJudgements(JudgementsOf(sent, refusals));
                 }}),
        board_(set_, refusals_, config.max_age, SteadyClock::now) {
    for (const WatchedKind& kind : WatchedKinds()) AddKind(kind, config.reflector);
  }

  const StatusBoard& board() const { return board_; }
  const WatcherMetrics& metrics() const { return metrics_; }

  void RunLoop() {
    for (const auto& reflector : reflectors_) reflector->Start();
    loop_.Run();
  }
  void RunPusher() { pusher_.Run(); }
  void Stop() {
    set_.Close();
    client_->Cancel();
    loop_.Stop();
  }

 private:
  void PostJudgements(std::vector<Judgement> judgements) {
    if (judgements.empty()) return;
    loop_.Post([this, judgements = std::move(judgements)] {
      for (const Judgement& judgement : judgements) conditions_.Judge(judgement);
    });
  }

  void AddKind(const WatchedKind& kind, const ReflectorConfig& config) {
    feeds_.push_back(std::make_unique<ObjectFeed>(kind, set_, conditions_));
    const auto on_status = [this, &kind](const KindStatus& status) {
      board_.Tell(kind.kind, kind.resource.name, status);
    };
    reflectors_.push_back(std::make_unique<Reflector>(kind.resource, loop_.transport(),
                                                      loop_.timers(), MakeRandom(), *feeds_.back(),
                                                      config, on_status));
    on_status(reflectors_.back()->status());
  }

  ClusterSet set_{KindNames(), SteadyClock::now};
  ApiLoop loop_;
  const std::string node_;
  EventReporter events_;
  ConditionWriter conditions_;
  RefusalBook refusals_{[this](const Refusal& refusal, const std::string& uid) {
    spdlog::warn("refused: {}: {}: {}", refusal.key.ToString(), refusal.field, refusal.reason);
    loop_.Post([this, refusal, uid] { events_.Report(refusal, uid); });
  }};
  std::unique_ptr<DaemonClient> client_;
  Pusher pusher_;
  StatusBoard board_;
  WatcherMetrics metrics_{board_};
  std::vector<std::unique_ptr<ObjectFeed>> feeds_;
  std::vector<std::unique_ptr<Reflector>> reflectors_;
};

absl::Status Run(const WatcherConfig& config) {
  auto access =
      config.kubeconfig.empty() ? InClusterAccess(std::getenv) : ReadKubeconfig(config.kubeconfig);
  if (!access.ok()) return access.status();
  const std::string server = access->server;
  Watcher watcher(config, *std::move(access));
  std::unique_ptr<PageServer> status_server;
  if (!config.status_address.empty()) {
    auto started = StartStatusServer(config.status_address, watcher.board(), watcher.metrics());
    if (!started.ok()) return started.status();
    status_server = *std::move(started);
  }
  spdlog::info("sluice-watcher {} started: API {}, sluiced {}, status port {}", kVersion, server,
               config.sluiced, status_server ? status_server->port() : 0);
  std::thread loop([&] { watcher.RunLoop(); });
  std::thread pusher([&] { watcher.RunPusher(); });
  const int received = WaitForStopSignal();
  spdlog::info("signal {}: stopping", received);
  watcher.Stop();
  pusher.join();
  loop.join();
  return absl::OkStatus();
}

}  // namespace
}  // namespace sluice::control

int main(int argc, char** argv) {
  namespace control = sluice::control;
  const control::WatcherCommandLine command_line = control::ParseWatcherCommandLine(argc, argv);
  if (!command_line.config) return command_line.exit_code;
  control::BlockStopSignals();
  control::StartLogging("sluice-watcher", command_line.config->log_level);
  const absl::Status status = control::Run(*command_line.config);
  if (!status.ok()) {
    spdlog::critical("{}", std::string(status.message()));
    return 1;
  }
  spdlog::info("stopped");
  return 0;
}
