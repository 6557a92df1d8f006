// Reports are kept with their age.
#include "control/source_reports.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice::control {
namespace {

using namespace std::chrono_literals;
using testing::Eq;
using testing::Optional;
using testing::SizeIs;

class SourceReportsTest : public testing::Test {
 protected:
  static SourceReport Report(const std::string& version) {
    SourceReport report;
    report.version = version;
    report.acknowledged_seconds = 1;
    report.kinds = {{"pods", "synced", true, 3, 2.0, ""},
                    {"nodes", "forbidden", false, 0, {}, "no"}};
    return report;
  }

  SourceReports::Time now_{1h};
  SourceReports reports_{[this] { return now_; }};
};

TEST_F(SourceReportsTest, TheNewestOfEachSourceIsKeptAndEverythingInItAges) {
  reports_.Put("b", Report("b-1"));
  reports_.Put("a", Report("a-1"));
  now_ += 5s;
  reports_.Put("a", Report("a-2"));
  now_ += 500ms;
  const std::vector<SourceStatus> list = reports_.List();
  ASSERT_THAT(list, SizeIs(2));
  EXPECT_EQ(list[0].report.version, "a-2");
  EXPECT_EQ(list[0].age_seconds, 0.5);
  EXPECT_EQ(list[1].source, "b");
  EXPECT_EQ(list[1].age_seconds, 5.5);
  EXPECT_THAT(list[1].report.acknowledged_seconds, Optional(6.5));
  EXPECT_THAT(list[1].report.kinds[0].heard_seconds, Optional(7.5));
  EXPECT_THAT(list[1].report.kinds[1].heard_seconds, Eq(std::nullopt));
}

TEST_F(SourceReportsTest, TheOneThatIsSilentLongestMakesRoom) {
  for (size_t i = 0; i <= SourceReports::kMaxSources; ++i) {
    reports_.Put(fmt::format("s{:02}", i), Report("1"));
    now_ += 1s;
    if (i == 1) reports_.Put("s00", Report("2"));
  }
  const std::vector<SourceStatus> list = reports_.List();
  ASSERT_THAT(list, SizeIs(SourceReports::kMaxSources));
  EXPECT_EQ(list[0].source, "s00");
  EXPECT_EQ(list[1].source, "s02");
}

TEST_F(SourceReportsTest, TheNewestWordOfAnyKindIsTheSources) {
  EXPECT_THAT(NewestHeardSeconds({}), Eq(std::nullopt));
  SourceReport report = Report("1");
  report.kinds.push_back({"networkpolicies", "away", true, 0, 1.5, "cut off"});
  EXPECT_THAT(NewestHeardSeconds(report), Optional(1.5));
}

}  // namespace
}  // namespace sluice::control
