#include "control/watcher/status_server.h"

#include <CivetServer.h>
#include <fmt/format.h>
#include <prometheus/text_serializer.h>

#include <functional>
#include <utility>
#include <vector>

namespace sluice::control {
namespace {

struct Answer {
  int code = 200;
  const char* type = "text/plain; charset=utf-8";
  std::string body;
};

class Page : public CivetHandler {
 public:
  explicit Page(std::function<Answer()> answer) : answer_(std::move(answer)) {}

  bool handleGet(CivetServer*, mg_connection* connection) override {
    const Answer answer = answer_();
    mg_printf(connection,
              "HTTP/1.1 %d %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n"
              "Connection: close\r\n\r\n",
              answer.code, answer.code == 200 ? "OK" : "Service Unavailable", answer.type,
              answer.body.size());
    mg_write(connection, answer.body.data(), answer.body.size());
    return true;
  }

 private:
  const std::function<Answer()> answer_;
};

Answer Readiness(const StatusReport& report) {
  Answer answer;
  answer.code = report.not_ready.empty() ? 200 : 503;
  if (report.not_ready.empty()) answer.body = "ready\n";
  for (const std::string& reason : report.not_ready) answer.body += reason + "\n";
  return answer;
}

}  // namespace

struct StatusServer::Impl {
  // Whatever a server sent is shown, be it text or not.
  static std::string Text(const nlohmann::json& value) {
    return value.dump(1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
  }

  Impl(const std::string& address, const StatusBoard& board, const WatcherMetrics& metrics)
      : metrics_page([&metrics] {
          return Answer{200, "text/plain; version=0.0.4; charset=utf-8",
                        prometheus::TextSerializer().Serialize(metrics.Collect())};
        }),
        readiness_page([&board] { return Readiness(board.Report()); }),
        status_page([&board] {
          return Answer{200, "application/json", Text(ToJson(board.Report()))};
        }),
        server(std::vector<std::string>{"listening_ports", address, "num_threads", "2"}) {
    server.addHandler("/metrics", metrics_page);
    server.addHandler("/readyz", readiness_page);
    server.addHandler("/status", status_page);
  }

  Page metrics_page, readiness_page, status_page;
  CivetServer server;  // last: it stops before what its pages look at goes
};

StatusServer::StatusServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
StatusServer::~StatusServer() = default;

absl::StatusOr<std::unique_ptr<StatusServer>> StatusServer::Start(const std::string& address,
                                                                  const StatusBoard& board,
                                                                  const WatcherMetrics& metrics) {
  if (address.find(':') == std::string::npos) {
    return absl::InvalidArgumentError(fmt::format("status address {}: must be HOST:PORT", address));
  }
  try {
    auto impl = std::make_unique<Impl>(address, board, metrics);
    return std::unique_ptr<StatusServer>(new StatusServer(std::move(impl)));
  } catch (const CivetException& error) {
    return absl::UnavailableError(
        fmt::format("status address {}: cannot listen: {}", address, error.what()));
  }
}

int StatusServer::port() const { return impl_->server.getListeningPorts().front(); }

}  // namespace sluice::control
