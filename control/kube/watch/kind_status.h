// How far the knowledge of one kind goes, for status and metrics.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace sluice::control {

enum class KindState : uint8_t {
  kStarting,   // not known yet
  kSynced,     // known, and watched
  kAway,       // known as of `progress`; the server does not answer as it should
  kAbsent,     // the server has no such kind: there are no objects
  kForbidden,  // the server lets us not
};

inline constexpr std::array<std::string_view, 5> kKindStateNames = {"starting", "synced", "away",
                                                                    "absent", "forbidden"};
constexpr std::string_view NameOf(KindState state) {
  return kKindStateNames[static_cast<size_t>(state)];
}

// Since the start.
struct KindCounters {
  uint64_t lists = 0;       // requests for a page of a list
  uint64_t watches = 0;     // requests for a watch, streaming lists among them
  uint64_t full_lists = 0;  // times that everything was read, the first one among them
  uint64_t expired = 0;     // versions too old to go on from (410)
  uint64_t events = 0;      // objects of watches: added, modified, deleted
  uint64_t bookmarks = 0;
  uint64_t failures = 0;   // requests that ended with an error
  uint64_t stalls = 0;     // of those: streams without a byte
  uint64_t throttled = 0;  // of those: 429 and 503
  uint64_t malformed = 0;  // of those: what is no JSON, or no list or event
};

struct KindStatus {
  KindState state = KindState::kStarting;
  bool known = false;  // everything has been read once, or the kind is absent
  std::string path;    // of the version in use
  std::string resource_version;
  std::string problem;  // why it is not synced; empty if it is
  // When it last came nearer to the server's state: an event, a bookmark, a whole page, a watch
  // that was accepted. Bytes alone are no progress.
  std::chrono::steady_clock::time_point progress{};
  KindCounters counters;
};

}  // namespace sluice::control
