// sluicectl get: what the daemon holds.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <map>
#include <memory>

#include "control/ctl/client.h"
#include "control/ctl/command.h"
#include "control/ctl/listing.h"
#include "control/ctl/output.h"
#include "control/ctl/policy_row.h"
#include "sluice/v1/diagnostics.grpc.pb.h"
#include "sluice/v1/policy.grpc.pb.h"
#include "sluice/v1/port.grpc.pb.h"

namespace sluice::ctl {
namespace {

struct GetArguments {
  std::string namespace_name;  // empty: all
  uint32_t limit = 0;          // connections; 0: the daemon's own
};

// One kind's table of a List answer.
struct ListView {
  const char* command;
  const char* text;
  const char* kind;
  std::vector<std::string> headers;
  std::vector<std::string> (*row)(const v1::ListedObject& listed);
};

const std::vector<ListView>& ListViews() {
  static const std::vector<ListView> views = {
      {"endpoints",
       "pods and VMs as policies know them",
       "Endpoint",
       {"NAMESPACE", "NAME", "ADDRESSES", "NODE", "LABELS", "SOURCE"},
       [](const v1::ListedObject& listed) -> std::vector<std::string> {
         const v1::Endpoint& endpoint = listed.object().endpoint();
         return {endpoint.namespace_(),         endpoint.name(),
                 Join(endpoint.addresses()),    endpoint.node(),
                 JoinLabels(endpoint.labels()), listed.source()};
       }},
      {"policies", "policies of every kind", "Policy", PolicyHeaders(), PolicyRow},
      {"nodes",
       "nodes as policies know them",
       "Node",
       {"NAME", "ADDRESSES", "LABELS", "SOURCE"},
       [](const v1::ListedObject& listed) -> std::vector<std::string> {
         const v1::Node& node = listed.object().node();
         return {node.name(), Join(node.addresses()), JoinLabels(node.labels()), listed.source()};
       }},
      {"namespaces",
       "namespaces and their labels",
       "Namespace",
       {"NAME", "LABELS", "SOURCE"},
       [](const v1::ListedObject& listed) -> std::vector<std::string> {
         const v1::Namespace& ns = listed.object().namespace_();
         return {ns.name(), JoinLabels(ns.labels()), listed.source()};
       }},
  };
  return views;
}

ExitCode GetObjects(const GlobalOptions& options, const ListView& view,
                    const GetArguments& arguments) {
  v1::ListRequest request;
  request.set_kind(view.kind);
  request.set_namespace_(arguments.namespace_name);
  v1::ListResponse response;
  const absl::Status status =
      Call<v1::PolicyService>(options.server, &v1::PolicyService::Stub::List, request, &response);
  if (!status.ok()) return Report(status, kRefused);
  if (options.json()) {
    PrintJson(response);
    return kOk;
  }
  Table table(view.headers);
  for (const v1::ListedObject& listed : response.objects()) table.Add(view.row(listed));
  table.Print();
  return kOk;
}

ExitCode GetConnections(const GlobalOptions& options, const GetArguments& arguments) {
  v1::ListConnectionsRequest request;
  request.set_limit(arguments.limit);
  v1::ListConnectionsResponse response;
  const absl::Status status = Call<v1::DiagnosticsService>(
      options.server, &v1::DiagnosticsService::Stub::ListConnections, request, &response);
  if (!status.ok()) return Report(status, kRefused);
  if (options.json()) {
    PrintJson(response);
    return kOk;
  }
  Table table({"NETWORK", "PROTOCOL", "INITIATOR", "PORT", "BEHIND", "RESPONDER", "PORT", "BEHIND",
               "STATE", "VERDICT", "IDLE"});
  for (const v1::Connection& c : response.connections()) {
    table.Add({c.network(), c.protocol(), c.initiator(), fmt::to_string(c.initiator_port()),
               c.initiator_subject(), c.responder(), fmt::to_string(c.responder_port()),
               c.responder_subject(), c.state(), c.stale() ? "stale" : "fresh",
               fmt::format("{:.1f}s", c.idle_seconds())});
  }
  table.Print();
  if (static_cast<uint32_t>(response.connections_size()) < response.total()) {
    fmt::print("{} of {} connections (--limit)\n", response.connections_size(), response.total());
  }
  return kOk;
}

ExitCode GetClasses(const GlobalOptions& options, const GetArguments&) {
  v1::ListClassesResponse response;
  const absl::Status status =
      Call<v1::DiagnosticsService>(options.server, &v1::DiagnosticsService::Stub::ListClasses,
                                   v1::ListClassesRequest(), &response);
  if (!status.ok()) return Report(status, kRefused);
  if (options.json()) {
    PrintJson(response);
    return kOk;
  }
  Table table({"CLASS", "ADDRESSES", "MATCHES"});
  for (const v1::PolicyClass& c : response.classes()) {
    table.Add({fmt::to_string(c.id()), fmt::to_string(c.endpoint_addresses()),
               fmt::format("{}", fmt::join(c.selectors(), "; "))});
  }
  table.Print();
  return kOk;
}

std::vector<std::string> PortRow(const v1::PortStatus& port) {
  const v1::PortSpec& spec = port.spec();
  const std::string pod =
      spec.pod_name().empty() ? "" : fmt::format("{}/{}", spec.pod_namespace(), spec.pod_name());
  return {fmt::to_string(port.id()),
          spec.name(),
          spec.kind(),
          spec.role(),
          spec.network(),
          pod,
          spec.mac(),
          Join(spec.addresses()),
          port.link_up() ? "up" : "down",
          port.subject(),
          fmt::to_string(port.rx_packets()),
          fmt::to_string(port.tx_packets()),
          fmt::to_string(port.drops())};
}

}  // namespace

ExitCode ListPorts(const GlobalOptions& options) {
  v1::ListPortsResponse response;
  const absl::Status status = Call<v1::PortService>(
      options.server, &v1::PortService::Stub::ListPorts, v1::ListPortsRequest(), &response);
  if (!status.ok()) return Report(status, kRefused);
  if (options.json()) {
    PrintJson(response);
    return kOk;
  }
  Table table({"ID", "NAME", "KIND", "ROLE", "NETWORK", "POD", "MAC", "ADDRESSES", "LINK",
               "SUBJECT", "RX", "TX", "DROPS"});
  for (const v1::PortStatus& port : response.ports()) table.Add(PortRow(port));
  table.Print();
  return kOk;
}

void AddGet(CLI::App& app, const GlobalOptions& options, ExitCode* exit_code) {
  CLI::App* get = app.add_subcommand("get", "list what the daemon holds");
  get->require_subcommand(1);
  auto arguments = std::make_shared<GetArguments>();

  for (const ListView& view : ListViews()) {
    CLI::App* command = get->add_subcommand(view.command, view.text);
    command->add_option("-n,--namespace", arguments->namespace_name, "only of this namespace");
    command->callback([=, &options, &view] { *exit_code = GetObjects(options, view, *arguments); });
  }
  CLI::App* ports = get->add_subcommand("ports", "ports with their counters");
  ports->callback([=, &options] { *exit_code = ListPorts(options); });
  CLI::App* connections = get->add_subcommand("connections", "tracked connections");
  connections->add_option("--limit", arguments->limit, "at most so many; 0 is 1000");
  connections->callback([=, &options] { *exit_code = GetConnections(options, *arguments); });
  CLI::App* classes = get->add_subcommand("classes", "what the tries know of peers");
  classes->callback([=, &options] { *exit_code = GetClasses(options, *arguments); });
}

}  // namespace sluice::ctl
