// Policies of every kind as rows of one table, and labels and lists as text.
#pragma once

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <map>
#include <string>
#include <vector>

#include "sluice/v1/policy.pb.h"

namespace sluice::ctl {

// "a=b,c=d", in order of the keys.
template <typename Map>
std::string JoinLabels(const Map& labels) {
  const std::map<std::string, std::string> sorted(labels.begin(), labels.end());
  std::string text;
  for (const auto& [key, value] : sorted) {
    text += fmt::format("{}{}={}", text.empty() ? "" : ",", key, value);
  }
  return text;
}

template <typename Texts>
std::string Join(const Texts& texts) {
  return fmt::format("{}", fmt::join(texts, ","));
}

std::vector<std::string> PolicyHeaders();
// Empty cells for an object that is no policy.
std::vector<std::string> PolicyRow(const v1::ListedObject& listed);

}  // namespace sluice::ctl
