// sluice-pktgen: plays pods over virtio-user ports. Its interface is in README.md beside this file.
#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <atomic>
#include <chrono>
#include <csignal>
#include <fstream>
#include <map>
#include <random>
#include <sstream>

#include "dataplane/eal.h"
#include "perf/pktgen/session.h"
#include "perf/pktgen/traffic_main.h"

namespace sluice::pktgen {
namespace {

struct Options {
  std::string pods;
  int core = -1;
  dataplane::HugePages huge = dataplane::HugePages::kAuto;
  std::string file_prefix = fmt::format("sluice-pktgen-{}", getpid());
  std::string script;
  unsigned wait_seconds = 10;
  uint64_t seed = std::random_device{}();
};

std::atomic<bool> stop{false};

void Stop(int) { stop = true; }

absl::StatusOr<std::string> ReadFile(const std::string& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  if (file && text) return text.str();
  return absl::NotFoundError(fmt::format("{}: cannot be read", path));
}

absl::Status Run(const Options& options, const JsonOutput& output) {
  if (options.pods.empty()) return absl::InvalidArgumentError("--pods: is missing");
  const absl::StatusOr<std::string> text = ReadFile(options.pods);
  if (!text.ok()) return text.status();
  const absl::StatusOr<std::vector<PodSpec>> specs = ParsePods(*text);
  if (!specs.ok()) return specs.status();
  const int input = options.script.empty() ? STDIN_FILENO : open(options.script.c_str(), O_RDONLY);
  if (input < 0) return absl::NotFoundError(fmt::format("{}: cannot be read", options.script));

  const auto eal = dataplane::Eal::Start({.file_prefix = options.file_prefix,
                                          .huge_pages = options.huge,
                                          .single_file_segments = true,
                                          .main_core = options.core});
  if (!eal.ok()) return eal.status();
  fmt::print(stderr, "sluice-pktgen: seed {}, huge pages {}\n", options.seed,
             (*eal)->huge_pages() ? "on" : "off");
  const auto session =
      Session::Open(*specs, options.seed, std::chrono::seconds(options.wait_seconds), stop);
  if (stop) return absl::OkStatus();
  if (!session.ok()) return session.status();
  output.Write({{"event", "ready"}});
  LineReader reader(input);
  (*session)->Run(reader, !options.script.empty(), output, stop);
  return absl::OkStatus();
}

void AddOptions(CLI::App& app, Options& options) {
  const std::map<std::string, dataplane::HugePages> huge_words = {
      {"auto", dataplane::HugePages::kAuto},
      {"on", dataplane::HugePages::kOn},
      {"off", dataplane::HugePages::kOff}};
  app.add_option("--pods", options.pods, "JSON file with the pods to play");
  app.add_option("--core", options.core, "CPU that polls (the first allowed one)");
  app.add_option("--huge", options.huge, "huge pages: auto, on or off")
      ->transform(CLI::CheckedTransformer(huge_words));
  app.add_option("--file-prefix", options.file_prefix, "DPDK's name for this process");
  app.add_option("--script", options.script, "commands, one after the other, instead of stdin");
  app.add_option("--wait", options.wait_seconds, "seconds for all links to come up (10)");
  app.add_option("--seed", options.seed, "of sequence numbers and local ports");
}

int Main(int argc, char** argv) {
  Options options;
  CLI::App app("Plays pods over virtio-user ports: JSON commands in, JSON answers out");
  AddOptions(app, options);
  const TrafficMain traffic(app);
  CLI11_PARSE(app, argc, argv);

  // Standard output is for answers alone, whatever a library prints.
  std::FILE* answers = fdopen(dup(STDOUT_FILENO), "w");
  dup2(STDERR_FILENO, STDOUT_FILENO);
  const JsonOutput output(answers);
  std::signal(SIGTERM, Stop);
  std::signal(SIGINT, Stop);
  std::signal(SIGPIPE, SIG_IGN);

  const absl::Status status = traffic.chosen() ? traffic.Run(output, stop) : Run(options, output);
  if (status.ok()) return 0;
  output.Write({{"event", "error"}, {"message", std::string(status.message())}});
  return 1;
}

}  // namespace
}  // namespace sluice::pktgen

int main(int argc, char** argv) { return sluice::pktgen::Main(argc, argv); }
