// A call of a command against a daemon that says what a test wants, on a node that it makes.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "control/cni/commands.h"
#include "tests/support/temporary_directory.h"

namespace sluice::cni {

// A deadline that waits for nobody.
inline constexpr auto kNoWait = std::chrono::steady_clock::time_point::min();

class FakeDaemon final : public DaemonClient {
 public:
  absl::StatusOr<uint64_t> AddPort(const dataplane::PortSpec& spec,
                                   std::chrono::milliseconds) override {
    if (!add.ok()) return add;
    ports[spec.name] = {spec, true};
    return 7;
  }
  absl::Status DeletePort(const std::string& name) override {
    on_delete();
    if (!remove.ok()) return remove;
    ports.erase(name);
    return absl::OkStatus();
  }
  absl::StatusOr<std::vector<PortState>> ListPorts() override {
    if (!list.ok()) return list;
    std::vector<PortState> all;
    for (const auto& [name, port] : ports) all.push_back(port);
    return all;
  }
  absl::StatusOr<DaemonState> State() override { return state; }

  absl::Status add, remove, list;
  std::function<void()> on_delete = [] {};
  absl::StatusOr<DaemonState> state = DaemonState{1, 100, 0, "", {"default"}};
  std::map<std::string, PortState> ports;
};

class CommandsTest : public ::testing::Test {
 protected:
  nlohmann::json Config() const {
    return {{"cniVersion", "1.1.0"},
            {"name", "pods"},
            {"stateDirectory", directory_ / "state"},
            {"socketDirectory", directory_ / "pods"},
            {"runtimeConfig", {{"ips", {"10.0.0.5/24"}}}}};
  }
  // Calls `command` for container "web" of pod default/web.
  template <typename Function>
  auto Run(const char* name, Function command,
           const nlohmann::json& keys = nlohmann::json::object()) {
    Args args{name, "web", "/proc/thread-self/ns/net", "net1", "default", "web", "uid", {}};
    nlohmann::json text = Config();
    text.update(keys);
    const auto config = ReadNetConfig(text.dump(), name);
    EXPECT_TRUE(config.ok()) << config.status();
    const AttachmentStore store(config->state_directory);
    const Ipam ipam(*config, args);
    const Machine machine{
        directory_ / "sys",
        [this](const VirtualFunction& function)
            -> absl::StatusOr<std::optional<dataplane::MacAddress>> {
          if (!macs_.contains(function.pci)) return std::nullopt;
          return *dataplane::MacAddress::Parse(macs_[function.pci]);
        },
        [this](const VirtualFunction& function, const dataplane::MacAddress& mac) {
          if (set_mac.ok()) macs_[function.pci] = mac.ToString();
          return set_mac;
        }};
    return command(Call{args, *config, store, ipam, daemon_, machine});
  }
  AttachmentStore Store() const { return AttachmentStore(directory_ / "state"); }
  size_t Records() const { return Store().List()->size(); }

  const test::TemporaryDirectory directory_;
  FakeDaemon daemon_;
  std::map<std::string, std::string> macs_;  // of virtual functions, by their PCI addresses
  absl::Status set_mac;
};

}  // namespace sluice::cni
