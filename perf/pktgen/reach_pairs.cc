#include "perf/pktgen/reach_pairs.h"

#include <utility>

#include "perf/pktgen/command_fields.h"
#include "perf/pktgen/probe_train.h"
#include "perf/pktgen/tcp_exchange.h"

namespace sluice::pktgen {
namespace {

enum Protocol : size_t { kTcp, kUdp, kIcmp };

struct Target {
  Json name;                 // as the command has it
  HostStack* pod = nullptr;  // null: an address
  IpAddress address;
  size_t protocol = kTcp;
  uint16_t port = 0;
};

absl::StatusOr<Target> ReadTarget(const Json& object, const Pods& pods) {
  if (!object.is_object()) return absl::InvalidArgumentError("reach: to: holds no object");
  CommandFields fields(object, "reach: to");
  Target target;
  const std::string pod_name = fields.Text("pod", "");
  if (pod_name.empty()) target.address = fields.Address("address");
  const uint64_t family = fields.Number("family", 4, 6, 0);
  target.protocol = fields.Choice("protocol", {"tcp", "udp", "icmp"});
  if (target.protocol != kIcmp) target.port = fields.Port();
  const absl::Status status = fields.Finish();
  if (!status.ok()) return status;
  if (pod_name.empty()) {
    target.name = target.address.ToString();
    return target;
  }
  target.name = pod_name;
  const absl::StatusOr<HostStack*> pod = FindPod(pods, pod_name);
  if (!pod.ok()) return pod.status();
  target.pod = *pod;
  std::optional<Family> wanted;
  if (family != 0) wanted = family == 6 ? Family::kIpv6 : Family::kIpv4;
  const absl::StatusOr<IpAddress> address = AddressOf(**pod, wanted);
  if (!address.ok()) return address.status();
  target.address = *address;
  return target;
}

Json FieldsOf(const std::string& from, const Target& target) {
  static constexpr const char* kNames[] = {"tcp", "udp", "icmp"};
  Json fields = {{"from", from}, {"to", target.name}};
  if (target.protocol != kIcmp) fields["port"] = target.port;
  fields["protocol"] = kNames[target.protocol];
  return fields;
}

std::unique_ptr<Operation> MakeProbe(HostStack* from, const Target& target, uint64_t timeout_ns) {
  if (target.protocol == kTcp) {
    return std::make_unique<TcpExchange>(TcpExchange::Config{
        .stack = from, .to = target.address, .port = target.port, .timeout_ns = timeout_ns});
  }
  return std::make_unique<ProbeTrain>(ProbeTrain::Config{
      .stack = from,
      .kind = target.protocol == kUdp ? ProbeTrain::Kind::kUdp : ProbeTrain::Kind::kEcho,
      .to = target.address,
      .port = target.port,
      .send = "reach",
      .timeout_ns = timeout_ns});
}

Reach::Pair MakePair(HostStack* from, const Target& target, uint64_t timeout_ns) {
  Reach::Pair pair{.fields = FieldsOf(from->config().name, target)};
  if (from == target.pod || from->IsOwn(target.address)) {
    pair.reached = true;  // inside the pod
    return pair;
  }
  const absl::Status status = from->SourceFor(target.address).status();
  if (status.ok()) {
    pair.probe = MakeProbe(from, target, timeout_ns);
  } else {
    pair.fields["error"] = std::string(status.message());
  }
  return pair;
}

}  // namespace

absl::StatusOr<std::vector<Reach::Pair>> ReadReachPairs(const Json& from, const Json& to,
                                                        uint64_t timeout_ns, const Pods& pods) {
  std::vector<Target> targets;
  for (const Json& object : to) {
    absl::StatusOr<Target> target = ReadTarget(object, pods);
    if (!target.ok()) return target.status();
    targets.push_back(*std::move(target));
  }
  std::vector<Reach::Pair> pairs;
  for (const Json& name : from) {
    if (!name.is_string()) return absl::InvalidArgumentError("reach: from: holds no text");
    const absl::StatusOr<HostStack*> pod = FindPod(pods, name.get<std::string>());
    if (!pod.ok()) return pod.status();
    for (const Target& target : targets) pairs.push_back(MakePair(*pod, target, timeout_ns));
  }
  return pairs;
}

}  // namespace sluice::pktgen
