// sluicectl capture: packets with what became of them, as pcapng.
#include <fmt/format.h>
#include <unistd.h>

#include <csignal>
#include <memory>

#include "control/ctl/capture_file.h"
#include "control/ctl/client.h"
#include "control/ctl/command.h"
#include "control/ctl/output.h"
#include "sluice/v1/diagnostics.grpc.pb.h"

namespace sluice::ctl {
namespace {

volatile std::sig_atomic_t interrupted = 0;

struct CaptureArguments {
  std::string file;
  std::string port, direction, connection;
  std::string reason;
  CLI::Option* dropped = nullptr;
  uint32_t snaplen = 262'144;
  uint64_t count = 10'000;
  double seconds = 60;
  uint32_t buffer_kib = 4096;
};

v1::CaptureRequest RequestOf(const CaptureArguments& arguments) {
  v1::CaptureRequest request;
  request.set_port(arguments.port);
  request.set_direction(arguments.direction);
  request.set_connection(arguments.connection);
  request.set_dropped(arguments.dropped->count() > 0);
  request.set_reason(arguments.reason);
  request.set_snaplen(arguments.snaplen);
  request.set_count(arguments.count);
  request.set_duration_seconds(arguments.seconds);
  request.set_buffer_kib(arguments.buffer_kib);
  return request;
}

// Whoever interrupts a capture gets a file that is whole. The daemon says something several times a
// second, so nobody waits for long.
void CatchInterrupts() {
  struct sigaction action {};
  action.sa_handler = [](int) { interrupted = 1; };
  for (const int signal : {SIGINT, SIGTERM}) sigaction(signal, &action, nullptr);
}

absl::Status PrintPackets(const v1::CaptureResponse& message) {
  for (const v1::CapturedPacket& packet : message.packets()) PrintJsonLine(packet);
  for (const v1::CaptureLoss& loss : message.losses()) PrintJsonLine(loss);
  return absl::OkStatus();
}

void PrintSummary(const CaptureFile& file) {
  fmt::print(stderr, "{} packets captured\n", file.captured());
  if (file.lost() == 0) return;
  fmt::print(stderr, "{} packets more matched and were not captured: the buffer was full\n",
             file.lost());
}

ExitCode Capture(const GlobalOptions& options, const CaptureArguments& arguments) {
  const bool to_stdout = arguments.file.empty() || arguments.file == "-";
  if (to_stdout && !options.json() && isatty(STDOUT_FILENO) != 0) {
    return Report(absl::InvalidArgumentError(
                      "capture: a terminal does not show pcapng: name a file with -w, or a pipe"),
                  kBadInput);
  }
  CaptureFile file(to_stdout ? "-" : arguments.file, arguments.snaplen);
  absl::Status written;
  CatchInterrupts();
  absl::Status status = Listen<v1::DiagnosticsService>(
      options.server, &v1::DiagnosticsService::Stub::Capture, RequestOf(arguments),
      [&](const v1::CaptureResponse& message) {
        written = options.json() ? PrintPackets(message) : file.Take(message);
        return written.ok() && interrupted == 0;
      });
  if (written.ok()) written = file.Finish();
  if (status.ok()) status = written;
  if (!status.ok()) return Report(status, absl::IsInvalidArgument(status) ? kBadInput : kRefused);
  if (!options.json()) PrintSummary(file);
  return kOk;
}

void AddFilters(CLI::App& command, CaptureArguments& arguments) {
  command.add_option("--port", arguments.port,
                     "only what entered by this port, left by it, or died on its way there");
  command.add_option("--direction", arguments.direction, "of the port: only what entered, or left")
      ->check(CLI::IsMember({"in", "out"}));
  command.add_option("--connection", arguments.connection,
                     "only this one, either way round: 'tcp 10.0.0.1:1234 > default/web:80', "
                     "'icmp A > B', 'proto 47 A > B'; port 0: any");
  arguments.dropped = command
                          .add_option("--dropped", arguments.reason,
                                      "only what died, or died of this reason: see drops")
                          ->expected(0, 1);
}

}  // namespace

void AddCapture(CLI::App& app, const GlobalOptions& options, ExitCode* exit_code) {
  auto arguments = std::make_shared<CaptureArguments>();
  CLI::App* command = app.add_subcommand(
      "capture", "packets as pcapng, with what became of each and by which policy as its comment");
  command->add_option("-w,--write", arguments->file, "file to write; - or none: stdout, a pipe");
  AddFilters(*command, *arguments);
  command->add_option("--count", arguments->count, "end after so many packets")
      ->check(CLI::Range(uint64_t{1}, uint64_t{100'000'000}))
      ->capture_default_str();
  command->add_option("--duration", arguments->seconds, "end after so many seconds")
      ->check(CLI::Range(0.1, 86'400.0))
      ->capture_default_str();
  command->add_option("--snaplen", arguments->snaplen, "bytes of each frame that are kept")
      ->check(CLI::Range(1u, 262'144u))
      ->capture_default_str();
  command
      ->add_option("--buffer", arguments->buffer_kib,
                   "KiB, of each worker, for packets that wait to be written")
      ->check(CLI::Range(64u, 262'144u))
      ->capture_default_str();
  command->callback([=, &options] { *exit_code = Capture(options, *arguments); });
}

}  // namespace sluice::ctl
