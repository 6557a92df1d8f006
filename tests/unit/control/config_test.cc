#include "control/grpc/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace sluice::control {
namespace {

using ::testing::ElementsAre;

CommandLine Parse(std::vector<const char*> flags) {
  flags.insert(flags.begin(), "sluiced");
  return ParseCommandLine(static_cast<int>(flags.size()), flags.data());
}

TEST(ConfigTest, TheDefaultsAreThoseOfTheContract) {
  const CommandLine line = Parse({});
  ASSERT_TRUE(line.config.has_value());
  EXPECT_EQ(line.config->listen, "unix:///run/sluice/sluiced.sock");
  EXPECT_EQ(line.config->eal.file_prefix, "sluiced");
  EXPECT_EQ(line.config->eal.huge_pages, dataplane::HugePages::kAuto);
  EXPECT_THAT(line.config->eal.worker_cores, ElementsAre(1));
  EXPECT_EQ(line.config->publisher.policy.unlisted_pods, UnlistedPods::kDeny);
}

TEST(ConfigTest, EveryFlagArrives) {
  const CommandLine line = Parse({"--listen",
                                  "unix:///tmp/x.sock",
                                  "--worker-cores",
                                  "1,3",
                                  "--main-core",
                                  "2",
                                  "--huge",
                                  "off",
                                  "--memory",
                                  "700",
                                  "--file-prefix",
                                  "x",
                                  "--connections",
                                  "100",
                                  "--connection-share",
                                  "30",
                                  "--connection-file",
                                  "/dev/hugepages/sluice",
                                  "--packet-buffers",
                                  "200",
                                  "--fragment-timeout-ms",
                                  "1500",
                                  "--idle-sleep-us",
                                  "5",
                                  "--tcp-liberal",
                                  "--tcp-pick-up",
                                  "--timeout",
                                  "established=100",
                                  "--timeout",
                                  "time_wait=1",
                                  "--cluster-cidr",
                                  "10.0.0.0/8",
                                  "--cluster-cidr",
                                  "fd00::/8",
                                  "--unlisted-pods",
                                  "default_class",
                                  "--node",
                                  "n1",
                                  "--log-level",
                                  "debug"});
  ASSERT_TRUE(line.config.has_value());
  const Config& config = *line.config;
  EXPECT_EQ(config.listen, "unix:///tmp/x.sock");
  EXPECT_THAT(config.data_plane.worker_cores, ElementsAre(1, 3));
  EXPECT_THAT(config.eal.worker_cores, ElementsAre(1, 3));
  EXPECT_EQ(config.eal.main_core, 2);
  EXPECT_EQ(config.eal.huge_pages, dataplane::HugePages::kOff);
  EXPECT_EQ(config.eal.memory_mb, 700u);
  EXPECT_EQ(config.eal.file_prefix, "x");
  EXPECT_EQ(config.data_plane.connection_capacity, 100u);
  EXPECT_EQ(config.data_plane.connection_share, 30u);
  EXPECT_EQ(config.data_plane.connection_file, "/dev/hugepages/sluice");
  EXPECT_EQ(config.data_plane.packet_buffers, 200u);
  EXPECT_TRUE(config.data_plane.tracking.be_liberal);
  EXPECT_TRUE(config.data_plane.tracking.tcp_pick_up);
  using dataplane::ConnectionState;
  EXPECT_EQ(config.data_plane.tracking.Timeout(ConnectionState::kEstablished), 100'000u);
  EXPECT_EQ(config.data_plane.tracking.Timeout(ConnectionState::kTimeWait), 1'000u);
  EXPECT_EQ(config.data_plane.idle_sleep_us, 5u);
  EXPECT_EQ(config.data_plane.fragment_timeout_ms, 1500u);
  EXPECT_THAT(config.publisher.policy.cluster_cidrs,
              ElementsAre(*acl::Cidr::Parse("10.0.0.0/8"), *acl::Cidr::Parse("fd00::/8")));
  EXPECT_EQ(config.publisher.policy.unlisted_pods, UnlistedPods::kDefaultClass);
  EXPECT_EQ(config.node, "n1");
  EXPECT_EQ(config.log_level, "debug");
}

TEST(ConfigTest, FlagsOfNetworksArrive) {
  const CommandLine defaults = Parse({});
  EXPECT_EQ(defaults.config->publisher.policy.own_node, OwnNode::kAllow);
  EXPECT_EQ(defaults.config->publisher.learned_macs.capacity, 4096u);
  EXPECT_EQ(defaults.config->publisher.learned_macs.max_age_s, 300u);
  const CommandLine line =
      Parse({"--own-node", "judge", "--learned-macs", "100", "--learned-mac-age", "7"});
  ASSERT_TRUE(line.config.has_value());
  EXPECT_EQ(line.config->publisher.policy.own_node, OwnNode::kJudge);
  EXPECT_EQ(line.config->publisher.learned_macs.capacity, 100u);
  EXPECT_EQ(line.config->publisher.learned_macs.max_age_s, 7u);
  EXPECT_FALSE(Parse({"--own-node", "maybe"}).config.has_value());
  EXPECT_EQ(defaults.config->publisher.policy.legacy_policy, acl::LegacyPolicy::kAnnotation);
  EXPECT_EQ(Parse({"--legacy-policy", "v1"}).config->publisher.policy.legacy_policy,
            acl::LegacyPolicy::kV1);
  EXPECT_FALSE(Parse({"--legacy-policy", "v2"}).config.has_value());
  EXPECT_FALSE(Parse({"--learned-macs", "0"}).config.has_value());
}

TEST(ConfigTest, SharesOfNamespacesArrive) {
  const StateLimits defaults = Parse({}).config->publisher.state;
  EXPECT_EQ(defaults.terms_a_namespace, 20'000u);
  EXPECT_EQ(defaults.rules, (TenantShares{.a_namespace = 20'000, .cluster_wide = 50'000}));
  EXPECT_EQ(defaults.classes, (TenantShares{.a_namespace = 20'000, .cluster_wide = 30'000}));
  const CommandLine line =
      Parse({"--namespace-terms", "7", "--namespace-rules", "8", "--cluster-rules", "9",
             "--namespace-classes", "10", "--cluster-classes", "11"});
  ASSERT_TRUE(line.config.has_value());
  EXPECT_EQ(line.config->publisher.state.terms_a_namespace, 7u);
  EXPECT_EQ(line.config->publisher.state.rules,
            (TenantShares{.a_namespace = 8, .cluster_wide = 9}));
  EXPECT_EQ(line.config->publisher.state.classes,
            (TenantShares{.a_namespace = 10, .cluster_wide = 11}));
  EXPECT_FALSE(Parse({"--namespace-rules", "0"}).config.has_value());
}

TEST(ConfigTest, SpareCoresAreTheLastWorkersAndAtRest) {
  const CommandLine line = Parse({"--worker-cores", "1,3", "--spare-cores", "5,6"});
  ASSERT_TRUE(line.config.has_value());
  EXPECT_THAT(line.config->data_plane.worker_cores, ElementsAre(1, 3, 5, 6));
  EXPECT_THAT(line.config->eal.worker_cores, ElementsAre(1, 3, 5, 6));
  EXPECT_THAT(line.config->publisher.at_rest, ElementsAre(2, 3));
  EXPECT_FALSE(Parse({"--worker-cores", "1,3", "--spare-cores", "3"}).config.has_value());
}

TEST(ConfigTest, BadFlagsAreBadUsage) {
  const std::vector<std::vector<const char*>> kRows = {
      {"--no-such-flag"},      {"--listen", "0.0.0.0:80"},   {"--cluster-cidr", "10.0.0.0/33"},
      {"--worker-cores", "a"}, {"--unlisted-pods", "allow"}, {"--huge", "maybe"},
      {"--connections", "0"},  {"--log-level", "loud"},      {"--config", "/no/such/file"}};
  for (const auto& flags : kRows) {
    const CommandLine line = Parse(flags);
    EXPECT_FALSE(line.config.has_value()) << flags[0];
    EXPECT_EQ(line.exit_code, 2) << flags[0];
  }
}

TEST(ConfigTest, HelpIsNoError) {
  const CommandLine line = Parse({"--help"});
  EXPECT_FALSE(line.config.has_value());
  EXPECT_EQ(line.exit_code, 0);
}

TEST(ConfigTest, AnUnknownSettingInAFileIsBadUsage) {
  for (const char* text : {"unlisted-pod = deny\n", "[sluiced]\nnode = n1\n"}) {
    std::string path = std::filesystem::temp_directory_path() / "sluice-config-XXXXXX";
    ASSERT_GE(mkstemp(path.data()), 0);
    std::ofstream(path) << text;
    const CommandLine line = Parse({"--config", path.c_str()});
    std::filesystem::remove(path);
    EXPECT_FALSE(line.config.has_value()) << text;
    EXPECT_EQ(line.exit_code, 2) << text;
  }
}

TEST(ConfigTest, AFileSetsFlagsAndTheCommandLineWins) {
  std::string path = std::filesystem::temp_directory_path() / "sluice-config-XXXXXX";
  const int fd = mkstemp(path.data());
  ASSERT_GE(fd, 0);
  std::ofstream(path) << "node = \"from-file\"\nmemory = 700\nworker-cores = [1, 2]\n";
  const CommandLine line = Parse({"--config", path.c_str(), "--memory", "300"});
  std::filesystem::remove(path);
  ASSERT_TRUE(line.config.has_value());
  EXPECT_EQ(line.config->node, "from-file");
  EXPECT_EQ(line.config->eal.memory_mb, 300u);
  EXPECT_THAT(line.config->eal.worker_cores, ElementsAre(1, 2));
}

}  // namespace
}  // namespace sluice::control
