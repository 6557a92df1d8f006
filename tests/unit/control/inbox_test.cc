#include "control/inbox.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <thread>

namespace sluice::control {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Optional;

TEST(InboxTest, WhatGatheredComesOutAsOneBatchInOrder) {
  Inbox<int> inbox(8);
  for (int i : {1, 2, 3}) EXPECT_EQ(inbox.Push(std::move(i)), Inbox<int>::Pushed::kYes);
  EXPECT_THAT(inbox.Drain(), Optional(ElementsAre(1, 2, 3)));
}

TEST(InboxTest, AFullInboxRefusesAndLeavesTheItem) {
  Inbox<std::unique_ptr<int>> inbox(1);
  inbox.Push(std::make_unique<int>(1));
  auto item = std::make_unique<int>(2);
  EXPECT_EQ(inbox.Push(std::move(item)), Inbox<std::unique_ptr<int>>::Pushed::kFull);
  EXPECT_NE(item, nullptr);
}

TEST(InboxTest, AClosedInboxHandsOutWhatItHasAndThenNothing) {
  Inbox<int> inbox(8);
  inbox.Push(1);
  inbox.Close();
  EXPECT_EQ(inbox.Push(2), Inbox<int>::Pushed::kClosed);
  EXPECT_THAT(inbox.Drain(), Optional(ElementsAre(1)));
  EXPECT_EQ(inbox.Drain(), std::nullopt);
}

TEST(InboxTest, ADeadlineThatPassesHandsOutNothing) {
  Inbox<int> inbox(8);
  EXPECT_THAT(inbox.Drain(std::chrono::steady_clock::now()), Optional(IsEmpty()));
  inbox.Push(1);
  EXPECT_THAT(inbox.Drain(std::chrono::steady_clock::now()), Optional(ElementsAre(1)));
}

TEST(InboxTest, NothingIsLostBetweenManyThreadsAndOne) {
  constexpr int kThreads = 4, kEach = 1000;
  Inbox<int> inbox(kThreads * kEach);
  std::vector<std::jthread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < kEach; ++i) inbox.Push(1);
    });
  }
  int sum = 0;
  while (sum < kThreads * kEach) {
    const auto batch = inbox.Drain();
    for (const int one : *batch) sum += one;
  }
  EXPECT_EQ(sum, kThreads * kEach);
}

}  // namespace
}  // namespace sluice::control
