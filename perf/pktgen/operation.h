// Something a command started that takes time: stepped by the polling loop until it has an answer.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>

namespace sluice::pktgen {

using Json = nlohmann::ordered_json;

class Operation {
 public:
  virtual ~Operation() = default;
  // True when done; then it is not stepped again. Ends by itself at its time-out.
  virtual bool Step(uint64_t now_ns) = 0;
  // Once done: the fields of the answer, "ok" first; no "id".
  virtual Json Answer() const = 0;
  // Once done: the other end answered, be it refused later.
  virtual bool reached() const = 0;
};

}  // namespace sluice::pktgen
