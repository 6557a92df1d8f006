#include "perf/pktgen/reach.h"

#include <algorithm>

namespace sluice::pktgen {

bool Reach::Step(uint64_t now_ns) {
  bool done = true;
  for (Pair& pair : pairs_) {
    if (!pair.probe) continue;
    if (!pair.probe->Step(now_ns)) {
      done = false;
      continue;
    }
    const Json answer = pair.probe->Answer();
    pair.reached = pair.probe->reached();
    pair.fields["sent_packets"] = answer["sent_packets"];
    pair.fields["lost_packets"] = answer["lost_packets"];
    pair.probe.reset();
  }
  return done;
}

Json Reach::Answer() const {
  Json results = Json::array();
  for (const Pair& pair : pairs_) {
    Json result = pair.fields;
    result["reached"] = pair.reached;
    results.push_back(std::move(result));
  }
  return {{"ok", true}, {"results", std::move(results)}};
}

bool Reach::reached() const {
  return std::all_of(pairs_.begin(), pairs_.end(), [](const Pair& pair) { return pair.reached; });
}

}  // namespace sluice::pktgen
