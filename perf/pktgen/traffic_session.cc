#include "perf/pktgen/traffic_session.h"

#include <fmt/core.h>

#include "perf/pktgen/command_fields.h"
#include "perf/pktgen/traffic_run.h"
#include "perf/pktgen/traffic_search.h"
#include "perf/pktgen/traffic_tcp.h"

namespace sluice::pktgen {

Json TrafficSession::Answer(std::string_view line, const std::atomic<bool>& stop) {
  const Json command = Json::parse(line, nullptr, /*allow_exceptions=*/false);
  if (!command.is_object()) return {{"ok", false}, {"error", "not a JSON object"}};
  Json answer = Json::object();
  if (command.contains("id")) answer["id"] = command["id"];
  const absl::StatusOr<Json> carried = Carry(command, stop);
  if (carried.ok()) {
    answer.update(*carried);
  } else {
    answer["ok"] = false;
    answer["error"] = std::string(carried.status().message());
  }
  return answer;
}

absl::StatusOr<Json> TrafficSession::Carry(const Json& command, const std::atomic<bool>& stop) {
  const std::string name = CommandFields(command, "command").Text("cmd", "");
  if (name == "quit") {
    quit_ = true;
    return Json{{"ok", true}};
  }
  CommandFields fields(command, name);
  if (name != "run" && name != "search" && name != "open" && name != "exchange") {
    return absl::InvalidArgumentError(fmt::format("cmd: \"{}\" is unknown", name));
  }
  const absl::StatusOr<TrafficRequest> request =
      ReadTrafficRequest(fields, config_.from_mac, config_.to_mac, ports_.frame_most());
  if (!request.ok()) return request.status();
  if (name == "run") return Run(*request, stop);
  if (name == "search") return Search(*request, stop);
  if (request->space.protocol != TrafficProtocol::kTcp) {
    return absl::InvalidArgumentError(fmt::format("{}: protocol: only TCP has connections", name));
  }
  return Tcp(*request, name == "open", stop);
}

Json TrafficSession::Run(const TrafficRequest& request, const std::atomic<bool>& stop) {
  TrafficRun run(request, ports_, next_new_);
  run.Run(stop);
  next_new_ = run.next_new();
  return run.Answer();
}

Json TrafficSession::Search(const TrafficRequest& request, const std::atomic<bool>& stop) {
  const auto run_at = [&](double rate_pps) {
    TrafficRequest paced = request;
    paced.rate_pps = static_cast<uint64_t>(rate_pps);
    if (rate_pps > 0) paced.window = 0;
    TrafficRun run(paced, ports_, next_new_);
    run.Run(stop);
    next_new_ = run.next_new();
    return TrafficTrial{.rate_pps = run.sent_pps(), .loss = run.loss()};
  };
  const double most = run_at(0).rate_pps;
  const TrafficSearch search{.most_pps = most, .loss = request.loss, .trial = run_at};
  const TrafficSearch::Found found = search.Run();
  return {{"ok", found.best.rate_pps > 0},
          {"mpps", found.best.rate_pps / 1e6},
          {"loss", found.best.loss},
          {"trials", found.trials},
          {"most_mpps", most / 1e6}};
}

Json TrafficSession::Tcp(const TrafficRequest& request, bool open_only,
                         const std::atomic<bool>& stop) {
  TrafficTcp tcp(request, open_only, ports_, next_new_);
  tcp.Run(stop);
  if (!open_only) next_new_ = tcp.next_new();
  return tcp.Answer();
}

}  // namespace sluice::pktgen
