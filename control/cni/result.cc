#include "control/cni/result.h"

#include <fmt/format.h>

#include "control/cni/cni_error.h"
#include "control/cni/cni_version.h"

namespace sluice::cni {
namespace {

using nlohmann::json;

absl::Status Bad(const std::string& who, const std::string& field, const std::string& reason) {
  return Fail(kDecode, fmt::format("{}: {}: {}", who, field, reason));
}

// An array of objects, or absent, or null.
absl::StatusOr<std::vector<json>> Objects(const json& from, const char* key,
                                          const std::string& who) {
  const auto found = from.find(key);
  if (found == from.end() || found->is_null()) return std::vector<json>();
  if (!found->is_array()) return Bad(who, key, "is not a list");
  for (const json& item : *found) {
    if (!item.is_object()) return Bad(who, key, "holds what is not an object");
  }
  return found->get<std::vector<json>>();
}

std::string Text(const json& from, const char* key) {
  const auto found = from.find(key);
  return found != from.end() && found->is_string() ? found->get<std::string>() : "";
}

uint32_t Number(const json& from, const char* key) {
  const auto found = from.find(key);
  return found != from.end() && found->is_number_unsigned() ? found->get<uint32_t>() : 0;
}

Interface ReadInterface(const json& from) {
  return {Text(from, "name"),    Text(from, "mac"),        Number(from, "mtu"),
          Text(from, "sandbox"), Text(from, "socketPath"), Text(from, "pciID")};
}

absl::StatusOr<IpConfig> ReadIp(const json& from, size_t interfaces, const std::string& who) {
  IpConfig ip{Text(from, "address"), Text(from, "gateway"), std::nullopt};
  if (!AddressOf(ip.address)) {
    return Bad(who, "ips", fmt::format("\"{}\" is not ADDRESS/LENGTH", ip.address));
  }
  if (!ip.gateway.empty() && !acl::IpAddress::Parse(ip.gateway).ok()) {
    return Bad(who, "ips", fmt::format("gateway \"{}\" is not an address", ip.gateway));
  }
  const auto interface = from.find("interface");
  if (interface == from.end()) return ip;
  if (!interface->is_number_unsigned() || interface->get<uint64_t>() >= interfaces) {
    return Bad(who, "ips", fmt::format("interface {} is not there", interface->dump()));
  }
  ip.interface = interface->get<unsigned>();
  return ip;
}

json InterfaceToJson(const Interface& interface, bool is_newest) {
  json out = {{"name", interface.name}};
  const auto set = [&](const char* key, const std::string& text) {
    if (!text.empty()) out[key] = text;
  };
  set("mac", interface.mac);
  set("sandbox", interface.sandbox);
  if (!is_newest) return out;
  if (interface.mtu != 0) out["mtu"] = interface.mtu;
  set("socketPath", interface.socket_path);
  set("pciID", interface.pci_id);
  return out;
}

json IpToJson(const IpConfig& ip, bool says_version) {
  json out = {{"address", ip.address}};
  if (!ip.gateway.empty()) out["gateway"] = ip.gateway;
  if (ip.interface) out["interface"] = *ip.interface;
  if (!says_version) return out;
  out["version"] = ip.address.find(':') == std::string::npos ? "4" : "6";
  return out;
}

json RouteToJson(const json& route, bool is_newest) {
  if (is_newest) return route;
  json out = json::object();
  for (const char* key : {"dst", "gw"}) {
    if (route.contains(key)) out[key] = route.at(key);
  }
  return out;
}

}  // namespace

std::optional<acl::IpAddress> AddressOf(const std::string& with_length) {
  const size_t slash = with_length.find('/');
  if (slash == std::string::npos || !acl::Cidr::Parse(with_length).ok()) return std::nullopt;
  const auto address = acl::IpAddress::Parse(with_length.substr(0, slash));
  return address.ok() ? std::optional(*address) : std::nullopt;
}

absl::StatusOr<Result> ParseResult(const json& from, const std::string& who) {
  if (!from.is_object()) return Bad(who, "result", "is not a JSON object");
  const auto interfaces = Objects(from, "interfaces", who);
  if (!interfaces.ok()) return interfaces.status();
  const auto ips = Objects(from, "ips", who);
  if (!ips.ok()) return ips.status();
  auto routes = Objects(from, "routes", who);
  if (!routes.ok()) return routes.status();
  Result result;
  for (const json& interface : *interfaces) result.interfaces.push_back(ReadInterface(interface));
  for (const json& ip : *ips) {
    auto read = ReadIp(ip, interfaces->size(), who);
    if (!read.ok()) return read.status();
    result.ips.push_back(*std::move(read));
  }
  for (json& route : *routes) {
    if (!acl::Cidr::Parse(Text(route, "dst")).ok()) {
      return Bad(who, "routes", fmt::format("\"{}\" is not a destination", Text(route, "dst")));
    }
    result.routes.push_back(std::move(route));
  }
  if (from.contains("dns")) result.dns = from.at("dns");
  return result;
}

json ToJson(const Result& result, const std::string& version) {
  const bool is_newest = RankOf(version) >= RankOf("1.1.0");
  const bool says_version = RankOf(version) < RankOf("1.0.0");
  json out = {{"cniVersion", version}};
  for (const Interface& interface : result.interfaces) {
    out["interfaces"].push_back(InterfaceToJson(interface, is_newest));
  }
  for (const IpConfig& ip : result.ips) out["ips"].push_back(IpToJson(ip, says_version));
  for (const json& route : result.routes) out["routes"].push_back(RouteToJson(route, is_newest));
  if (result.dns.is_object() && !result.dns.empty()) out["dns"] = result.dns;
  return out;
}

}  // namespace sluice::cni
