#include "perf/pktgen/commands.h"

#include <fmt/core.h>

#include <utility>

#include "perf/pktgen/probe_train.h"
#include "perf/pktgen/reach.h"
#include "perf/pktgen/reach_pairs.h"

namespace sluice::pktgen {
namespace {

constexpr uint64_t kMaxProbes = 1'000'000;
constexpr size_t kMaxDatagram = 1'400;  // fits a packet of either family
constexpr uint64_t kMaxFrameSize = 1'518;
constexpr uint64_t kMaxFlows = 50'000;
constexpr double kMaxSeconds = 3'600;

absl::Status Error(const std::string& message) { return absl::InvalidArgumentError(message); }

Json KindsAsJson(const KindCounts& counts) {
  Json object = Json::object();
  for (size_t i = 0; i < counts.size(); ++i) {
    object[FrameKindName(static_cast<FrameKind>(i))] = counts[i];
  }
  return object;
}

Json SourcesAsJson(const std::map<IpAddress, uint64_t>& sources) {
  Json object = Json::object();
  for (const auto& [address, count] : sources) object[address.ToString()] = count;
  return object;
}

Json CountersAsJson(const TrafficCounters& counters) {
  Json received = KindsAsJson(counters.received);
  received["malformed"] = counters.malformed;
  received["bad_checksum"] = counters.bad_checksum;
  received["misdirected"] = counters.misdirected;
  received["tcp_syn_from"] = SourcesAsJson(counters.tcp_syn_from);
  received["udp_from"] = SourcesAsJson(counters.udp_from);
  return {{"ok", true}, {"received", received}, {"sent", KindsAsJson(counters.sent)}};
}

}  // namespace

Commands::Commands(Pods pods, BlastFactory blast, Output output)
    : pods_(std::move(pods)), blast_(std::move(blast)), output_(std::move(output)) {}

void Commands::Write(const Json& id, const Json& fields) const {
  Json answer = {{"id", id}};
  answer.update(fields);
  output_(answer);
}

void Commands::Start(std::string_view line, uint64_t now_ns) {
  const Json command = Json::parse(line, nullptr, /*allow_exceptions=*/false);
  Json id;
  if (command.is_object() && command.contains("id")) id = command["id"];
  Outcome outcome = Run(command);
  if (!outcome.ok()) {
    Write(id, {{"ok", false}, {"error", std::string(outcome.status().message())}});
  } else if (const Json* answer = std::get_if<Json>(&*outcome)) {
    Write(id, *answer);
  } else {
    running_.push_back({id, std::get<std::unique_ptr<Operation>>(*std::move(outcome))});
    Step(now_ns);
  }
}

void Commands::Step(uint64_t now_ns) {
  for (size_t i = 0; i < running_.size();) {
    if (!running_[i].operation->Step(now_ns)) {
      ++i;
      continue;
    }
    const Running done = std::move(running_[i]);
    running_.erase(running_.begin() + static_cast<ptrdiff_t>(i));
    Write(done.id, done.operation->Answer());
  }
}

Commands::Outcome Commands::Run(const Json& command) {
  struct Entry {
    const char* name;
    Outcome (Commands::*run)(CommandFields&);
  };
  static constexpr Entry kEntries[] = {
      {"listen", &Commands::Listen},     {"connect", &Commands::Connect},
      {"send", &Commands::Send},         {"close", &Commands::Close},
      {"request", &Commands::Request},   {"ping", &Commands::Ping},
      {"counters", &Commands::Counters}, {"blast", &Commands::Blast},
      {"reach", &Commands::ReachAll},    {"quit", &Commands::Quit},
  };
  if (!command.is_object()) return Error("a command is a JSON object on a line");
  const auto name = command.find("cmd");
  if (name == command.end() || !name->is_string()) return Error("cmd: is missing");
  for (const Entry& entry : kEntries) {
    if (name->get<std::string>() != entry.name) continue;
    CommandFields fields(command, entry.name);
    return (this->*entry.run)(fields);
  }
  return Error(fmt::format("cmd: \"{}\" is unknown", name->get<std::string>()));
}

Commands::Outcome Commands::Listen(CommandFields& fields) {
  const std::string pod_name = fields.Text("pod");
  const bool udp = fields.Choice("protocol", {"tcp", "udp"}) == 1;
  const uint16_t port = fields.Port();
  if (absl::Status status = fields.Finish(); !status.ok()) return status;
  const absl::StatusOr<HostStack*> pod = FindPod(pods_, pod_name);
  if (!pod.ok()) return pod.status();
  const absl::Status status = (*pod)->Listen(udp ? Transport::kUdp : Transport::kTcp, port);
  if (!status.ok()) return status;
  return Json{{"ok", true}};
}

Commands::Outcome Commands::Connect(CommandFields& fields) {
  TcpExchange::Config config{.kept = &kept_};
  const std::string pod_name = fields.Text("pod");
  config.to = fields.Address("to");
  config.port = fields.Port();
  config.send = fields.Text("send", "");
  config.expect_bytes = fields.Number("expect_bytes", 1, UINT32_MAX, 1);
  config.timeout_ns = fields.Timeout();
  config.close = !fields.Flag("keep", false);
  if (absl::Status status = fields.Finish(); !status.ok()) return status;
  const absl::StatusOr<HostStack*> pod = FindSender(pods_, pod_name, config.to);
  if (!pod.ok()) return pod.status();
  config.stack = *pod;
  config.handle = config.close ? 0 : kept_.NewHandle();
  return std::make_unique<TcpExchange>(std::move(config));
}

Commands::Outcome Commands::Send(CommandFields& fields) {
  TcpExchange::Config config{.close = false, .kept = &kept_};
  config.handle = fields.Number("connection", 0, UINT64_MAX);
  config.send = fields.Text("send");
  config.expect_bytes = fields.Number("expect_bytes", 1, UINT32_MAX, 1);
  config.timeout_ns = fields.Timeout();
  if (absl::Status status = fields.Finish(); !status.ok()) return status;
  const std::optional<KeptConnections::Kept> kept = kept_.Take(config.handle);
  if (!kept) return Error(fmt::format("send: connection {} is not open", config.handle));
  config.stack = kept->stack;
  config.connection = kept->connection;
  return std::make_unique<TcpExchange>(std::move(config));
}

Commands::Outcome Commands::Close(CommandFields& fields) {
  const uint64_t handle = fields.Number("connection", 0, UINT64_MAX);
  const uint64_t timeout_ns = fields.Timeout();
  if (absl::Status status = fields.Finish(); !status.ok()) return status;
  const std::optional<KeptConnections::Kept> kept = kept_.Take(handle);
  if (!kept) return Error(fmt::format("close: connection {} is not open", handle));
  return std::make_unique<TcpExchange>(TcpExchange::Config{
      .stack = kept->stack, .connection = kept->connection, .timeout_ns = timeout_ns});
}

Commands::Outcome Commands::Probe(CommandFields& fields, bool echo) {
  ProbeTrain::Config config{.kind = echo ? ProbeTrain::Kind::kEcho : ProbeTrain::Kind::kUdp};
  const std::string pod_name = fields.Text("pod");
  config.to = fields.Address("to");
  if (!echo) config.port = fields.Port();
  if (!echo) config.send = fields.Text("send", "request");
  config.count = fields.Number("count", 1, kMaxProbes, 1);
  config.timeout_ns = fields.Timeout();
  if (absl::Status status = fields.Finish(); !status.ok()) return status;
  if (config.send.size() > kMaxDatagram) {
    return Error(fmt::format("request: send: is longer than {} bytes", kMaxDatagram));
  }
  const absl::StatusOr<HostStack*> pod = FindSender(pods_, pod_name, config.to);
  if (!pod.ok()) return pod.status();
  config.stack = *pod;
  return std::make_unique<ProbeTrain>(std::move(config));
}

Commands::Outcome Commands::Request(CommandFields& fields) { return Probe(fields, false); }

Commands::Outcome Commands::Ping(CommandFields& fields) { return Probe(fields, true); }

Commands::Outcome Commands::Counters(CommandFields& fields) {
  const std::string pod_name = fields.Text("pod");
  if (absl::Status status = fields.Finish(); !status.ok()) return status;
  const absl::StatusOr<HostStack*> pod = FindPod(pods_, pod_name);
  if (!pod.ok()) return pod.status();
  return CountersAsJson((*pod)->counters());
}

Commands::Outcome Commands::Blast(CommandFields& fields) {
  BlastRequest request;
  const std::string pod_name = fields.Text("pod");
  request.address = fields.Address("to");
  request.port = fields.Port();
  request.size = fields.Number("size", 64, kMaxFrameSize, 64);
  request.seconds = fields.Real("seconds", 0, kMaxSeconds);
  request.rate_pps = fields.Number("rate_pps", 0, UINT32_MAX, 0);
  request.flows = fields.Number("flows", 1, kMaxFlows, 1);
  request.latency = fields.Flag("latency", false);
  if (absl::Status status = fields.Finish(); !status.ok()) return status;
  const absl::StatusOr<HostStack*> from = FindPod(pods_, pod_name);
  if (!from.ok()) return from.status();
  request.from = *from;
  for (const auto& [name, pod] : pods_) {
    if (pod->IsOwn(request.address)) request.to = pod;
  }
  if (request.to == nullptr || request.to == request.from) {
    return Error(fmt::format("blast: to: {} is not another pod of this process",
                             request.address.ToString()));
  }
  absl::StatusOr<std::unique_ptr<Operation>> operation = blast_(request);
  if (!operation.ok()) return operation.status();
  return *std::move(operation);
}

Commands::Outcome Commands::ReachAll(CommandFields& fields) {
  const Json& from = fields.List("from");
  const Json& to = fields.List("to");
  const uint64_t timeout_ns = fields.Timeout();
  if (absl::Status status = fields.Finish(); !status.ok()) return status;
  absl::StatusOr<std::vector<Reach::Pair>> pairs = ReadReachPairs(from, to, timeout_ns, pods_);
  if (!pairs.ok()) return pairs.status();
  return std::make_unique<Reach>(*std::move(pairs));
}

Commands::Outcome Commands::Quit(CommandFields& fields) {
  if (absl::Status status = fields.Finish(); !status.ok()) return status;
  quit_ = true;
  return Json{{"ok", true}};
}

}  // namespace sluice::pktgen
