#include "control/ctl/probe_file.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace sluice::ctl {
namespace {

TEST(ProbeFile, ProbesAreRead) {
  const auto probes = ParseProbes("p", R"([
    {"from": "a/b", "to": "10.0.0.1", "protocol": "tcp", "port": 80},
    {"from": "a/b", "to": "c/d", "protocol": "icmp", "port": null, "family": 6, "network": "a/fast"}
  ])");
  ASSERT_TRUE(probes.ok()) << probes.status();
  ASSERT_EQ(probes->size(), 2);
  EXPECT_EQ((*probes)[0].from, "a/b");
  EXPECT_EQ((*probes)[0].to, "10.0.0.1");
  EXPECT_EQ((*probes)[0].protocol, "tcp");
  EXPECT_EQ((*probes)[0].port, 80);
  EXPECT_EQ((*probes)[0].family, 0);
  EXPECT_EQ((*probes)[1].port, std::nullopt);
  EXPECT_EQ((*probes)[1].family, 6);
  EXPECT_EQ((*probes)[0].network, "");
  EXPECT_EQ((*probes)[1].network, "a/fast");
  EXPECT_TRUE(ParseProbes("p", "[]").ok());
}

TEST(ProbeFile, BadProbeIsNamed) {
  const std::vector<std::pair<std::string, std::string>> rows = {
      {"", "p: must be one JSON list of probes"},
      {"{}", "p: must be one JSON list of probes"},
      {"[] []", "p: must be one JSON list of probes"},
      {"[{]",
       "p: line 1: JSON: syntax error while parsing object key - unexpected ']'; expected string "
       "literal"},
      {"[1]", "p: probe[0]: must be a map, not the number 1"},
      {R"([{"from":"a/b","to":"c/d","protocol":"tcp","port":1}, {"to":"c/d","protocol":"tcp"}])",
       "p: probe[1]: from: is missing"},
      {R"([{"from":"a/b","protocol":"tcp"}])", "p: probe[0]: to: is missing"},
      {R"([{"from":"a/b","to":"c/d"}])", "p: probe[0]: protocol: is missing"},
      {R"([{"from":"a/b","to":"c/d","protocol":6}])",
       "p: probe[0]: protocol: must be text (in quotes), not the number 6"},
      {R"([{"from":"a/b","to":"c/d","protocol":"tcp","port":"80"}])",
       "p: probe[0]: port: must be an integer, not the text \"80\""},
      {R"([{"from":"a/b","to":"c/d","protocol":"tcp","port":80.5}])",
       "p: probe[0]: port: must be an integer, not the number 80.5"},
      {R"([{"from":"a/b","to":"c/d","protocol":"tcp","port":80,"family":0}])",
       "p: probe[0]: family: 0 is neither 4 nor 6"},
      {R"([{"from":"a/b","to":"c/d","protocol":"tcp","port":80,"network":1}])",
       "p: probe[0]: network: must be text (in quotes), not the number 1"},
      {R"([{"from":"a/b","to":"c/d","protocol":"tcp","prot":80}])",
       "p: probe[0]: prot: unknown field"},
  };
  for (const auto& [text, error] : rows) {
    EXPECT_EQ(ParseProbes("p", text).status(), absl::InvalidArgumentError(error)) << text;
  }
}

}  // namespace
}  // namespace sluice::ctl
