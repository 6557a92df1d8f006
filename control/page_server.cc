#include "control/page_server.h"

#include <CivetServer.h>
#include <fmt/format.h>

#include <array>
#include <chrono>
#include <future>
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

// Of "HOST:PORT", to connect to.
std::string HostOf(const std::string& address) {
  const std::string host = address.substr(0, address.rfind(':'));
  return host.empty() ? "localhost" : host;
}

}  // namespace

struct PageServer::Impl {
  Impl(const std::string& address, Pages pages)
      : host(HostOf(address)),
        server(std::vector<std::string>{"listening_ports", address, "num_threads", "2"}) {
    for (auto& [path, make] : pages) {
      server.addHandler(path, handlers.emplace_back(std::move(make)));
    }
  }

  // CivetWeb looks whether it is to end after each connection, and every 2 s.
  void Close() {
    constexpr std::chrono::milliseconds kAgain{10};  // the first may come before it is to end
    const int port = server.getListeningPorts().front();
    const auto closed = std::async(std::launch::async, [this] { server.close(); });
    do {
      std::array<char, 128> error{};
      mg_connection* connection =
          mg_connect_client(host.c_str(), port, 0, error.data(), error.size());
      if (connection != nullptr) mg_close_connection(connection);
    } while (closed.wait_for(kAgain) != std::future_status::ready);
  }

  const std::string host;
  std::list<Handler> handlers;
  CivetServer server;  // last: it stops before its handlers go
};

PageServer::PageServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
PageServer::~PageServer() { impl_->Close(); }

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
