#include "acl/trie_classifier.h"

#include <fmt/format.h>
#include <rte_acl.h>
#include <rte_cpuflags.h>
#include <rte_errno.h>
#include <rte_memory.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <vector>

namespace sluice::acl {
namespace {

// The type; the bare name is the function.
using Algorithm = enum rte_acl_classify_alg;

enum Field : unsigned { kProtocol, kSrcClass, kDstClass, kDstPort, kPad, kFieldCount };

RTE_ACL_RULE_DEF(AclRule, kFieldCount);

constexpr rte_acl_field_def Definition(uint8_t type, uint8_t size, Field field, uint8_t input,
                                       size_t offset) {
  return {.type = type,
          .size = size,
          .field_index = static_cast<uint8_t>(field),
          .input_index = input,
          .offset = static_cast<uint32_t>(offset)};
}

// rte_acl reads one byte, then whole groups of four (input_index): hence the wildcard kPad.
constexpr rte_acl_field_def kLayout[kFieldCount] = {
    Definition(RTE_ACL_FIELD_TYPE_BITMASK, 1, kProtocol, 0, offsetof(ClassifyKey, protocol)),
    Definition(RTE_ACL_FIELD_TYPE_RANGE, 2, kSrcClass, 1, offsetof(ClassifyKey, src_class_be)),
    Definition(RTE_ACL_FIELD_TYPE_RANGE, 2, kDstClass, 1, offsetof(ClassifyKey, dst_class_be)),
    Definition(RTE_ACL_FIELD_TYPE_RANGE, 2, kDstPort, 2, offsetof(ClassifyKey, dst_port_be)),
    Definition(RTE_ACL_FIELD_TYPE_BITMASK, 2, kPad, 2, offsetof(ClassifyKey, pad1)),
};

struct ContextDeleter {
  void operator()(rte_acl_ctx* ctx) const { rte_acl_free(ctx); }
};
using Context = std::unique_ptr<rte_acl_ctx, ContextDeleter>;

AclRule ToAclRule(const FlatRule& rule, uint32_t index) {
  AclRule out = {};
  out.data.category_mask = 1u << CategoryOf(rule.tier, rule.direction);
  out.data.priority = rule.priority;
  out.data.userdata = index + 1;  // rte_acl answers 0 where nothing matched
  if (rule.protocol != kAnyProtocol) {
    out.field[kProtocol].value.u8 = static_cast<uint8_t>(rule.protocol);
    out.field[kProtocol].mask_range.u8 = 0xff;
  }
  out.field[kSrcClass].value.u16 = rule.src.first;
  out.field[kSrcClass].mask_range.u16 = rule.src.last;
  out.field[kDstClass].value.u16 = rule.dst.first;
  out.field[kDstClass].mask_range.u16 = rule.dst.last;
  out.field[kDstPort].value.u16 = rule.port_first;
  out.field[kDstPort].mask_range.u16 = rule.port_last;
  return out;
}

absl::StatusOr<Context> Create(size_t rules) {
  // rte_acl_create hands out the existing context of a name it knows: never use one twice.
  static std::atomic<uint64_t> serial{0};
  const std::string name = fmt::format("sluice-{}", serial.fetch_add(1));
  const rte_acl_param param = {.name = name.c_str(),
                               .socket_id = SOCKET_ID_ANY,
                               .rule_size = RTE_ACL_RULE_SZ(kFieldCount),
                               .max_rule_num = static_cast<uint32_t>(rules)};
  Context ctx(rte_acl_create(&param));
  if (ctx == nullptr) {
    return absl::ResourceExhaustedError(
        fmt::format("classifier: no memory for {} rules ({} bytes of DPDK's heap): {}", rules,
                    rules * param.rule_size, rte_strerror(rte_errno)));
  }
  return ctx;
}

absl::Status AddRules(rte_acl_ctx* ctx, const RuleTable& table) {
  std::vector<AclRule> rules;
  rules.reserve(table.rules.size());
  for (uint32_t i = 0; i < table.rules.size(); ++i) rules.push_back(ToAclRule(table.rules[i], i));
  static_assert(sizeof(AclRule) == RTE_ACL_RULE_SZ(kFieldCount));
  const int rc = rte_acl_add_rules(ctx, reinterpret_cast<const rte_acl_rule*>(rules.data()),
                                   static_cast<uint32_t>(rules.size()));
  if (rc == 0) return absl::OkStatus();
  return absl::InternalError(
      fmt::format("classifier: rte_acl_add_rules({} rules): {}", rules.size(), rte_strerror(-rc)));
}

absl::Status BuildTries(rte_acl_ctx* ctx, const RuleTable& table, const TrieLimits& limits) {
  rte_acl_config config = {};
  config.num_categories = CategoriesOf(table);
  config.num_fields = kFieldCount;
  std::copy(std::begin(kLayout), std::end(kLayout), config.defs);
  config.max_size = limits.max_memory_bytes;
  const int rc = rte_acl_build(ctx, &config);
  if (rc == 0) return absl::OkStatus();
  const std::string what =
      fmt::format("classifier: rte_acl_build of {} rules within {} bytes: {}", table.rules.size(),
                  limits.max_memory_bytes, rte_strerror(-rc));
  const bool too_big = rc == -ENOMEM || rc == -ERANGE;
  return too_big ? absl::ResourceExhaustedError(what) : absl::InternalError(what);
}

bool HasAvx512() {
  return rte_cpu_get_flag_enabled(RTE_CPUFLAG_AVX512F) > 0 &&
         rte_cpu_get_flag_enabled(RTE_CPUFLAG_AVX512VL) > 0 &&
         rte_cpu_get_flag_enabled(RTE_CPUFLAG_AVX512CD) > 0 &&
         rte_cpu_get_flag_enabled(RTE_CPUFLAG_AVX512BW) > 0;
}

// Best first. rte_acl_set_ctx_classify refuses AVX-512 under the EAL's default SIMD width of 256;
// an algorithm named in the call is not held to that, but must suit the CPU.
std::vector<Algorithm> Candidates(Simd most) {
  std::vector<Algorithm> algorithms;
  if (most >= Simd::kAvx512 && HasAvx512()) {
    algorithms.push_back(RTE_ACL_CLASSIFY_AVX512X32);
    algorithms.push_back(RTE_ACL_CLASSIFY_AVX512X16);
  }
  if (most >= Simd::kAvx2 && rte_cpu_get_flag_enabled(RTE_CPUFLAG_AVX2) > 0) {
    algorithms.push_back(RTE_ACL_CLASSIFY_AVX2);
  }
  if (most >= Simd::kSse && rte_cpu_get_flag_enabled(RTE_CPUFLAG_SSE4_1) > 0) {
    algorithms.push_back(RTE_ACL_CLASSIFY_SSE);
  }
  algorithms.push_back(RTE_ACL_CLASSIFY_SCALAR);
  return algorithms;
}

// The best algorithm that this build of DPDK really contains: the others answer -ENOTSUP.
Algorithm ChooseAlgorithm(const rte_acl_ctx* ctx, unsigned categories, Simd most) {
  const ClassifyKey key;
  const uint8_t* data = reinterpret_cast<const uint8_t*>(&key);
  uint32_t hits[kMaxCategories];
  for (const Algorithm algorithm : Candidates(most)) {
    if (rte_acl_classify_alg(ctx, &data, hits, 1, categories, algorithm) == 0) return algorithm;
  }
  return RTE_ACL_CLASSIFY_SCALAR;
}

}  // namespace

absl::StatusOr<std::unique_ptr<TrieClassifier>> TrieClassifier::Build(const RuleTable& table,
                                                                      const TrieLimits& limits) {
  const unsigned categories = CategoriesOf(table);
  if (table.rules.size() > limits.max_rules) {
    return absl::ResourceExhaustedError(fmt::format("classifier: {} rules exceed the limit of {}",
                                                    table.rules.size(), limits.max_rules));
  }
  if (table.rules.empty()) {
    return std::unique_ptr<TrieClassifier>(new TrieClassifier(nullptr, categories, 0));
  }
  absl::StatusOr<Context> ctx = Create(table.rules.size());
  if (!ctx.ok()) return ctx.status();
  if (absl::Status added = AddRules(ctx->get(), table); !added.ok()) return added;
  if (absl::Status built = BuildTries(ctx->get(), table, limits); !built.ok()) return built;
  const int algorithm = ChooseAlgorithm(ctx->get(), categories, limits.simd);
  return std::unique_ptr<TrieClassifier>(new TrieClassifier(ctx->release(), categories, algorithm));
}

TrieClassifier::~TrieClassifier() { rte_acl_free(ctx_); }

void TrieClassifier::Classify(std::span<const ClassifyKey> keys, std::span<uint32_t> hits) const {
  if (ctx_ == nullptr) {
    std::fill_n(hits.begin(), keys.size() * categories_, 0);
    return;
  }
  constexpr size_t kBurst = 64;
  std::array<const uint8_t*, kBurst> data;
  for (size_t first = 0; first < keys.size(); first += kBurst) {
    const size_t count = std::min(kBurst, keys.size() - first);
    for (size_t i = 0; i < count; ++i) {
      data[i] = reinterpret_cast<const uint8_t*>(&keys[first + i]);
    }
    // The only error is a bad `categories`, which Build settled.
    rte_acl_classify_alg(ctx_, data.data(), &hits[first * categories_],
                         static_cast<uint32_t>(count), categories_,
                         static_cast<Algorithm>(algorithm_));
  }
}

}  // namespace sluice::acl
