#include "control/watcher/object_feed.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/control/watcher/items.h"

namespace sluice::control {
namespace {

using testing::HasSubstr;

class ObjectFeedTest : public testing::Test {
 protected:
  static StreamedObject Named(const std::string& name, size_t bytes) {
    return {"", {"", name, "u", "1"}, {{"metadata", {{"name", name}}}}, absl::OkStatus(), bytes};
  }

  ClusterSet set_{{"Namespace"}, [] { return ClusterSet::Time(); }};
  ObjectFeed feed_{WatchedKinds().front(), set_};
};

TEST_F(ObjectFeedTest, AListHasABoundAndTheNextOneStartsFromNothing) {
  feed_.OnListBegin();
  EXPECT_TRUE(feed_.OnListed(Named("a", ObjectFeed::kMaxListedBytes)).ok());
  const absl::Status status = feed_.OnListed(Named("b", 1));
  EXPECT_TRUE(absl::IsResourceExhausted(status));
  EXPECT_THAT(std::string(status.message()), HasSubstr("more than 512 MiB"));
  EXPECT_FALSE(set_.TakeAll());
  feed_.OnListBegin();
  EXPECT_TRUE(feed_.OnListed(Named("b", 1)).ok());
  feed_.OnListEnd();
  const auto all = set_.TakeAll();
  ASSERT_TRUE(all);
  EXPECT_THAT(Names(*all), testing::ElementsAre("Namespace b"));
}

}  // namespace
}  // namespace sluice::control
