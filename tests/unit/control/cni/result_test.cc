#include "control/cni/result.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "control/cni/cni_error.h"

namespace sluice::cni {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

json Newest() {
  return json::parse(R"({
    "cniVersion": "1.1.0",
    "interfaces": [{"name": "net1", "mac": "02:00:00:00:00:01", "mtu": 1500, "sandbox": "/ns",
                    "socketPath": "/run/net1.sock"}],
    "ips": [{"address": "10.1.0.5/16", "gateway": "10.1.0.1", "interface": 0},
            {"address": "fd00::5/64", "interface": 0}],
    "routes": [{"dst": "0.0.0.0/0", "gw": "10.1.0.1", "mtu": 1400}],
    "dns": {"nameservers": ["10.1.0.1"]}})");
}

TEST(ResultTest, TheNewestVersionSaysAllThatWasRead) {
  const auto result = ParseResult(Newest(), "test");
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(ToJson(*result, "1.1.0"), Newest());
}

TEST(ResultTest, EarlierVersionsSayLessOfInterfacesAndRoutes) {
  const json old = ToJson(*ParseResult(Newest(), "test"), "1.0.0");
  EXPECT_EQ(old["cniVersion"], "1.0.0");
  EXPECT_EQ(old["interfaces"][0],
            (json{{"name", "net1"}, {"mac", "02:00:00:00:00:01"}, {"sandbox", "/ns"}}));
  EXPECT_EQ(old["routes"][0], (json{{"dst", "0.0.0.0/0"}, {"gw", "10.1.0.1"}}));
  EXPECT_EQ(old["ips"], Newest()["ips"]);
}

TEST(ResultTest, BeforeOneZeroAnAddressSaysItsVersion) {
  for (const char* version : {"0.3.1", "0.4.0"}) {
    const json old = ToJson(*ParseResult(Newest(), "test"), version);
    EXPECT_EQ(old["ips"][0]["version"], "4");
    EXPECT_EQ(old["ips"][1]["version"], "6");
    EXPECT_EQ(ToJson(*ParseResult(old, "test"), version), old);
  }
}

TEST(ResultTest, AnEmptyOneIsAResult) {
  EXPECT_EQ(ToJson(*ParseResult(json::object(), "test"), "1.1.0"), (json{{"cniVersion", "1.1.0"}}));
}

TEST(ResultTest, WhatIsWrongInItIsNamed) {
  const std::pair<const char*, const char*> wrong[] = {
      {"[]", "not a JSON object"},
      {R"({"ips": {}})", "ips: is not a list"},
      {R"({"ips": [7]})", "not an object"},
      {R"({"ips": [{"address": "10.0.0.1"}]})", "\"10.0.0.1\" is not ADDRESS/LENGTH"},
      {R"({"ips": [{"address": "10.0.0.1/33"}]})", "10.0.0.1/33"},
      {R"({"ips": [{"address": "10.0.0.1/8", "gateway": "x"}]})", "gateway \"x\""},
      {R"({"ips": [{"address": "10.0.0.1/8", "interface": 0}]})", "interface 0 is not there"},
      {R"({"routes": [{"dst": "home"}]})", "\"home\" is not a destination"}};
  for (const auto& [text, says] : wrong) {
    const auto result = ParseResult(json::parse(text), "test");
    ASSERT_FALSE(result.ok()) << text;
    EXPECT_EQ(CodeOf(result.status()), kDecode);
    EXPECT_THAT(std::string(result.status().message()), HasSubstr(says));
  }
}

TEST(ErrorTest, TheRuntimeIsToldCodeAndReason) {
  const json error = ErrorToJson(Fail(kConfig, "configuration: mtu: 7"), "0.4.0");
  EXPECT_EQ(error, (json{{"cniVersion", "0.4.0"},
                         {"code", 7},
                         {"msg", "configuration: mtu: 7"},
                         {"details", "invalid network configuration"}}));
}

TEST(ErrorTest, WhatPassesIsToBeTriedAgain) {
  EXPECT_EQ(CodeOf(absl::UnavailableError("")), kTryAgain);
  EXPECT_EQ(CodeOf(absl::DeadlineExceededError("")), kTryAgain);
  EXPECT_EQ(CodeOf(absl::ResourceExhaustedError("")), kTryAgain);
  EXPECT_EQ(CodeOf(absl::AlreadyExistsError("")), kRefused);
}

}  // namespace
}  // namespace sluice::cni
