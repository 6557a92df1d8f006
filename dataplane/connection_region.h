// The memory that a connection table lies in: anonymous, or a file that outlives the process.
//
//   | header | subjects: a row for each port slot | buckets | entries |
//
// Owns the layout, the mapping and the lock on the file, and judges the file as a whole: another
// version, layout, capacity or size makes it start afresh, a file that is no table at all is
// refused. What is in the entries is for the table to judge (connection_takeover.cc).
#pragma once

#include <absl/status/statusor.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "dataplane/connection.h"
#include "dataplane/connection_bucket.h"

namespace sluice::dataplane {

struct RegionHeader {
  uint64_t magic;
  uint32_t version;
  uint32_t layout;  // of everything in the region: see connection_region.cc
  uint32_t capacity;
  uint32_t bucket_count;
  uint64_t seed;  // of the keys' hash
  // One moment by the data plane's clock and by the wall clock, a little while ago. The data
  // plane's is not the same clock in the next process. Written by worker 0.
  std::atomic<uint32_t> clock_ms;
  std::atomic<uint64_t> wall_ms;
};

// Whose port a slot is, so that the next process can give the same port the same slot and
// generation. The generation outlives its ports: a slot's next one counts on. Control thread.
class SubjectRow {
 public:
  static constexpr size_t kMaxIdentity = 124;

  uint16_t generation() const { return generation_; }
  // Empty: nobody, or an identity too long to keep. Bytes of a file: compare, do not print.
  std::string_view identity() const {
    return {identity_, length_ <= kMaxIdentity ? length_ : size_t{0}};
  }
  void Set(uint16_t generation, std::string_view identity);
  void Clear() { length_ = 0; }

 private:
  friend struct RegionLayout;
  uint16_t generation_;
  uint16_t length_;
  char identity_[kMaxIdentity];
};
static_assert(sizeof(SubjectRow) == 128);

class ConnectionRegion {
 public:
  // Maps a region for `capacity` connections: zeroed, or what `path` holds. An empty path is
  // anonymous memory; else a regular file on any file system (hugetlbfs, tmpfs), made if it is not
  // there. Errors, all "connection file PATH: REASON": FailedPrecondition (another process has it,
  // not ours alone, not a connection table), InvalidArgument (no regular file),
  // ResourceExhausted (no room).
  static absl::StatusOr<std::unique_ptr<ConnectionRegion>> Map(uint32_t capacity,
                                                               const std::string& path);
  ~ConnectionRegion();
  ConnectionRegion(const ConnectionRegion&) = delete;
  ConnectionRegion& operator=(const ConnectionRegion&) = delete;

  // True if the region holds another process's connections, which nobody has looked at yet.
  bool found_table() const { return found_table_; }

  // The data plane's clock moved on. Worker 0.
  void Tick(uint32_t now_ms);

  RegionHeader& header() const;
  std::span<SubjectRow> subjects() const;
  std::span<ConnectionBucket> buckets() const;
  std::span<Connection> entries() const;

 private:
  ConnectionRegion(uint32_t capacity, std::string path);
  absl::Status OpenFile();
  absl::Status LookAtFile();
  absl::Status StartAfresh();
  absl::Status MapMemory();
  void WriteHeader();

  const uint32_t capacity_;
  const uint32_t bucket_count_;
  const std::string path_;
  int file_ = -1;
  size_t bytes_ = 0;
  std::byte* memory_ = nullptr;
  bool found_table_ = false;
};

}  // namespace sluice::dataplane
