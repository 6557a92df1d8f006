#include "dataplane/connection_region.h"

#include <errno.h>
#include <fcntl.h>
#include <fmt/core.h>
#include <spdlog/spdlog.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <initializer_list>
#include <random>
#include <utility>

namespace sluice::dataplane {
namespace {

constexpr uint64_t kMagic = 0x656c'6261'7463'6c73;  // "slctable"
constexpr uint32_t kVersion = 1;                    // raised when bytes change their meaning
constexpr size_t kHeaderBytes = 4096;
constexpr size_t kSubjectBytes = kMaxPorts * sizeof(SubjectRow);

size_t BucketBytes(uint32_t bucket_count) { return bucket_count * sizeof(ConnectionBucket); }

uint64_t RandomSeed() {
  std::random_device random;
  return (uint64_t{random()} << 32) | random();
}

}  // namespace

// Where everything in the region is. A program that has any of it elsewhere has another number.
struct RegionLayout {
  static constexpr uint32_t Number() {
    uint32_t hash = 2166136261;
    for (const size_t fact : std::initializer_list<size_t>{sizeof(RegionHeader),
                                                           offsetof(RegionHeader, seed),
                                                           offsetof(RegionHeader, clock_ms),
                                                           offsetof(RegionHeader, wall_ms),
                                                           kHeaderBytes,
                                                           kMaxPorts,
                                                           sizeof(SubjectRow),
                                                           offsetof(SubjectRow, length_),
                                                           offsetof(SubjectRow, identity_),
                                                           sizeof(ConnectionBucket),
                                                           offsetof(ConnectionBucket, entries),
                                                           sizeof(ConnectionEnd),
                                                           offsetof(ConnectionEnd, port),
                                                           offsetof(ConnectionEnd, subject),
                                                           sizeof(ConnectionKey),
                                                           offsetof(ConnectionKey, b),
                                                           offsetof(ConnectionKey, network),
                                                           offsetof(ConnectionKey, protocol),
                                                           offsetof(ConnectionKey, family),
                                                           sizeof(Half),
                                                           offsetof(Half, state),
                                                           offsetof(Half, last_seen_ms),
                                                           offsetof(Half, packets),
                                                           offsetof(Half, bytes),
                                                           offsetof(Half, flags),
                                                           offsetof(Half, scale),
                                                           offsetof(Half, pending_scale),
                                                           offsetof(Half, end),
                                                           offsetof(Half, limit),
                                                           offsetof(Half, max_window),
                                                           offsetof(Half, max_ack),
                                                           offsetof(Half, syn_end),
                                                           offsetof(Half, tag),
                                                           offsetof(Half, judged_by),
                                                           offsetof(Connection, inspection),
                                                           offsetof(Half, pending_tag),
                                                           offsetof(Half, sent_tag),
                                                           offsetof(Half, opened_ms),
                                                           size_t{kHalfStates},
                                                           sizeof(Connection),
                                                           offsetof(Connection, sequence),
                                                           offsetof(Connection, verdict_epoch),
                                                           offsetof(Connection, initiator_is_b),
                                                           offsetof(Connection, link),
                                                           offsetof(Connection, halves)}) {
      hash = (hash ^ static_cast<uint32_t>(fact)) * 16777619;
    }
    return hash;
  }
};

void SubjectRow::Set(uint16_t generation, std::string_view identity) {
  length_ = 0;  // a process that dies in here leaves no half-written identity
  std::atomic_signal_fence(std::memory_order_seq_cst);
  generation_ = generation;
  if (identity.size() > kMaxIdentity) return;
  std::memcpy(identity_, identity.data(), identity.size());
  std::atomic_signal_fence(std::memory_order_seq_cst);
  length_ = static_cast<uint16_t>(identity.size());
}

ConnectionRegion::ConnectionRegion(uint32_t capacity, std::string path)
    : capacity_(capacity),
      // Slots are at least twice the capacity.
      bucket_count_(std::bit_ceil(capacity * 2 / ConnectionBucket::kSlots)),
      path_(std::move(path)),
      bytes_(kHeaderBytes + kSubjectBytes + BucketBytes(bucket_count_) +
             size_t{capacity} * sizeof(Connection)) {}

ConnectionRegion::~ConnectionRegion() {
  if (memory_ != nullptr) munmap(memory_, bytes_);
  if (file_ >= 0) close(file_);  // and with it goes the lock
}

absl::StatusOr<std::unique_ptr<ConnectionRegion>> ConnectionRegion::Map(uint32_t capacity,
                                                                        const std::string& path) {
  std::unique_ptr<ConnectionRegion> region(new ConnectionRegion(capacity, path));
  if (!path.empty()) {
    if (absl::Status opened = region->OpenFile(); !opened.ok()) return opened;
    if (absl::Status looked = region->LookAtFile(); !looked.ok()) return looked;
  }
  if (absl::Status mapped = region->MapMemory(); !mapped.ok()) return mapped;
  if (!region->found_table_) region->WriteHeader();
  return region;
}

absl::Status ConnectionRegion::OpenFile() {
  const auto text = [this](const std::string& reason) {
    return fmt::format("connection file {}: {}", path_, reason);
  };
  file_ = open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
  if (file_ < 0) return absl::FailedPreconditionError(text(std::strerror(errno)));
  struct stat facts = {};
  if (fstat(file_, &facts) != 0) return absl::FailedPreconditionError(text(std::strerror(errno)));
  if (!S_ISREG(facts.st_mode)) return absl::InvalidArgumentError(text("is not a regular file"));
  if (facts.st_uid != geteuid() || (facts.st_mode & 022) != 0) {
    return absl::FailedPreconditionError(text(
        "must be this user's, and writable by nobody else: who can write it, opens the switch"));
  }
  if (flock(file_, LOCK_EX | LOCK_NB) != 0) {
    return absl::FailedPreconditionError(text("is in use by another process"));
  }
  // Huge pages come whole.
  const auto unit = static_cast<size_t>(facts.st_blksize);
  bytes_ = (bytes_ + unit - 1) / unit * unit;
  return absl::OkStatus();
}

absl::Status ConnectionRegion::LookAtFile() {
  struct stat facts = {};
  alignas(RegionHeader) std::byte bytes[sizeof(RegionHeader)] = {};
  if (fstat(file_, &facts) != 0 || facts.st_size == 0) return StartAfresh();
  const auto size = static_cast<size_t>(facts.st_size);
  // hugetlbfs has no write, but it has read.
  const ssize_t got = pread(file_, bytes, sizeof(bytes), 0);
  const auto* header = reinterpret_cast<const RegionHeader*>(bytes);
  if (got != sizeof(bytes) || (header->magic != kMagic && (header->magic != 0 || size != bytes_))) {
    return absl::FailedPreconditionError(fmt::format(
        "connection file {}: is not a connection table; remove it or name another", path_));
  }
  const auto afresh = [this](const std::string& why) {
    spdlog::warn("connection file {}: {}: its connections are forgotten", path_, why);
    return StartAfresh();
  };
  if (header->magic == 0) return afresh("was never finished");
  if (header->version != kVersion) {
    return afresh(fmt::format("has version {}, this program has {}", header->version, kVersion));
  }
  if (header->layout != RegionLayout::Number()) return afresh("was laid out by another program");
  if (header->capacity != capacity_) {
    return afresh(fmt::format("is for {} connections, {} are wanted", header->capacity, capacity_));
  }
  if (header->bucket_count != bucket_count_) return afresh("has a damaged header");
  if (size != bytes_) return afresh(fmt::format("has {} bytes, not {}", size, bytes_));
  found_table_ = true;
  return absl::OkStatus();
}

absl::Status ConnectionRegion::StartAfresh() {
  if (ftruncate(file_, 0) != 0) {
    return absl::FailedPreconditionError(
        fmt::format("connection file {}: {}", path_, std::strerror(errno)));
  }
  return absl::OkStatus();
}

absl::Status ConnectionRegion::MapMemory() {
  const auto no_room = [this](int error) {
    const std::string whose = path_.empty() ? "" : fmt::format("connection file {}: ", path_);
    return absl::ResourceExhaustedError(fmt::format("{}no room for {} connections ({} MiB): {}",
                                                    whose, capacity_, bytes_ >> 20,
                                                    std::strerror(error)));
  };
  // Every page has its place now: a file system that fills up later would kill the process.
  if (file_ >= 0 && fallocate(file_, 0, 0, static_cast<off_t>(bytes_)) != 0) return no_room(errno);
  const int flags = file_ >= 0 ? MAP_SHARED : MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
  void* memory = mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, flags, file_, 0);
  if (memory == MAP_FAILED) return no_room(errno);
  madvise(memory, bytes_, MADV_HUGEPAGE);  // fewer TLB misses where the kernel grants it
  memory_ = static_cast<std::byte*>(memory);
  return absl::OkStatus();
}

// All-zero bytes are empty buckets and dead entries: nothing else is touched before it is used.
void ConnectionRegion::WriteHeader() {
  RegionHeader& fresh = header();
  fresh.version = kVersion;
  fresh.layout = RegionLayout::Number();
  fresh.capacity = capacity_;
  fresh.bucket_count = bucket_count_;
  fresh.seed = RandomSeed();
  std::atomic_signal_fence(std::memory_order_seq_cst);
  fresh.magic = kMagic;
}

void ConnectionRegion::Tick(uint32_t now_ms) {
  RegionHeader& kept = header();
  const uint32_t passed = now_ms - kept.clock_ms.load(std::memory_order_relaxed);
  kept.wall_ms.store(kept.wall_ms.load(std::memory_order_relaxed) + passed,
                     std::memory_order_relaxed);
  kept.clock_ms.store(now_ms, std::memory_order_relaxed);
}

RegionHeader& ConnectionRegion::header() const { return *reinterpret_cast<RegionHeader*>(memory_); }
std::span<SubjectRow> ConnectionRegion::subjects() const {
  return {reinterpret_cast<SubjectRow*>(memory_ + kHeaderBytes), kMaxPorts};
}
std::span<ConnectionBucket> ConnectionRegion::buckets() const {
  return {reinterpret_cast<ConnectionBucket*>(memory_ + kHeaderBytes + kSubjectBytes),
          bucket_count_};
}
std::span<Connection> ConnectionRegion::entries() const {
  std::byte* first = memory_ + kHeaderBytes + kSubjectBytes + BucketBytes(bucket_count_);
  return {reinterpret_cast<Connection*>(first), capacity_};
}

}  // namespace sluice::dataplane
