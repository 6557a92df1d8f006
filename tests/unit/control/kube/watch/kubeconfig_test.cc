#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>

#include "control/kube/watch/api_access.h"
#include "control/kube/watch/base64.h"
#include "tests/support/temporary_directory.h"

namespace sluice::control {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

class KubeconfigTest : public testing::Test {
 protected:
  std::string Write(const std::string& name, const std::string& text) const {
    std::ofstream(directory_ / name) << text;
    return directory_ / name;
  }
  absl::StatusOr<ApiAccess> Read(const std::string& cluster, const std::string& user) const {
    return ReadKubeconfig(Write("config", fmt::format(R"(apiVersion: v1
kind: Config
preferences: {{}}
current-context: here
contexts:
- {{name: there, context: {{cluster: other, user: nobody}}}}
- {{name: here, context: {{cluster: k, user: u, namespace: x}}}}
clusters:
- name: k
  cluster: {{{}}}
users:
- name: u
  user: {{{}}}
)",
                                                      cluster, user)));
  }
  std::string ErrorOf(const std::string& cluster, const std::string& user) const {
    const auto access = Read(cluster, user);
    return access.ok() ? "read" : std::string(access.status().message());
  }

  const test::TemporaryDirectory directory_;
};

TEST_F(KubeconfigTest, DataIsDecodedAndPathsAreRelativeToTheFile) {
  const auto access = Read("server: 'https://h:6443/', certificate-authority-data: Q0E=",
                           "client-certificate: c.pem, client-key: /abs/k.pem, tokenFile: t");
  ASSERT_TRUE(access.ok()) << access.status();
  EXPECT_EQ(access->server, "https://h:6443");
  EXPECT_EQ(access->authority_pem, "CA");
  EXPECT_EQ(access->authority_file, "");
  EXPECT_EQ(access->certificate_file, (directory_ / "c.pem").string());
  EXPECT_EQ(access->key_file, "/abs/k.pem");
  EXPECT_EQ(access->token_file, (directory_ / "t").string());
  EXPECT_FALSE(access->skips_verification);
}

TEST_F(KubeconfigTest, DataWinsOverAFileAndVerificationCanBeSkipped) {
  const auto access = Read(
      "server: 'https://h', certificate-authority: x, certificate-authority-data: Q0E=, "
      "insecure-skip-tls-verify: true",
      "token: abc");
  ASSERT_TRUE(access.ok()) << access.status();
  EXPECT_EQ(access->authority_file, "");
  EXPECT_TRUE(access->skips_verification);
  EXPECT_EQ(*access->ReadToken(), "abc");
}

TEST_F(KubeconfigTest, WhatIsNotSupportedIsRefusedByName) {
  for (const char* user : {"exec: {command: aws}", "auth-provider: {name: gcp}",
                           "username: a, password: b", "as: root", "as-groups: [g]"}) {
    const std::string field(user, std::string_view(user).find(':'));
    EXPECT_THAT(ErrorOf("server: 'https://h'", user),
                testing::AllOf(StartsWith((directory_ / "config").string() + ": "),
                               HasSubstr("." + field + ": is not supported")))
        << user;
    EXPECT_TRUE(absl::IsUnimplemented(Read("server: 'https://h'", user).status())) << user;
  }
  for (const char* cluster : {"proxy-url: 'http://p'", "tls-server-name: n"}) {
    EXPECT_THAT(ErrorOf(fmt::format("server: 'https://h', {}", cluster), "token: t"),
                HasSubstr("is not supported"))
        << cluster;
  }
}

TEST_F(KubeconfigTest, WhatIsWrongIsRefusedWithItsField) {
  EXPECT_THAT(ErrorOf("server: h:6443", "token: t"), HasSubstr("server: must be http"));
  EXPECT_THAT(ErrorOf("certificate-authority: x", "token: t"), HasSubstr("server: must be http"));
  EXPECT_THAT(ErrorOf("server: 'https://h', certificate-authority-data: '*'", "token: t"),
              HasSubstr("certificate-authority-data: is no base64"));
  EXPECT_THAT(ErrorOf("server: 'https://h'", "client-certificate: c"),
              HasSubstr("client-key: is missing"));
  EXPECT_THAT(ErrorOf("server: 'https://h'", "client-key: k"),
              HasSubstr("client-certificate: is missing"));
  EXPECT_THAT(ErrorOf("server: 'https://h'", "token: [t]"), HasSubstr("token: must be text"));
}

TEST_F(KubeconfigTest, WhatNamesNothingIsRefused) {
  const auto error = [this](const std::string& text) {
    return std::string(ReadKubeconfig(Write("c", text)).status().message());
  };
  EXPECT_THAT(error("kind: Config\n"), HasSubstr("current-context: is missing"));
  EXPECT_THAT(error("current-context: a\n"), HasSubstr("contexts: has no entry \"a\""));
  EXPECT_THAT(error("current-context: a\ncontexts: [{name: a, context: {cluster: b}}]\n"),
              HasSubstr("clusters: has no entry \"b\""));
  EXPECT_THAT(error("a: ["), HasSubstr("line 1"));
  EXPECT_THAT(error(""), HasSubstr("must be one document"));
  EXPECT_TRUE(absl::IsNotFound(ReadKubeconfig((directory_ / "no").string()).status()));
}

TEST_F(KubeconfigTest, ATokenFileIsReadAnewEachTime) {
  ApiAccess access;
  access.token_file = Write("token", "one\n");
  EXPECT_EQ(*access.ReadToken(), "one");
  Write("token", "two");
  EXPECT_EQ(*access.ReadToken(), "two");
  std::filesystem::remove(access.token_file);
  EXPECT_FALSE(access.ReadToken().ok());
}

TEST_F(KubeconfigTest, InsideAClusterTheServiceAccountLeadsIn) {
  std::map<std::string, std::string> environment;
  const auto getenv = [&](const char* name) -> const char* {
    const auto found = environment.find(name);
    return found == environment.end() ? nullptr : found->second.c_str();
  };
  EXPECT_TRUE(absl::IsFailedPrecondition(InClusterAccess(getenv).status()));
  environment = {{"KUBERNETES_SERVICE_HOST", "10.0.0.1"}, {"KUBERNETES_SERVICE_PORT", "443"}};
  EXPECT_EQ(InClusterAccess(getenv, "/d")->server, "https://10.0.0.1:443");
  EXPECT_EQ(InClusterAccess(getenv, "/d")->token_file, "/d/token");
  environment["KUBERNETES_SERVICE_HOST"] = "fd00::1";
  EXPECT_EQ(InClusterAccess(getenv)->server, "https://[fd00::1]:443");
}

TEST(Base64, IsDecodedOrNot) {
  const std::map<std::string, std::string> good = {
      {"", ""},    {"Zg==", "f"},       {"Zm8=", "fo"}, {"Zm9v", "foo"}, {"Zm9v\nYmFy\n", "foobar"},
      {"Zg", "f"}, {"/+8=", "\xff\xef"}};
  for (const auto& [text, bytes] : good) EXPECT_EQ(DecodeBase64(text), bytes) << text;
  for (const char* text : {"Z", "Zg=", "Z===", "Zg==Zg==", "Zm9v=", "Z*==", "===="}) {
    EXPECT_EQ(DecodeBase64(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace sluice::control
