// Who polls what when workers come and go.
#include "control/port_places.h"

#include <fmt/core.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace sluice::control {
namespace {

using testing::ElementsAre;

PortPlaces Places(const std::vector<unsigned>& workers) {
  PortPlaces places;
  for (size_t i = 0; i < workers.size(); ++i) {
    const auto id = static_cast<dataplane::PortId>(i + 1);
    places[fmt::format("p{}", i)] = {{id, dataplane::PortIo(), 1}, workers[i]};
  }
  return places;
}

std::vector<unsigned> WorkersOf(const PortPlaces& places) {
  std::vector<unsigned> workers;
  for (const auto& [name, place] : places) workers.push_back(place.worker);
  return workers;
}

TEST(PortPlaces, ANewPortIsForTheLeastLoadedThatIsAtWork) {
  const PortPlaces places = Places({0, 0, 2});
  EXPECT_EQ(LeastLoadedWorker(places, {.count = 4}), 1u);
  EXPECT_EQ(LeastLoadedWorker(places, {.count = 4, .at_rest = {1}}), 3u);
  EXPECT_EQ(LeastLoadedWorker(places, {.count = 4, .at_rest = {1, 3}}), 2u);
  EXPECT_EQ(LeastLoadedWorker(places, {.count = 4, .at_rest = {1, 2, 3}}), 0u);
}

TEST(PortPlaces, AWorkerThatComesGetsItsShareAndNoMorePortsMove) {
  PortPlaces places = Places({0, 0, 0, 0, 1, 1, 1});
  GiveShare(2, {.count = 3}, places);
  EXPECT_THAT(WorkersOf(places), ElementsAre(2, 2, 0, 0, 1, 1, 1));
  GiveShare(2, {.count = 3}, places);
  EXPECT_THAT(WorkersOf(places), ElementsAre(2, 2, 0, 0, 1, 1, 1)) << "it has its share";
}

TEST(PortPlaces, TheFirstPortsOfManyWorkersStayWhereTheyAre) {
  PortPlaces places = Places({0, 1});
  GiveShare(2, {.count = 3}, places);
  EXPECT_THAT(WorkersOf(places), ElementsAre(0, 1));
}

TEST(PortPlaces, WhatAWorkerHadIsSharedByTheOthers) {
  PortPlaces places = Places({0, 1, 1, 1, 1, 2});
  GiveAway(1, {.count = 3, .at_rest = {1}}, places);
  EXPECT_THAT(WorkersOf(places), ElementsAre(0, 0, 2, 0, 2, 2));
  GiveAway(2, {.count = 3, .at_rest = {1, 2}}, places);
  EXPECT_THAT(WorkersOf(places), ElementsAre(0, 0, 0, 0, 0, 0));
}

}  // namespace
}  // namespace sluice::control
