// sluicectl explain: what the tries in force say of a new connection.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <memory>
#include <optional>

#include "control/ctl/client.h"
#include "control/ctl/command.h"
#include "control/ctl/output.h"
#include "sluice/v1/diagnostics.grpc.pb.h"

namespace sluice::ctl {
namespace {

struct ExplainArguments {
  std::string from;
  std::string to;
  std::string service;  // "tcp/80", "icmp"
  uint32_t family = 0;
  std::string network;
  std::string server_name, http, dns_name;
};

// "GET a.test/b" -> the request's parts.
void WriteRequest(const std::string& text, v1::HttpRequest* out) {
  const size_t blank = text.find(' ');
  const size_t host = blank == std::string::npos ? 0 : blank + 1;
  const size_t path = std::min(text.find('/', host), text.size());
  out->set_method(text.substr(0, host == 0 ? 0 : blank));
  out->set_host(text.substr(host, path - host));
  out->set_path(text.substr(path));
}

std::optional<v1::ExplainRequest> ToRequest(const ExplainArguments& arguments) {
  v1::ExplainRequest request;
  request.set_from(arguments.from);
  request.set_to(arguments.to);
  request.set_family(arguments.family);
  request.set_network(arguments.network);
  if (!arguments.server_name.empty()) request.set_server_name(arguments.server_name);
  if (!arguments.http.empty()) WriteRequest(arguments.http, request.mutable_http());
  if (!arguments.dns_name.empty()) request.set_dns_name(arguments.dns_name);
  const size_t slash = arguments.service.find('/');
  request.set_protocol(arguments.service.substr(0, slash));
  if (slash == std::string::npos) return request;
  const std::string digits = arguments.service.substr(slash + 1);
  uint16_t port = 0;
  const char* end = digits.data() + digits.size();
  const auto [stop, error] = std::from_chars(digits.data(), end, port);
  if (error != std::errc() || stop != end || port == 0) return std::nullopt;
  request.set_port(port);
  return request;
}

std::vector<std::string> Row(const char* direction, bool judged, const v1::SideVerdict& side) {
  if (!judged) return {direction, "not judged here", "", "", "", ""};
  return {direction,
          side.reject() ? "reject" : side.conditional() ? "content decides" : side.verdict(),
          side.tier(),
          fmt::format("{}", fmt::join(side.policies(), ",")),
          side.rule(),
          side.nearest().text()};
}

ExitCode Explain(const GlobalOptions& options, const ExplainArguments& arguments) {
  const std::optional<v1::ExplainRequest> request = ToRequest(arguments);
  if (!request) {
    return Report(
        absl::InvalidArgumentError(fmt::format(
            "explain: {} is not PROTOCOL/PORT (tcp/80, udp/53, icmp)", arguments.service)),
        kBadInput);
  }
  v1::ExplainResponse response;
  const absl::Status status = Call<v1::DiagnosticsService>(
      options.server, &v1::DiagnosticsService::Stub::Explain, *request, &response);
  if (!status.ok()) return Report(status, kRefused);
  if (options.json()) {
    PrintJson(response);
    return kOk;
  }
  fmt::print("{} (epoch {})\n", response.verdict(), response.epoch());
  Table table({"DIRECTION", "VERDICT", "TIER", "POLICY", "RULE", "NEAREST"});
  table.Add(Row("egress", response.has_egress(), response.egress()));
  table.Add(Row("ingress", response.has_ingress(), response.ingress()));
  table.Print();
  return kOk;
}

}  // namespace

void AddExplain(CLI::App& app, const GlobalOptions& options, ExitCode* exit_code) {
  auto arguments = std::make_shared<ExplainArguments>();
  CLI::App* command = app.add_subcommand("explain", "which policies decide on a new connection");
  command->add_option("FROM", arguments->from, "NAMESPACE/POD or an address")->required();
  command->add_option("TO", arguments->to, "NAMESPACE/POD or an address")->required();
  command->add_option("PROTOCOL/PORT", arguments->service, "tcp/80, udp/53, sctp/36412, icmp")
      ->required();
  command->add_option("--family", arguments->family, "4 or 6; the first that both have if absent")
      ->check(CLI::IsMember({4, 6}));
  command->add_option("--network", arguments->network, "default if absent");
  auto* name = command->add_option("--server-name", arguments->server_name,
                                   "of the TLS ClientHello that the connection begins with");
  auto* http =
      command
          ->add_option("--http", arguments->http,
                       "\"METHOD HOST/PATH\" of the request that the connection begins with")
          ->excludes(name);
  command->add_option("--dns-name", arguments->dns_name, "that a DNS query in UDP asks for")
      ->excludes(name)
      ->excludes(http);
  command->callback([=, &options] { *exit_code = Explain(options, *arguments); });
}

}  // namespace sluice::ctl
