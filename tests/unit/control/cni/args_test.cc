#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "control/cni/attachment.h"
#include "control/cni/cni_args.h"
#include "control/cni/cni_error.h"

namespace sluice::cni {
namespace {

using ::testing::HasSubstr;
using ::testing::MatchesRegex;

Environment AddEnvironment() {
  return {
      {"CNI_COMMAND", "ADD"},
      {"CNI_CONTAINERID", "c0ffee"},
      {"CNI_NETNS", "/proc/self/ns/net"},
      {"CNI_IFNAME", "net1"},
      {"CNI_ARGS", "IgnoreUnknown=1;K8S_POD_NAMESPACE=default;K8S_POD_NAME=web;K8S_POD_UID=u-1"},
      {"CNI_PATH", "/opt/cni/bin"}};
}

TEST(ArgsTest, WhatTheRuntimeSaysIsRead) {
  const auto args = ReadArgs(AddEnvironment());
  ASSERT_TRUE(args.ok()) << args.status();
  EXPECT_EQ(args->command, "ADD");
  EXPECT_EQ(args->container_id, "c0ffee");
  EXPECT_EQ(args->ifname, "net1");
  EXPECT_EQ(args->pod_namespace, "default");
  EXPECT_EQ(args->pod_name, "web");
  EXPECT_EQ(args->pod_uid, "u-1");
}

struct WrongCase {
  const char* variable;
  const char* value;
  int code;
};

class WrongArgsTest : public ::testing::TestWithParam<WrongCase> {};

TEST_P(WrongArgsTest, IsRefusedByTheNameOfTheVariable) {
  Environment environment = AddEnvironment();
  environment[GetParam().variable] = GetParam().value;
  const auto args = ReadArgs(environment);
  ASSERT_FALSE(args.ok());
  EXPECT_EQ(CodeOf(args.status()), GetParam().code);
  EXPECT_THAT(std::string(args.status().message()), HasSubstr(GetParam().variable));
}

INSTANTIATE_TEST_SUITE_P(
    Cases, WrongArgsTest,
    ::testing::Values(
        WrongCase{"CNI_COMMAND", "", kEnvironment}, WrongCase{"CNI_COMMAND", "add", kEnvironment},
        WrongCase{"CNI_CONTAINERID", "", kEnvironment},
        WrongCase{"CNI_CONTAINERID", "../x", kEnvironment},
        WrongCase{"CNI_CONTAINERID", "-x", kEnvironment}, WrongCase{"CNI_NETNS", "", kEnvironment},
        WrongCase{"CNI_NETNS", "/no/such/namespace", kUnknownContainer},
        WrongCase{"CNI_IFNAME", "", kEnvironment}, WrongCase{"CNI_IFNAME", "a/b", kEnvironment},
        WrongCase{"CNI_IFNAME", "..", kEnvironment},
        WrongCase{"CNI_IFNAME", "sixteencharacter", kEnvironment},
        WrongCase{"CNI_ARGS", "", kEnvironment}, WrongCase{"CNI_ARGS", "nonsense", kEnvironment},
        WrongCase{"CNI_ARGS", "K8S_POD_NAMESPACE=default", kEnvironment},
        WrongCase{"CNI_ARGS", "K8S_POD_NAMESPACE=a;K8S_POD_NAME=b;K8S_POD_UID=../c",
                  kEnvironment}));

TEST(ArgsTest, DelNeedsNeitherNetnsNorPod) {
  const auto args =
      ReadArgs({{"CNI_COMMAND", "DEL"}, {"CNI_CONTAINERID", "c0ffee"}, {"CNI_IFNAME", "net1"}});
  EXPECT_TRUE(args.ok()) << args.status();
}

TEST(AttachmentTest, ItsTextIsReadBack) {
  const AttachmentId id{"pods", "c0ffee", "net1"};
  EXPECT_EQ(ToText(id), "pods/c0ffee/net1");
  EXPECT_EQ(ParseAttachment("pods/c0ffee/net1"), id);
  EXPECT_EQ(ParseAttachment("pods/c0ffee"), std::nullopt);
  EXPECT_EQ(ParseAttachment(""), std::nullopt);
}

TEST(AttachmentTest, NamesAreItsOwnAndThePortTakesThem) {
  const AttachmentId one{"pods", "c0ffee", "net1"}, other{"pods", "c0ffee", "net2"};
  EXPECT_THAT(PortNameOf(one), MatchesRegex("cni-[0-9a-f]+"));
  EXPECT_EQ(PortNameOf(one).size(), 20u);
  EXPECT_NE(PortNameOf(one), PortNameOf(other));
  EXPECT_NE(MacOf(one), MacOf(other));
  EXPECT_EQ(MacOf(one), MacOf(one));
}

}  // namespace
}  // namespace sluice::cni
