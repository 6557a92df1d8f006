// Typed reading of one JSON command, which is outside input. The first error is kept; after one,
// the readers return what is harmless.
#pragma once

#include <absl/status/status.h>

#include <optional>
#include <set>
#include <string>

#include "acl/address.h"
#include "perf/pktgen/operation.h"

namespace sluice::pktgen {

class CommandFields {
 public:
  // `object` must outlive this. `name` begins every error message.
  CommandFields(const Json& object, std::string name);

  // Without a fallback, a field must be there.
  std::string Text(const char* field, const std::optional<std::string>& fallback = {});
  uint64_t Number(const char* field, uint64_t min, uint64_t max,
                  std::optional<uint64_t> fallback = {});
  double Real(const char* field, double min, double max);
  bool Flag(const char* field, bool fallback);
  acl::IpAddress Address(const char* field);
  // One of `words`: its index; the first is the fallback.
  size_t Choice(const char* field, std::initializer_list<const char*> words);
  // A list, by itself.
  const Json& List(const char* field);
  bool Has(const char* field) const { return object_.contains(field); }

  // Milliseconds under "timeout_ms", 1 to 600,000, 1,000 unless told; in nanoseconds.
  uint64_t Timeout();
  uint16_t Port() { return static_cast<uint16_t>(Number("port", 1, 65535)); }

  // The first error: InvalidArgument "NAME: FIELD: REASON". Fields that nobody read are errors too,
  // but for "id" and "cmd".
  absl::Status Finish();

 private:
  const Json* Find(const char* field, bool required);
  void Fail(const char* field, const std::string& reason);

  const Json& object_;
  std::string name_;
  std::set<std::string> known_ = {"id", "cmd"};
  absl::Status status_;
};

}  // namespace sluice::pktgen
