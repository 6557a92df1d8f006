#include "acl/endpoint_list.h"

#include <gtest/gtest.h>

#include <memory>

namespace sluice::acl {
namespace {

Endpoint Named(const std::string& name) { return {.namespace_name = "default", .name = name}; }

TEST(EndpointList, ReadsAsWhatWasPutIn) {
  EndpointList list = {Named("a"), Named("b")};
  list.push_back(Named("c"));
  list.erase(list.begin() + 1);
  std::string names;
  for (const Endpoint& endpoint : list) names += endpoint.name;
  EXPECT_EQ(names, "ac");
}

TEST(EndpointList, ACopyIsNotWrittenWithItsOriginal) {
  EndpointList list = {Named("a"), Named("b")};
  const EndpointList copy = list;
  const Endpoint* shared = &copy[1];
  list[1].uid = "1";
  EXPECT_EQ(copy[1].uid, "");
  EXPECT_EQ(&copy[1], shared);
  EXPECT_NE(list, copy);
  list[1].uid = "";
  EXPECT_EQ(list, copy);
}

TEST(EndpointList, WhatIsItsAloneIsWrittenInPlace) {
  EndpointList list = {Named("a")};
  Endpoint& first = list[0];
  EXPECT_EQ(&list[0], &first);
  EXPECT_EQ(&list.back(), &first);
}

TEST(EndpointList, WhatSomebodyElseKeepsIsNeverWritten) {
  const auto kept = std::make_shared<const Endpoint>(Named("a"));
  EndpointList list;
  list.Share(kept);
  EXPECT_EQ(&std::as_const(list)[0], kept.get());
  list[0].uid = "1";
  EXPECT_EQ(kept->uid, "");
  EXPECT_EQ(list[0].uid, "1");
}

}  // namespace
}  // namespace sluice::acl
