// sluicectl port add, del, move, list.
#include <fmt/format.h>

#include <memory>

#include "control/ctl/client.h"
#include "control/ctl/command.h"
#include "control/ctl/listing.h"
#include "control/ctl/output.h"
#include "dataplane/mac_address.h"
#include "dataplane/port_spec.h"
#include "sluice/v1/port.grpc.pb.h"

namespace sluice::ctl {
namespace {

// An option's value that is to be read by `parse` is checked by it before anything is sent.
template <typename Parse>
CLI::Validator ReadableBy(Parse parse) {
  const auto check = [parse](const std::string& text) {
    const auto value = parse(text);
    return value.ok() ? std::string() : std::string(value.status().message());
  };
  return CLI::Validator(check, "");
}

struct PortArguments {
  std::string name;
  std::string kind;
  std::string role = "pod";
  std::string path;
  std::string pcap_out;
  std::string network = "default";
  std::string pod;
  std::string uid;
  std::string mac;
  std::vector<std::string> addresses;
  std::vector<std::string> allowed;
  std::vector<std::string> mirrors;
  std::string mirror_direction;
  bool mirror_dropped = false;
  bool unguarded = false;
  uint32_t mtu = dataplane::kDefaultMtu;
  uint32_t queues = 1;
};

v1::PortSpec ToSpec(const PortArguments& arguments) {
  v1::PortSpec spec;
  spec.set_name(arguments.name);
  spec.set_kind(arguments.kind);
  spec.set_role(arguments.role);
  spec.set_path(arguments.path);
  spec.set_pcap_out(arguments.pcap_out);
  spec.set_network(arguments.network);
  const size_t slash = arguments.pod.find('/');
  if (slash != std::string::npos) {
    spec.set_pod_namespace(arguments.pod.substr(0, slash));
    spec.set_pod_name(arguments.pod.substr(slash + 1));
  }
  spec.set_pod_uid(arguments.uid);
  spec.set_mac(arguments.mac);
  for (const std::string& address : arguments.addresses) spec.add_addresses(address);
  for (const std::string& allowed : arguments.allowed) spec.add_allowed(allowed);
  for (const std::string& port : arguments.mirrors) spec.add_mirrors(port);
  spec.set_mirror_direction(arguments.mirror_direction);
  spec.set_mirror_dropped(arguments.mirror_dropped);
  spec.set_unguarded(arguments.unguarded);
  spec.set_mtu(arguments.mtu);
  spec.set_queues(arguments.queues);
  return spec;
}

ExitCode Add(const GlobalOptions& options, const PortArguments& arguments) {
  v1::AddPortRequest request;
  *request.mutable_spec() = ToSpec(arguments);
  v1::AddPortResponse response;
  const absl::Status status =
      Call<v1::PortService>(options.server, &v1::PortService::Stub::AddPort, request, &response);
  if (!status.ok()) return Report(status, kRefused);
  if (options.json()) {
    PrintJson(response);
  } else {
    fmt::print("port {} added: id {}, epoch {}\n", arguments.name, response.id(), response.epoch());
  }
  return kOk;
}

ExitCode Del(const GlobalOptions& options, const std::string& name) {
  v1::DeletePortRequest request;
  request.set_name(name);
  v1::DeletePortResponse response;
  const absl::Status status =
      Call<v1::PortService>(options.server, &v1::PortService::Stub::DeletePort, request, &response);
  if (!status.ok()) return Report(status, kRefused);
  if (options.json()) {
    PrintJson(response);
  } else {
    fmt::print("port {} deleted: epoch {}\n", name, response.epoch());
  }
  return kOk;
}

ExitCode Move(const GlobalOptions& options, const std::string& name, uint32_t worker) {
  v1::MovePortRequest request;
  request.set_name(name);
  request.set_worker(worker);
  v1::MovePortResponse response;
  const absl::Status status =
      Call<v1::PortService>(options.server, &v1::PortService::Stub::MovePort, request, &response);
  if (!status.ok()) return Report(status, kRefused);
  if (options.json()) {
    PrintJson(response);
  } else {
    fmt::print("port {} moved to worker {}: epoch {}\n", name, worker, response.epoch());
  }
  return kOk;
}

void AddMove(CLI::App& port, const GlobalOptions& options, ExitCode* exit_code) {
  auto name = std::make_shared<std::string>();
  auto worker = std::make_shared<uint32_t>();
  CLI::App* move = port.add_subcommand("move", "let another worker poll a port");
  move->add_option("NAME", *name, "of the port")->required();
  move->add_option("--worker", *worker,
                   "counted from 0, in the order of --worker-cores and --spare-cores")
      ->required();
  move->callback([=, &options] { *exit_code = Move(options, *name, *worker); });
}

void AddMirrorOptions(CLI::App& add, PortArguments& arguments) {
  add.add_option("--mirror-of", arguments.mirrors,
                 "role mirror: the ports that it gets copies of; * alone: all");
  add.add_option("--mirror-direction", arguments.mirror_direction,
                 "role mirror: only of what enters by them, or leaves")
      ->check(CLI::IsMember({"in", "out"}));
  add.add_flag("--mirror-dropped", arguments.mirror_dropped,
               "role mirror: also of what enters by them and dies");
}

void AddAdd(CLI::App& port, const GlobalOptions& options, ExitCode* exit_code) {
  auto arguments = std::make_shared<PortArguments>();
  CLI::App* add = port.add_subcommand("add", "open a port and let a worker poll it");
  add->add_option("NAME", arguments->name, "of the port")->required();
  add->add_option("--kind", arguments->kind,
                  "vhost-server, vhost-client, memif-server, memif-client, ring, pcap, tap, "
                  "af-packet, af-xdp, pci or representor")
      ->required()
      ->check(ReadableBy(dataplane::ParsePortKind));
  add->add_option("--role", arguments->role, "pod, uplink, host or mirror")
      ->check(CLI::IsMember({"pod", "uplink", "host", "mirror"}))
      ->capture_default_str();
  add->add_option("--path", arguments->path, "socket, file or interface, as the kind wants it");
  add->add_option("--pcap-out", arguments->pcap_out, "pcap: file to write");
  add->add_option("--network", arguments->network, "bridge domain")->capture_default_str();
  add->add_option("--pod", arguments->pod, "NAMESPACE/NAME of the pod behind it")
      ->check([](const std::string& text) {
        return text.find('/') == std::string::npos ? text + " is not NAMESPACE/NAME" : "";
      });
  add->add_option("--uid", arguments->uid, "the pod's UID");
  add->add_option("--mac", arguments->mac, "the pod's MAC address")
      ->check(ReadableBy(dataplane::MacAddress::Parse));
  add->add_option("--ip", arguments->addresses, "the pod's addresses")
      ->check(ReadableBy(acl::IpAddress::Parse));
  add->add_option("--allow", arguments->allowed,
                  "IP[/LEN][@MAC] that the pod may use beside its own addresses")
      ->check(ReadableBy(dataplane::AllowedAddress::Parse));
  add->add_flag("--unguarded", arguments->unguarded, "the pod may send from any address");
  add->add_option("--mtu", arguments->mtu, "largest IP packet that leaves by it")
      ->check(CLI::Range(dataplane::kMinMtu, dataplane::kMaxMtu))
      ->capture_default_str();
  add->add_option("--queues", arguments->queues, "vhost: queue pairs that the peer may use")
      ->check(CLI::Range(1u, dataplane::kMaxQueues))
      ->capture_default_str();
  AddMirrorOptions(*add, *arguments);
  add->callback([=, &options] { *exit_code = Add(options, *arguments); });
}

}  // namespace

void AddPort(CLI::App& app, const GlobalOptions& options, ExitCode* exit_code) {
  CLI::App* port = app.add_subcommand("port", "ports of the switch");
  port->require_subcommand(1);
  AddAdd(*port, options, exit_code);
  AddMove(*port, options, exit_code);

  auto name = std::make_shared<std::string>();
  CLI::App* del = port->add_subcommand("del", "close a port");
  del->add_option("NAME", *name, "of the port")->required();
  del->callback([=, &options] { *exit_code = Del(options, *name); });

  CLI::App* list = port->add_subcommand("list", "all ports (as get ports)");
  list->callback([=, &options] { *exit_code = ListPorts(options); });
}

}  // namespace sluice::ctl
