// A few read-only pages over HTTP: metrics, readiness, status. Plain; meant for the loopback
// address, or for a pod's own.
#pragma once

#include <absl/status/statusor.h>

#include <functional>
#include <map>
#include <memory>
#include <string>

namespace sluice::control {

struct Page {
  int code = 200;  // or 503
  std::string type = "text/plain; charset=utf-8";
  std::string body;
};

// What Prometheus takes for its text format.
inline constexpr char kMetricsType[] = "text/plain; version=0.0.4; charset=utf-8";

class PageServer {
 public:
  // Makes a page for each request. Called by the server's threads, at once.
  using Pages = std::map<std::string, std::function<Page()>>;  // by path: "/metrics"

  // Serves when it returns. `what` names the address in errors, which is HOST:PORT; port 0 is any.
  // Errors: InvalidArgument, Unavailable.
  static absl::StatusOr<std::unique_ptr<PageServer>> Start(const std::string& what,
                                                           const std::string& address, Pages pages);
  // Returns when no page is being made any more.
  ~PageServer();
  PageServer(const PageServer&) = delete;
  PageServer& operator=(const PageServer&) = delete;

  int port() const;

 private:
  struct Impl;
  explicit PageServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace sluice::control
