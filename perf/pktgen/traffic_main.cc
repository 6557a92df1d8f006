#include "perf/pktgen/traffic_main.h"

#include <fmt/core.h>
#include <unistd.h>

#include <map>

#include "dataplane/eal.h"
#include "perf/pktgen/line_reader.h"
#include "perf/pktgen/traffic_ports.h"
#include "perf/pktgen/traffic_session.h"

namespace sluice::pktgen {

struct TrafficOptions {
  TrafficPortsConfig ports;
  std::string from_mac = "02:00:00:00:01:01", to_mac = "02:00:00:00:01:02";
  int core = -1;
  dataplane::HugePages huge = dataplane::HugePages::kAuto;
  size_t memory_mb = 128;
  std::string file_prefix = fmt::format("sluice-traffic-{}", getpid());
  unsigned wait_seconds = 10;
};

namespace {

constexpr uint32_t kInputWaitUs = 100'000;
constexpr uint16_t kMostFrame = 9'014;  // without FCS

absl::Status ReadMac(const std::string& text, const char* flag, MacAddress& mac) {
  const absl::StatusOr<MacAddress> read = MacAddress::Parse(text);
  if (!read.ok()) {
    return absl::InvalidArgumentError(
        fmt::format("{}: {}", flag, std::string(read.status().message())));
  }
  mac = *read;
  return absl::OkStatus();
}

}  // namespace

TrafficMain::TrafficMain(CLI::App& app)
    : options_(std::make_unique<TrafficOptions>()),
      command_(app.add_subcommand("traffic",
                                  "as much traffic as a switch takes, from one port to another")) {
  TrafficOptions& options = *options_;
  const std::map<std::string, dataplane::HugePages> huge_words = {
      {"auto", dataplane::HugePages::kAuto},
      {"on", dataplane::HugePages::kOn},
      {"off", dataplane::HugePages::kOff}};
  command_->add_option("--from", options.ports.from, "socket of the port that sends")->required();
  command_->add_option("--to", options.ports.to, "socket of the port that receives")->required();
  command_->add_flag("--server", options.ports.server, "the sockets are ours; the switch connects");
  command_->add_option("--from-mac", options.from_mac, "of the sender");
  command_->add_option("--to-mac", options.to_mac, "of the receiver");
  command_->add_option("--virtio", options.ports.more, "arguments of both devices, as packed_vq=1");
  command_
      ->add_option("--frame-most", options.ports.frame_most, "longest frame, without FCS (1518)")
      ->check(CLI::Range(uint16_t{60}, kMostFrame));
  command_->add_flag("--tso", options.ports.tso, "have frames cut and summed by the peer");
  command_->add_option("--core", options.core, "CPU that polls (the first allowed one)");
  command_->add_option("--huge", options.huge, "huge pages: auto, on or off")
      ->transform(CLI::CheckedTransformer(huge_words));
  command_->add_option("--memory", options.memory_mb, "MB of DPDK's memory (128)");
  command_->add_option("--file-prefix", options.file_prefix, "DPDK's name for this process");
  command_->add_option("--wait", options.wait_seconds, "seconds for both links to come up (10)");
}

TrafficMain::~TrafficMain() = default;

absl::Status TrafficMain::Run(const JsonOutput& output, const std::atomic<bool>& stop) const {
  TrafficPortsConfig config = options_->ports;
  if (absl::Status good = ReadMac(options_->from_mac, "--from-mac", config.from_mac); !good.ok())
    return good;
  if (absl::Status good = ReadMac(options_->to_mac, "--to-mac", config.to_mac); !good.ok())
    return good;
  const auto eal = dataplane::Eal::Start({.file_prefix = options_->file_prefix,
                                          .huge_pages = options_->huge,
                                          .single_file_segments = true,
                                          .memory_mb = options_->memory_mb,
                                          .main_core = options_->core});
  if (!eal.ok()) return eal.status();
  const auto ports = TrafficPorts::Open(config, std::chrono::seconds(options_->wait_seconds), stop);
  if (stop) return absl::OkStatus();
  if (!ports.ok()) return ports.status();
  output.Write({{"event", "ready"}});
  TrafficSession session(config, **ports);
  LineReader reader(STDIN_FILENO);
  while (!stop && !session.quit() && !reader.ended()) {
    for (const std::string& line : reader.Read(kInputWaitUs)) {
      if (!session.quit()) output.Write(session.Answer(line, stop));
    }
  }
  return absl::OkStatus();
}

}  // namespace sluice::pktgen
