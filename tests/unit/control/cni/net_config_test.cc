#include "control/cni/net_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "control/cni/cni_error.h"

namespace sluice::cni {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Optional;
using ::testing::Pair;

json Base() { return {{"cniVersion", "1.1.0"}, {"name", "pods"}, {"type", "sluice-cni"}}; }

TEST(NetConfigTest, WhatIsLeftOutHasADefault) {
  const auto config = ReadNetConfig(Base().dump(), "ADD");
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->daemon, "unix:///run/sluice/sluiced.sock");
  EXPECT_EQ(config->timeout, std::chrono::seconds(10));
  EXPECT_EQ(config->state_directory, "/var/lib/sluice/cni");
  EXPECT_EQ(config->ipam, "");
  EXPECT_EQ(config->port.network, "default");
  EXPECT_TRUE(config->port.pod_listens);
  EXPECT_EQ(config->port.socket_directory, "/run/sluice/pods");
  EXPECT_EQ(config->port.socket_mode, 0660u);
  EXPECT_EQ(config->port.queues, 1);
  EXPECT_EQ(config->port.mtu, 1500);
  EXPECT_FALSE(config->port.mac);
}

TEST(NetConfigTest, TheRuntimesWishComesBeforeTheConfigurations) {
  json config = Base();
  config["mac"] = "02:00:00:00:00:01";
  config["runtimeConfig"] = {{"mac", "02:00:00:00:00:02"},
                             {"ips", {"10.0.0.5/24", "fd00::5"}},
                             {"CNIDeviceInfoFile", "/run/devinfo"}};
  const auto read = ReadNetConfig(config.dump(), "ADD");
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->port.mac->ToString(), "02:00:00:00:00:02");
  EXPECT_THAT(read->port.addresses, ElementsAre("10.0.0.5/24", "fd00::5/128"));
  EXPECT_EQ(read->port.device_info_file, "/run/devinfo");
}

TEST(NetConfigTest, VersionsAreToldByTheOneThatIsAskedErrorsByOneThatIsSpoken) {
  const char* unknown = R"({"cniVersion": "9.9.9"})";
  EXPECT_EQ(AskedVersionOf(unknown), "9.9.9");
  EXPECT_EQ(VersionOf(unknown), "1.1.0");
  EXPECT_EQ(AskedVersionOf(R"({"cniVersion": 7})"), "1.1.0");
  EXPECT_EQ(AskedVersionOf(" "), "1.1.0");
  EXPECT_EQ(VersionOf(R"({"cniVersion": "0.4.0"})"), "0.4.0");
}

TEST(NetConfigTest, TheVirtualFunctionIsTheRuntimesOrTheDevicePlugins) {
  json config = Base();
  config["port"] = "sriov";
  const auto read = [&] { return ReadNetConfig(config.dump(), "ADD"); };
  EXPECT_THAT(std::string(read().status().message()), HasSubstr("deviceID: is missing"));
  for (const char* key : {"pciBusID", "deviceID"}) {
    config[key] = "0000:03:00.2";
    ASSERT_TRUE(read().ok()) << read().status();
    EXPECT_EQ(read()->port.device_key, key);
    EXPECT_EQ(read()->port.device, "0000:03:00.2");
  }
  config["runtimeConfig"] = {{"deviceID", "0000:03:00.3"}};
  EXPECT_EQ(read()->port.device, "0000:03:00.3");
  for (const char* wrong : {"../0000:03:00.3", "eth0", "03:00.3", "0000:03:00.3 "}) {
    config["runtimeConfig"] = {{"deviceID", wrong}};
    EXPECT_EQ(CodeOf(read().status()), kConfig) << wrong;
    EXPECT_THAT(std::string(read().status().message()), HasSubstr("runtimeConfig.deviceID"));
  }
}

TEST(NetConfigTest, ATapHasOneQueue) {
  json config = Base();
  config["port"] = "tap";
  const auto read = ReadNetConfig(config.dump(), "ADD");
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->port.type, PortType::kTap);
  config["queues"] = 2;
  EXPECT_EQ(CodeOf(ReadNetConfig(config.dump(), "ADD").status()), kConfig);
}

struct WrongCase {
  const char* key;
  const char* value;  // JSON
  int code;
  const char* says;
};

class WrongKeyTest : public ::testing::TestWithParam<WrongCase> {};

TEST_P(WrongKeyTest, IsRefusedByName) {
  json config = Base();
  config[GetParam().key] = json::parse(GetParam().value);
  const auto read = ReadNetConfig(config.dump(), "ADD");
  ASSERT_FALSE(read.ok());
  EXPECT_EQ(CodeOf(read.status()), GetParam().code) << read.status();
  EXPECT_THAT(std::string(read.status().message()), HasSubstr(GetParam().key));
  EXPECT_THAT(std::string(read.status().message()), HasSubstr(GetParam().says));
}

INSTANTIATE_TEST_SUITE_P(
    Cases, WrongKeyTest,
    ::testing::Values(
        WrongCase{"cniVersion", "null", kIncompatibleVersion, "\"\" is not one of 0.3.1"},
        WrongCase{"cniVersion", "\"2.0.0\"", kIncompatibleVersion, "\"2.0.0\""},
        WrongCase{"cniVersion", "1", kConfig, "not text"},
        WrongCase{"name", "null", kConfig, "letters"},
        WrongCase{"name", "\"a/b\"", kConfig, "\"a/b\""},
        WrongCase{"daemon", "\"127.0.0.1:1\"", kConfig, "unix:///PATH"},
        WrongCase{"daemon", "7", kConfig, "7 is not text"},
        WrongCase{"network", "\"\"", kConfig, "empty"},
        WrongCase{"netwrok", "\"blue\"", kUnsupportedField, "\"blue\": is no key"},
        WrongCase{"port", "\"veth\"", kConfig, "vhost-user or tap or sriov"},
        WrongCase{"port", "7", kConfig, "7 is not text"},
        WrongCase{"role", "\"master\"", kConfig, "client or server"},
        WrongCase{"queues", "0", kConfig, "from 1 to 16"},
        WrongCase{"queues", "-1", kConfig, "from 1 to 16"},
        WrongCase{"queues", "\"2\"", kConfig, "from 1 to 16"},
        WrongCase{"mtu", "9001", kConfig, "from 68 to 9000"},
        WrongCase{"mac", "\"01:00:5e:00:00:01\"", kConfig, "MAC address of one interface"},
        WrongCase{"mac", "\"rubbish\"", kConfig, "MAC address of one interface"},
        WrongCase{"socketDirectory", "\"run\"", kConfig, "absolute"},
        WrongCase{"podSocketDirectory", "\"run\"", kConfig, "absolute"},
        WrongCase{"socketMode", "\"888\"", kConfig, "octal"},
        WrongCase{"socketMode", "\"7777\"", kConfig, "octal"},
        WrongCase{"stateDirectory", "\"\"", kConfig, "absolute"},
        WrongCase{"daemonStateDirectory", "\"sluiced\"", kConfig, "absolute"},
        WrongCase{"timeoutSeconds", "0", kConfig, "from 1 to 600"},
        WrongCase{"ipam", "[]", kConfig, "not an object"},
        WrongCase{"ipam", "{\"type\": \"../sh\"}", kConfig, "does not name a plugin"},
        WrongCase{"ipam", "{\"subnet\": \"10.0.0.0/8\"}", kConfig, "does not name a plugin"},
        WrongCase{"runtimeConfig", "{\"ips\": [\"10.0.0\"]}", kConfig, "10.0.0"},
        WrongCase{"runtimeConfig", "{\"mac\": 7}", kConfig, "mac"},
        WrongCase{"runtimeConfig", "{\"CNIDeviceInfoFile\": \"x\"}", kConfig, "absolute"},
        WrongCase{"prevResult", "{\"ips\": [{\"address\": \"10.0.0.1\"}]}", kDecode, "10.0.0.1"}));

TEST(NetConfigTest, WhatIsNoObjectCannotBeDecoded) {
  for (const char* text : {"", "[]", "{", "7", "{\"a\": \"\xff\"}"}) {
    EXPECT_EQ(CodeOf(ReadNetConfig(text, "ADD").status()), kDecode) << text;
  }
  const size_t levels = 500'000;  // more than a stack holds, if each is a call
  const std::string deep = R"({"cniVersion": "1.1.0", "name": "pods", "netwrok": )" +
                           std::string(levels, '[') + std::string(levels, ']') + "}";
  EXPECT_EQ(CodeOf(ReadNetConfig(deep, "ADD").status()), kDecode);
}

TEST(NetConfigTest, AMistakeInThePortDoesNotKeepDelFromItsWork) {
  json config = Base();
  config["port"] = "tap";
  config["queues"] = 99;
  config["prevResult"] = {{"ips", {{{"address", "?"}}}}};
  EXPECT_TRUE(ReadNetConfig(config.dump(), "DEL").ok());
}

TEST(NetConfigTest, CommandsAreRefusedInVersionsThatDoNotHaveThem) {
  json config = Base();
  config["cni.dev/valid-attachments"] = json::array();
  const std::pair<const char*, const char*> refused[] = {
      {"0.3.1", "CHECK"}, {"1.0.0", "GC"}, {"1.0.0", "STATUS"}};
  for (const auto& [version, command] : refused) {
    config["cniVersion"] = version;
    EXPECT_EQ(CodeOf(ReadNetConfig(config.dump(), command).status()), kIncompatibleVersion);
  }
  config["cniVersion"] = "0.4.0";
  EXPECT_TRUE(ReadNetConfig(config.dump(), "CHECK").ok());
}

TEST(NetConfigTest, GcHasTheListOfWhatIsValid) {
  json config = Base();
  for (const json& wrong : {json("all"), json{{{"containerID", "a"}}}, json{"a"}}) {
    config["cni.dev/valid-attachments"] = wrong;
    EXPECT_EQ(CodeOf(ReadNetConfig(config.dump(), "GC").status()), kConfig) << wrong;
  }
  config["cni.dev/valid-attachments"] = {{{"containerID", "a"}, {"ifname", "net1"}}};
  const auto read = ReadNetConfig(config.dump(), "GC");
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_THAT(*read->valid, ElementsAre(Pair("a", "net1")));
}

TEST(NetConfigTest, GcTakesTheListAsLibcniWritesIt) {
  json empty = Base();
  empty["cni.dev/valid-attachments"] = nullptr;
  EXPECT_THAT(ReadNetConfig(empty.dump(), "GC")->valid, Optional(IsEmpty()));
  EXPECT_EQ(ReadNetConfig(Base().dump(), "GC")->valid, std::nullopt);
  json old = Base();
  old["cni.dev/attachments"] = {{{"containerID", "a"}, {"ifname", "net1"}}};
  EXPECT_THAT(*ReadNetConfig(old.dump(), "GC")->valid, ElementsAre(Pair("a", "net1")));
}

}  // namespace
}  // namespace sluice::cni
