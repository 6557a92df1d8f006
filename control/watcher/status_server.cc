#include "control/watcher/status_server.h"

#include <prometheus/text_serializer.h>

#include <nlohmann/json.hpp>
#include <string>

namespace sluice::control {
namespace {

// Whatever a server sent is shown, be it text or not.
std::string Text(const nlohmann::json& value) {
  return value.dump(1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

Page Readiness(const StatusReport& report) {
  Page page;
  page.code = report.not_ready.empty() ? 200 : 503;
  if (report.not_ready.empty()) page.body = "ready\n";
  for (const std::string& reason : report.not_ready) page.body += reason + "\n";
  return page;
}

}  // namespace

absl::StatusOr<std::unique_ptr<PageServer>> StartStatusServer(const std::string& address,
                                                              const StatusBoard& board,
                                                              const WatcherMetrics& metrics) {
  PageServer::Pages pages;
  pages["/metrics"] = [&metrics] {
    return Page{200, kMetricsType, prometheus::TextSerializer().Serialize(metrics.Collect())};
  };
  pages["/readyz"] = [&board] { return Readiness(board.Report()); };
  pages["/status"] = [&board] {
    return Page{200, "application/json", Text(ToJson(board.Report()))};
  };
  return PageServer::Start("status address", address, std::move(pages));
}

}  // namespace sluice::control
