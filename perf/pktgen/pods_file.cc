#include "perf/pktgen/pods_file.h"

#include <fmt/core.h>

#include <set>
#include <utility>

#include "perf/pktgen/command_fields.h"

namespace sluice::pktgen {
namespace {

constexpr size_t kMaxSocketPath = 107;  // sun_path, less its end

absl::Status Error(const std::string& name, const std::string& reason) {
  return absl::InvalidArgumentError(fmt::format("pods: {}: {}", name, reason));
}

absl::StatusOr<PodSpec> ParsePod(const Json& object) {
  if (!object.is_object()) return Error("a pod", "is not an object");
  PodSpec pod;
  CommandFields fields(object, "pods");
  pod.host.name = fields.Text("name");
  pod.socket = fields.Text("socket");
  const auto mode = fields.Choice("mode", {"client", "server", "memif-client", "memif-server"});
  pod.server = mode % 2 == 1;
  pod.memif = mode >= 2;
  const std::string mac_text = fields.Text("mac");
  const Json& addresses = fields.List("addresses");
  if (absl::Status status = fields.Finish(); !status.ok()) return status;

  const absl::StatusOr<MacAddress> mac = MacAddress::Parse(mac_text);
  if (!mac.ok()) return Error(pod.host.name, std::string(mac.status().message()));
  if (mac->IsMulticast() || mac->IsZero()) {
    return Error(pod.host.name, fmt::format("mac: {} is no unicast address", mac_text));
  }
  pod.host.mac = *mac;
  for (const Json& text : addresses) {
    const auto address = IpAddress::Parse(text.is_string() ? text.get<std::string>() : "");
    if (!address.ok()) {
      return Error(pod.host.name, fmt::format("addresses: {} is not an IP address", text.dump()));
    }
    pod.host.addresses.push_back(*address);
  }
  if (pod.socket.empty() || pod.socket.size() > kMaxSocketPath) {
    return Error(pod.host.name, fmt::format("socket: is not 1 to {} bytes", kMaxSocketPath));
  }
  return pod;
}

}  // namespace

absl::StatusOr<std::vector<PodSpec>> ParsePods(std::string_view text) {
  const Json list = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!list.is_array() || list.empty()) {
    return absl::InvalidArgumentError("pods: is not a JSON list of pods");
  }
  std::vector<PodSpec> pods;
  std::set<std::string> names, sockets;
  for (const Json& object : list) {
    absl::StatusOr<PodSpec> pod = ParsePod(object);
    if (!pod.ok()) return pod.status();
    if (!names.insert(pod->host.name).second) return Error(pod->host.name, "is there twice");
    if (!sockets.insert(pod->socket).second) {
      return Error(pod->host.name, fmt::format("socket: {} is another pod's", pod->socket));
    }
    pods.push_back(*std::move(pod));
  }
  return pods;
}

}  // namespace sluice::pktgen
