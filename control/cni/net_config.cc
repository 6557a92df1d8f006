#include "control/cni/net_config.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>

#include "control/cni/cni_args.h"
#include "control/cni/cni_error.h"
#include "control/cni/cni_version.h"
#include "control/cni/key_reader.h"
#include "control/cni/parse_json.h"
#include "dataplane/port_path.h"

namespace sluice::cni {
namespace {

using nlohmann::json;

// libcni 1.2.0 has the latter name alone; an empty list is null to libcni.
constexpr const char* kValidAttachments = "cni.dev/valid-attachments";
constexpr const char* kOldValidAttachments = "cni.dev/attachments";

// The specification's, those that runtimes and Multus put in, and ours.
constexpr const char* kKnownKeys[] = {"cniVersion",
                                      "cniVersions",
                                      "name",
                                      "type",
                                      "disableCheck",
                                      "disableGC",
                                      "args",
                                      "runtimeConfig",
                                      "ipMasq",
                                      "capabilities",
                                      "prevResult",
                                      "ipam",
                                      "dns",
                                      "deviceID",
                                      "daemon",
                                      "network",
                                      "pciBusID",
                                      "resourceName",
                                      "port",
                                      "role",
                                      "queues",
                                      "mtu",
                                      "mac",
                                      "socketDirectory",
                                      "podSocketDirectory",
                                      "socketMode",
                                      "socketGroup",
                                      "stateDirectory",
                                      "timeoutSeconds",
                                      "daemonStateDirectory"};

// A key that is misspelt would be the default, and "network" has one that is somebody's.
void CheckKeys(const json& config, KeyReader& keys) {
  for (const auto& [key, value] : config.items()) {
    if (key.starts_with("cni.dev/") || std::ranges::find(kKnownKeys, key) != std::end(kKnownKeys)) {
      continue;
    }
    keys.RefuseWith(
        kUnsupportedField, key.c_str(),
        fmt::format("{}: is no key of this plugin: docs/cni.md has them", value.dump()));
  }
}

void CheckVersion(const std::string& version, const std::string& command, KeyReader& keys) {
  const bool has_command = command == "CHECK"    ? HasCheck(version)
                           : command == "GC"     ? HasGc(version)
                           : command == "STATUS" ? HasStatus(version)
                                                 : true;
  if (RankOf(version) < 0) {
    keys.RefuseWith(kIncompatibleVersion, "cniVersion",
                    fmt::format("\"{}\" is not one of {}", version, fmt::join(kVersions, ", ")));
  } else if (!has_command) {
    keys.RefuseWith(kIncompatibleVersion, "cniVersion",
                    fmt::format("{} does not have {}", version, command));
  }
}

std::string ReadPath(KeyReader& keys, const char* key, const char* absent) {
  std::string path = keys.Text(key, absent);
  if (path != absent && !path.starts_with('/'))
    keys.Refuse(key, fmt::format("\"{}\" is not an absolute path", path));
  return path;
}

void ReadName(KeyReader& keys, NetConfig* config) {
  config->name = keys.Text("name");
  if (!IsCniName(config->name)) {
    keys.Refuse("name", fmt::format("\"{}\" may hold only letters, digits, '_', '.' and '-', and "
                                    "begins with one of the former two",
                                    config->name));
  }
}

void ReadDaemon(KeyReader& keys, NetConfig* config) {
  config->daemon = keys.Text("daemon", "unix:///run/sluice/sluiced.sock");
  const bool is_path = config->daemon.starts_with("unix:/") && config->daemon.size() > 6;
  if (!is_path) {
    keys.Refuse("daemon", fmt::format("\"{}\" is not unix:///PATH", config->daemon));
  }
  config->daemon_state_directory = ReadPath(keys, "daemonStateDirectory", "");
}

void ReadIpam(KeyReader& keys, NetConfig* config) {
  const json ipam = keys.Object("ipam");
  if (ipam.empty()) return;
  KeyReader inner(ipam, "ipam.");
  config->ipam = inner.Text("type");
  if (!IsCniName(config->ipam)) {
    keys.Refuse("ipam.type", fmt::format("\"{}\" does not name a plugin", config->ipam));
  }
}

absl::Status ReadPrevious(KeyReader& keys, NetConfig* config) {
  const json previous = keys.Object("prevResult");
  if (!keys.status().ok() || previous.empty()) return keys.status();
  auto result = ParseResult(previous, "configuration: prevResult");
  if (!result.ok()) return result.status();
  config->previous = *std::move(result);
  return absl::OkStatus();
}

absl::Status ReadValid(const json& from, NetConfig* config) {
  const std::string where = fmt::format("configuration: {}: ", kValidAttachments);
  auto found = from.find(kValidAttachments);
  if (found == from.end()) found = from.find(kOldValidAttachments);
  if (found == from.end()) return absl::OkStatus();
  auto& valid = config->valid.emplace();
  if (found->is_null()) return absl::OkStatus();
  if (!found->is_array()) return Fail(kConfig, where + "is not a list");
  for (const json& item : *found) {
    KeyReader keys(item, fmt::format("{}: ", kValidAttachments));
    valid.emplace_back(keys.Text("containerID"), keys.Text("ifname"));
    if (!keys.status().ok()) return keys.status();
    if (valid.back().first.empty() || valid.back().second.empty()) {
      return Fail(kConfig, where + "an entry has no containerID or no ifname");
    }
  }
  return absl::OkStatus();
}

void ReadMode(KeyReader& keys, PortConfig* port) {
  const std::string text = keys.Text("socketMode", "0660");
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), port->socket_mode, 8);
  const bool is_whole = error == std::errc() && end == text.data() + text.size();
  if (!is_whole || port->socket_mode > 0777) {
    keys.Refuse("socketMode", fmt::format("\"{}\" is not an octal mode like \"0660\"", text));
  }
}

void ReadMac(KeyReader& keys, const json& runtime, PortConfig* port) {
  KeyReader inner(runtime, "runtimeConfig.");
  const std::string text = inner.Text("mac", keys.Text("mac"));
  if (!inner.status().ok()) keys.Refuse("runtimeConfig.mac", "is not text");
  if (text.empty()) return;
  const auto mac = dataplane::MacAddress::Parse(text);
  if (!mac.ok() || mac->IsZero() || mac->IsMulticast()) {
    return keys.Refuse("mac", fmt::format("\"{}\" is not the MAC address of one interface", text));
  }
  port->mac = *mac;
}

// Without a length, an address is one of itself.
void ReadAddresses(KeyReader& keys, const json& runtime, PortConfig* port) {
  KeyReader inner(runtime, "runtimeConfig.");
  for (std::string text : inner.Texts("ips")) {
    if (text.find('/') == std::string::npos) {
      text += text.find(':') == std::string::npos ? "/32" : "/128";
    }
    if (!AddressOf(text)) {
      keys.Refuse("runtimeConfig.ips", fmt::format("\"{}\" is not an address", text));
    }
    port->addresses.push_back(text);
  }
  port->device_info_file = inner.Text("CNIDeviceInfoFile");
  if (!inner.status().ok())
    keys.Refuse("runtimeConfig", "ips or CNIDeviceInfoFile has no such form");
  if (!port->device_info_file.empty() && !port->device_info_file.starts_with('/')) {
    keys.Refuse("runtimeConfig.CNIDeviceInfoFile",
                fmt::format("\"{}\" is not an absolute path", port->device_info_file));
  }
}

// The runtime's comes first; Multus writes what the device plugin chose.
void ReadDevice(KeyReader& keys, const json& runtime, PortConfig* port) {
  KeyReader inner(runtime, "runtimeConfig.");
  const std::pair<const char*, std::string> said[] = {
      {"runtimeConfig.deviceID", inner.Text("deviceID")},
      {"deviceID", keys.Text("deviceID")},
      {"pciBusID", keys.Text("pciBusID")}};
  if (!inner.status().ok()) keys.Refuse("runtimeConfig.deviceID", "is not text");
  const auto* found =
      std::ranges::find_if(said, [](const auto& one) { return !one.second.empty(); });
  if (found == std::end(said)) {
    return keys.Refuse("deviceID", "is missing: a device plugin chooses the virtual function");
  }
  port->device_key = found->first;
  port->device = found->second;
  if (!dataplane::RepresentorArgs(port->device + "/vf0")) {
    keys.Refuse(found->first, fmt::format("\"{}\" is not a PCI address", port->device));
  }
}

void ReadPort(KeyReader& keys, PortConfig* port) {
  const std::string kind = keys.Choice("port", {"vhost-user", "tap", "sriov"});
  port->type = kind == "tap"     ? PortType::kTap
               : kind == "sriov" ? PortType::kSriov
                                 : PortType::kVhostUser;
  port->network = keys.Text("network", "default");
  if (port->network.empty()) keys.Refuse("network", "is empty: leave it out for \"default\"");
  port->pod_listens = keys.Choice("role", {"client", "server"}) == "client";
  port->socket_directory = ReadPath(keys, "socketDirectory", "/run/sluice/pods");
  port->pod_socket_directory = ReadPath(keys, "podSocketDirectory", "");
  ReadMode(keys, port);
  port->socket_group = keys.Text("socketGroup");
  port->queues = static_cast<uint8_t>(keys.Number("queues", 1, dataplane::kMaxQueues, 1));
  const bool has_queues = port->type == PortType::kVhostUser;
  if (!has_queues && port->queues > 1) keys.Refuse("queues", kind + " has one");
  port->mtu = static_cast<uint16_t>(
      keys.Number("mtu", dataplane::kMinMtu, dataplane::kMaxMtu, dataplane::kDefaultMtu));
  const json runtime = keys.Object("runtimeConfig");
  ReadMac(keys, runtime, port);
  ReadAddresses(keys, runtime, port);
  if (port->type == PortType::kSriov) ReadDevice(keys, runtime, port);
}

}  // namespace

absl::StatusOr<NetConfig> ReadNetConfig(const std::string& text, const std::string& command) {
  NetConfig config;
  config.json = ParseJson(text);
  if (!config.json.is_object()) {
    return Fail(kDecode, "configuration: standard input does not hold a JSON object");
  }
  const bool shapes_port = command == "ADD" || command == "CHECK" || command == "STATUS";
  KeyReader keys(config.json, "");
  config.version = keys.Text("cniVersion");
  CheckVersion(config.version, command, keys);
  ReadName(keys, &config);
  if (shapes_port) CheckKeys(config.json, keys);
  ReadDaemon(keys, &config);
  ReadIpam(keys, &config);
  config.timeout = std::chrono::seconds(keys.Number("timeoutSeconds", 1, 600, 10));
  config.state_directory = ReadPath(keys, "stateDirectory", "/var/lib/sluice/cni");
  if (shapes_port) ReadPort(keys, &config.port);
  absl::Status status = keys.status();
  if (status.ok() && shapes_port) status = ReadPrevious(keys, &config);
  if (status.ok() && command == "GC") status = ReadValid(config.json, &config);
  if (!status.ok()) return status;
  return config;
}

std::string AskedVersionOf(const std::string& text) {
  const json config = ParseJson(text);
  std::string version = KeyReader(config, "").Text("cniVersion");
  return version.empty() ? std::string(kNewestVersion) : version;
}

std::string VersionOf(const std::string& text) {
  std::string version = AskedVersionOf(text);
  return RankOf(version) < 0 ? std::string(kNewestVersion) : version;
}

}  // namespace sluice::cni
