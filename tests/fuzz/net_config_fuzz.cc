// A network configuration is what tenants wrote and runtimes passed on: any text, for any command,
// is either a configuration within its bounds, or one of the specification's errors.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "control/cni/cni_args.h"
#include "control/cni/cni_error.h"
#include "control/cni/cni_version.h"
#include "control/cni/net_config.h"
#include "dataplane/port_spec.h"

namespace {

using sluice::cni::NetConfig;

void Check(bool holds) {
  if (!holds) std::abort();
}

void CheckConfig(const NetConfig& config) {
  Check(sluice::cni::RankOf(config.version) >= 0 && sluice::cni::IsCniName(config.name));
  Check(config.daemon.starts_with("unix:/") && config.state_directory.starts_with('/'));
  Check(config.ipam.empty() || sluice::cni::IsCniName(config.ipam));
  Check(config.timeout.count() >= 1 && config.timeout.count() <= 600);
  if (config.previous) sluice::cni::ToJson(*config.previous, config.version).dump();
}

void CheckPort(const sluice::cni::PortConfig& port) {
  Check(!port.network.empty() && port.socket_directory.starts_with('/'));
  Check(port.queues >= 1 && port.queues <= sluice::dataplane::kMaxQueues);
  Check(port.mtu >= sluice::dataplane::kMinMtu && port.mtu <= sluice::dataplane::kMaxMtu);
  for (const std::string& address : port.addresses) {
    Check(sluice::cni::AddressOf(address).has_value());
  }
}

void CheckError(const absl::Status& error, const std::string& version) {
  const int code = sluice::cni::CodeOf(error);
  Check(code >= 1 && code <= 99);
  Check(std::string(error.message()).starts_with("configuration: "));
  sluice::cni::ErrorToJson(error, version)
      .dump(4, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  const std::string version = sluice::cni::VersionOf(text);
  Check(sluice::cni::RankOf(version) >= 0 && !sluice::cni::AskedVersionOf(text).empty());
  for (const char* command : {"ADD", "DEL", "CHECK", "STATUS", "GC"}) {
    const auto config = sluice::cni::ReadNetConfig(text, command);
    if (!config.ok()) {
      CheckError(config.status(), version);
      continue;
    }
    CheckConfig(*config);
    if (std::string_view(command) == "ADD") CheckPort(config->port);
  }
  return 0;
}
