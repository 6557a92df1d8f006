// sluicectl network add, del, list, macs.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <memory>

#include "control/ctl/client.h"
#include "control/ctl/command.h"
#include "control/ctl/output.h"
#include "dataplane/mac_address.h"
#include "sluice/v1/port.grpc.pb.h"

namespace sluice::ctl {
namespace {

struct NetworkArguments {
  std::string name;
  std::string uplink;
  uint32_t vlan = 0;
  uint32_t mtu = 0;
  bool allow_dhcp = false;
  std::vector<std::string> routers;
  std::vector<std::string> policies;
};

ExitCode Add(const GlobalOptions& options, const NetworkArguments& arguments) {
  v1::AddNetworkRequest request;
  v1::NetworkSpec& spec = *request.mutable_spec();
  spec.set_name(arguments.name);
  spec.set_uplink(arguments.uplink);
  spec.set_vlan(arguments.vlan);
  spec.set_mtu(arguments.mtu);
  spec.set_allow_dhcp(arguments.allow_dhcp);
  for (const std::string& mac : arguments.routers) spec.add_routers(mac);
  for (const std::string& family : arguments.policies) spec.add_policies(family);
  v1::AddNetworkResponse response;
  const absl::Status status = Call<v1::NetworkService>(
      options.server, &v1::NetworkService::Stub::AddNetwork, request, &response);
  if (!status.ok()) return Report(status, kRefused);
  if (options.json()) {
    PrintJson(response);
  } else {
    fmt::print("network {} added: epoch {}\n", arguments.name, response.epoch());
  }
  return kOk;
}

ExitCode Del(const GlobalOptions& options, const std::string& name) {
  v1::DeleteNetworkRequest request;
  request.set_name(name);
  v1::DeleteNetworkResponse response;
  const absl::Status status = Call<v1::NetworkService>(
      options.server, &v1::NetworkService::Stub::DeleteNetwork, request, &response);
  if (!status.ok()) return Report(status, kRefused);
  if (options.json()) {
    PrintJson(response);
  } else {
    fmt::print("network {} deleted: epoch {}\n", name, response.epoch());
  }
  return kOk;
}

std::string PoliciesText(const v1::NetworkSpec& spec) {
  if (!spec.policies().empty()) return fmt::format("{}", fmt::join(spec.policies(), ","));
  return spec.name() == "default" ? "network,cluster" : "multi";
}

ExitCode List(const GlobalOptions& options) {
  v1::ListNetworksResponse response;
  const absl::Status status =
      Call<v1::NetworkService>(options.server, &v1::NetworkService::Stub::ListNetworks,
                               v1::ListNetworksRequest(), &response);
  if (!status.ok()) return Report(status, kRefused);
  if (options.json()) {
    PrintJson(response);
    return kOk;
  }
  Table table({"NAME", "UPLINK", "VLAN", "HOST", "PORTS", "MTU", "DHCP", "ROUTERS", "POLICIES"});
  for (const v1::NetworkStatus& network : response.networks()) {
    const v1::NetworkSpec& spec = network.spec();
    table.Add({spec.name(), network.uplink(), spec.vlan() == 0 ? "" : std::to_string(spec.vlan()),
               network.host(), std::to_string(network.ports()),
               spec.mtu() == 0 ? "" : std::to_string(spec.mtu()),
               spec.allow_dhcp() ? "allowed" : "as policy says",
               fmt::format("{}", fmt::join(spec.routers(), ",")), PoliciesText(spec)});
  }
  table.Print();
  return kOk;
}

ExitCode Macs(const GlobalOptions& options, const std::string& network) {
  v1::ListMacsRequest request;
  request.set_network(network);
  v1::ListMacsResponse response;
  const absl::Status status = Call<v1::NetworkService>(
      options.server, &v1::NetworkService::Stub::ListMacs, request, &response);
  if (!status.ok()) return Report(status, kRefused);
  if (options.json()) {
    PrintJson(response);
    return kOk;
  }
  Table table({"NETWORK", "MAC", "PORT", "SEEN"});
  for (const v1::LearnedMac& mac : response.macs()) {
    table.Add(
        {mac.network(), mac.mac(), mac.port(), fmt::format("{:.0f}s ago", mac.age_seconds())});
  }
  table.Print();
  return kOk;
}

void AddAdd(CLI::App& network, const GlobalOptions& options, ExitCode* exit_code) {
  auto arguments = std::make_shared<NetworkArguments>();
  CLI::App* add = network.add_subcommand("add", "a new bridge domain; default is changed");
  add->add_option("NAME", arguments->name,
                  "NAMESPACE/NAME of a NetworkAttachmentDefinition; NAME is default/NAME")
      ->required();
  add->add_option("--uplink", arguments->uplink,
                  "uplink port that carries it beside that port's own network");
  add->add_option("--vlan", arguments->vlan, "its VLAN id on the uplink; 0: no tag")
      ->check(CLI::Range(0, 4094));
  add->add_option("--mtu", arguments->mtu, "told to whoever asks, not enforced");
  add->add_flag("--allow-dhcp", arguments->allow_dhcp,
                "DHCP between pods and the outside passes without policy");
  add->add_option("--router", arguments->routers,
                  "MAC behind the uplink that may send back what pods sent to it")
      ->check([](const std::string& text) {
        const auto mac = dataplane::MacAddress::Parse(text);
        return mac.ok() ? std::string() : std::string(mac.status().message());
      });
  add->add_option("--policies", arguments->policies,
                  "kinds of policy that act on it: network, cluster, multi; default takes network "
                  "and cluster if absent, every other network multi")
      ->delimiter(',')
      ->check(CLI::IsMember({"network", "cluster", "multi"}));
  add->callback([=, &options] { *exit_code = Add(options, *arguments); });
}

}  // namespace

void AddNetwork(CLI::App& app, const GlobalOptions& options, ExitCode* exit_code) {
  CLI::App* network = app.add_subcommand("network", "bridge domains of the switch");
  network->require_subcommand(1);
  AddAdd(*network, options, exit_code);

  auto name = std::make_shared<std::string>();
  CLI::App* del = network->add_subcommand("del", "remove a network without ports");
  del->add_option("NAME", *name, "of the network")->required();
  del->callback([=, &options] { *exit_code = Del(options, *name); });

  auto of = std::make_shared<std::string>();
  CLI::App* macs =
      network->add_subcommand("macs", "what was learned of MACs that are no pod's own");
  macs->add_option("NAME", *of, "of a network; all if absent");
  macs->callback([=, &options] { *exit_code = Macs(options, *of); });

  CLI::App* list = network->add_subcommand("list", "all networks");
  list->callback([=, &options] { *exit_code = List(options); });
}

}  // namespace sluice::ctl
