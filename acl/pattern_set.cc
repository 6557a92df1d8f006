#include "acl/pattern_set.h"

#include <fmt/format.h>
#include <hs/hs.h>

#include <cstdlib>
#include <numeric>
#include <string_view>

#include "acl/text_hash.h"

namespace sluice::acl {
namespace {

// One match of each pattern is told; "." is every byte.
constexpr unsigned kFlags = HS_FLAG_DOTALL | HS_FLAG_SINGLEMATCH;

std::string Take(hs_compile_error_t* error) {
  std::string message = error == nullptr ? "unknown error" : error->message;
  if (error != nullptr) hs_free_compile_error(error);
  return message;
}

// A database fits the Hyperscan and the CPU that made it.
std::string NameOf(std::span<const std::string> patterns, const hs_platform_info_t& platform) {
  TextHash hash;
  hash.Add(hs_version());
  hash.Add(fmt::format("{} {} {}", platform.tune, platform.cpu_features, kFlags));
  for (const std::string& pattern : patterns) hash.Add(pattern);
  return hash.Long();
}

absl::StatusOr<hs_database_t*> Compile(std::span<const std::string> patterns,
                                       const hs_platform_info_t& platform) {
  std::vector<const char*> texts;
  std::vector<unsigned> flags(patterns.size(), kFlags), ids;
  for (const std::string& pattern : patterns) {
    ids.push_back(static_cast<unsigned>(texts.size()));
    texts.push_back(pattern.c_str());
  }
  hs_database_t* database = nullptr;
  hs_compile_error_t* error = nullptr;
  const hs_error_t code =
      hs_compile_multi(texts.data(), flags.data(), ids.data(), static_cast<unsigned>(texts.size()),
                       HS_MODE_BLOCK, &platform, &database, &error);
  if (code == HS_SUCCESS) return database;
  return absl::InternalError(fmt::format("patterns: {}", Take(error)));
}

hs_database_t* Restore(const std::optional<std::string>& bytes) {
  hs_database_t* database = nullptr;
  const bool ok =
      bytes && hs_deserialize_database(bytes->data(), bytes->size(), &database) == HS_SUCCESS;
  return ok ? database : nullptr;
}

void Keep(const hs_database_t* database, const std::string& name, DatabaseStore& store) {
  char* bytes = nullptr;
  size_t length = 0;
  if (hs_serialize_database(database, &bytes, &length) != HS_SUCCESS) return;
  store.Save(name, std::string(bytes, length));
  std::free(bytes);  // NOLINT(cppcoreguidelines-no-malloc): Hyperscan's default allocator
}

int Note(unsigned id, unsigned long long, unsigned long long, unsigned, void* found) {
  static_cast<std::vector<uint32_t>*>(found)->push_back(id);
  return 0;
}

}  // namespace

absl::StatusOr<std::unique_ptr<PatternSet>> PatternSet::Build(std::span<const std::string> patterns,
                                                              DatabaseStore* store,
                                                              unsigned readers) {
  hs_platform_info_t platform;
  if (hs_populate_platform(&platform) != HS_SUCCESS) {
    return absl::InternalError("patterns: Hyperscan does not know this CPU");
  }
  std::unique_ptr<PatternSet> set(new PatternSet());
  const std::string name = NameOf(patterns, platform);
  if (store != nullptr) set->database_ = Restore(store->Load(name));
  if (set->database_ == nullptr) {
    absl::StatusOr<hs_database_t*> compiled = Compile(patterns, platform);
    if (!compiled.ok()) return compiled.status();
    set->database_ = *compiled;
    if (store != nullptr) Keep(set->database_, name, *store);
  }
  set->readers_.resize(readers);
  for (Reader& reader : set->readers_) {
    if (hs_alloc_scratch(set->database_, &reader.scratch) != HS_SUCCESS) {
      return absl::ResourceExhaustedError("patterns: no memory to scan with");
    }
    reader.found.reserve(patterns.size());
  }
  return set;
}

PatternSet::~PatternSet() {
  for (const Reader& reader : readers_) hs_free_scratch(reader.scratch);
  hs_free_database(database_);
}

std::span<const uint32_t> PatternSet::Scan(std::span<const uint8_t> block, unsigned reader) const {
  Reader& own = readers_[reader];
  own.found.clear();
  const hs_error_t code =
      hs_scan(database_, reinterpret_cast<const char*>(block.data()),
              static_cast<unsigned>(block.size()), 0, own.scratch, Note, &own.found);
  if (code != HS_SUCCESS) {  // what is not known is not allowed: every pattern may be there
    own.found.resize(own.found.capacity());
    std::iota(own.found.begin(), own.found.end(), 0);
  }
  return own.found;
}

absl::Status CheckPattern(const std::string& pattern) {
  hs_database_t* database = nullptr;
  hs_compile_error_t* error = nullptr;
  const hs_error_t code =
      hs_compile(pattern.c_str(), kFlags, HS_MODE_BLOCK, nullptr, &database, &error);
  if (code != HS_SUCCESS) return absl::InvalidArgumentError(Take(error));
  hs_free_database(database);
  return absl::OkStatus();
}

}  // namespace sluice::acl
