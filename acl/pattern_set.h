// Patterns compiled into one Hyperscan database, looked for in a block of bytes at once.
//
// Compiling takes milliseconds a pattern; so a database can be kept, under a name made of all that
// it depends on, and is the same for whoever has the same patterns.
#pragma once

#include <absl/status/statusor.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

struct hs_database;
struct hs_scratch;

namespace sluice::acl {

// Where compiled databases are kept. Any thread.
class DatabaseStore {
 public:
  virtual ~DatabaseStore() = default;
  // Absent: there is none under this name.
  virtual std::optional<std::string> Load(const std::string& name) = 0;
  // Best effort.
  virtual void Save(const std::string& name, const std::string& bytes) = 0;
};

class PatternSet {
 public:
  // `patterns` are not empty, and each passed CheckPattern. As many threads as `readers` may scan
  // at once, each under a number of its own below that. Errors: Internal or ResourceExhausted with
  // Hyperscan's message.
  static absl::StatusOr<std::unique_ptr<PatternSet>> Build(std::span<const std::string> patterns,
                                                           DatabaseStore* store, unsigned readers);
  ~PatternSet();
  PatternSet(const PatternSet&) = delete;
  PatternSet& operator=(const PatternSet&) = delete;

  // The indices of the patterns that are in `block`, in no order. Valid until the next call of the
  // same reader.
  std::span<const uint32_t> Scan(std::span<const uint8_t> block, unsigned reader) const;

 private:
  struct Reader {
    hs_scratch* scratch = nullptr;
    std::vector<uint32_t> found;  // never grows: room for all
  };

  PatternSet() = default;

  hs_database* database_ = nullptr;
  mutable std::vector<Reader> readers_;  // each used by one thread
};

// OK, or InvalidArgument with Hyperscan's own message: "Unterminated group at index 3."
absl::Status CheckPattern(const std::string& pattern);

}  // namespace sluice::acl
