// The versions of the CNI protocol that are spoken here, and what came with which.
#pragma once

#include <array>
#include <string>
#include <string_view>

namespace sluice::cni {

inline constexpr std::array<std::string_view, 4> kVersions = {"0.3.1", "0.4.0", "1.0.0", "1.1.0"};
inline constexpr std::string_view kNewestVersion = kVersions.back();

// Place in kVersions; -1: not spoken.
constexpr int RankOf(std::string_view version) {
  for (size_t i = 0; i < kVersions.size(); ++i) {
    if (kVersions[i] == version) return static_cast<int>(i);
  }
  return -1;
}

constexpr bool HasCheck(std::string_view version) { return RankOf(version) >= RankOf("0.4.0"); }
constexpr bool HasGc(std::string_view version) { return RankOf(version) >= RankOf("1.1.0"); }
constexpr bool HasStatus(std::string_view version) { return RankOf(version) >= RankOf("1.1.0"); }

}  // namespace sluice::cni
