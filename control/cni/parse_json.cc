#include "control/cni/parse_json.h"

namespace sluice::cni {

using nlohmann::json;

json ParseJson(const std::string& text) {
  constexpr int kMostLevels = 64;
  bool too_deep = false;
  const auto keep = [&too_deep](int depth, json::parse_event_t, const json&) {
    too_deep = too_deep || depth > kMostLevels;
    return !too_deep;
  };
  json value = json::parse(text, keep, false);
  return too_deep ? json(json::value_t::discarded) : value;
}

}  // namespace sluice::cni
