#include "control/ctl/output.h"

#include <gtest/gtest.h>

namespace sluice::ctl {
namespace {

TEST(Output, ColumnsAreAsWideAsTheirWidestCell) {
  Table table({"NAME", "N", "LAST"});
  table.Add({"a-long-name", "1", ""});
  table.Add({"", "12345", "x y"});
  EXPECT_EQ(table.ToString(),
            "NAME         N      LAST\n"
            "a-long-name  1      -\n"
            "-            12345  x y\n");
}

}  // namespace
}  // namespace sluice::ctl
