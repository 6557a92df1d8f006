#include "control/page_server.h"

#include <CivetServer.h>
#include <fmt/format.h>

#include <list>
#include <utility>
#include <vector>

namespace sluice::control {
namespace {

class Handler : public CivetHandler {
 public:
  explicit Handler(std::function<Page()> make) : make_(std::move(make)) {}

  bool handleGet(CivetServer*, mg_connection* connection) override {
    const Page page = make_();
    mg_printf(connection,
              "HTTP/1.1 %d %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n"
              "Connection: close\r\n\r\n",
              page.code, page.code == 200 ? "OK" : "Service Unavailable", page.type.c_str(),
              page.body.size());
    mg_write(connection, page.body.data(), page.body.size());
    return true;
  }

 private:
  const std::function<Page()> make_;
};

}  // namespace

struct PageServer::Impl {
  Impl(const std::string& address, Pages pages)
      : server(std::vector<std::string>{"listening_ports", address, "num_threads", "2"}) {
    for (auto& [path, make] : pages) {
      server.addHandler(path, handlers.emplace_back(std::move(make)));
    }
  }

  std::list<Handler> handlers;
  CivetServer server;  // last: it stops before its handlers go
};

PageServer::PageServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
PageServer::~PageServer() = default;

absl::StatusOr<std::unique_ptr<PageServer>> PageServer::Start(const std::string& what,
                                                              const std::string& address,
                                                              Pages pages) {
  if (address.find(':') == std::string::npos) {
    return absl::InvalidArgumentError(fmt::format("{} {}: must be HOST:PORT", what, address));
  }
  try {
    return std::unique_ptr<PageServer>(
        new PageServer(std::make_unique<Impl>(address, std::move(pages))));
  } catch (const CivetException& error) {
    return absl::UnavailableError(
        fmt::format("{} {}: cannot listen: {}", what, address, error.what()));
  }
}

int PageServer::port() const { return impl_->server.getListeningPorts().front(); }

}  // namespace sluice::control
