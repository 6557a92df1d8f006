#include "control/ctl/redact.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

#include "control/ctl/bundle_file.h"

namespace sluice::ctl {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(RedactTest, SecretsGoWhateverTheyStandIn) {
  const std::vector<std::string> rows = {
      "API_TOKEN=PLANTED",
      "export DB_PASSWORD='PLANTED with blanks'",
      "password: PLANTED",
      R"("client_secret": "PLANTED, \" and more PLANTED", "a": 1)",
      "client-key-data: PLANTED",
      "certificate-data = PLANTED",
      "apiKey=PLANTED",
      "Authorization: Basic PLANTED==",
      "curl -H 'X: Bearer PLANTED.a-b'",
      "https://user:PLANTED@host:6443/path",
      "text eyJhbGciOiJ.eyJzdWIiOiPLANTED.c2lnbmF0dXJlPLANTED text",
      "-----BEGIN PRIVATE KEY-----\nPLANTED\nPLANTED\n-----END PRIVATE KEY-----",
      R"({"pem": "-----BEGIN CERTIFICATE-----\nPLANTED\n-----END CERTIFICATE-----"})",
      "-----BEGIN EC PRIVATE KEY-----\nPLANTED, and no end",
      "x: LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tPLANTED==",
      "SECRET = " + std::string(100'000, 'x') + "PLANTED",
  };
  for (const std::string& row : rows) {
    const std::string text = Redact("before\n" + row + "\nafter");
    EXPECT_THAT(text, Not(HasSubstr("PLANTED"))) << row.substr(0, 100);
    EXPECT_THAT(text, HasSubstr("before\n")) << row.substr(0, 100);
  }
}

TEST(RedactTest, WhatIsNoSecretStays) {
  const std::string text =
      "worker-cores = [1, 2]\n\"name\": \"default/web\",\nnode = \"n1\"\n"
      "unix:///run/sluice/sluiced.sock\n02:00:00:00:00:0d fd00::1/64\nthe basic idea\n";
  EXPECT_EQ(Redact(text), text);
}

TEST(RedactTest, WhatComesAfterABlockStays) {
  EXPECT_EQ(Redact("-----BEGIN X-----\nabc\n-----END X-----\nafter\n"), "[removed]\nafter\n");
  EXPECT_EQ(Redact(""), "");
}

TEST(BundleFileTest, IsForItsOwnerAndReplacesNothing) {
  std::string directory = std::filesystem::temp_directory_path() / "sluice-bundle-XXXXXX";
  ASSERT_NE(mkdtemp(directory.data()), nullptr);
  const std::string path = directory + "/b.tar.gz";
  const mode_t before = umask(0);
  EXPECT_TRUE(WriteArchive(path, {{"a/b.txt", "text"}, {"empty", ""}}).ok());
  umask(before);
  struct stat status {};
  EXPECT_EQ(stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777u, 0600u);
  EXPECT_THAT(std::string(WriteArchive(path, {}).message()), HasSubstr("exists"));
  EXPECT_THAT(std::string(WriteArchive(directory + "/no/x", {}).message()), HasSubstr("no/x"));
  std::filesystem::remove_all(directory);
}

}  // namespace
}  // namespace sluice::ctl
