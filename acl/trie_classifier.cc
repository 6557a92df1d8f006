#include "acl/trie_classifier.h"

#include <fmt/format.h>
#include <rte_acl.h>
#include <rte_cpuflags.h>
#include <rte_errno.h>
#include <rte_malloc.h>
#include <rte_memory.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <initializer_list>
#include <vector>

namespace sluice::acl {
namespace {

// The type; the bare name is the function.
using Algorithm = enum rte_acl_classify_alg;

// Fields of a rule, in the order of the trie's levels.
enum Field : unsigned { kProtocol, kSubject, kSecond, kThird, kFourth, kFieldCount };

RTE_ACL_RULE_DEF(AclRule, kFieldCount);

// Where one 16-bit value of the key lies. A wildcard fills a group of four bytes up.
enum class Value : uint8_t { kSrcClass, kDstClass, kDstPort, kWildcard };
struct Level {
  Value value;
  size_t offset;  // in ClassifyKey
};

// rte_acl reads one byte, the protocol, then whole groups of four: two levels each, neighbours in
// the key. Subject first: see the header.
using Layout = std::array<Level, kFieldCount - 1>;
constexpr Layout kEgressLayout = {{{Value::kSrcClass, offsetof(ClassifyKey, src_class_be)},
                                   {Value::kDstClass, offsetof(ClassifyKey, dst_class_be)},
                                   {Value::kDstPort, offsetof(ClassifyKey, dst_port_be)},
                                   {Value::kWildcard, offsetof(ClassifyKey, pad1)}}};
constexpr Layout kIngressLayout = {{{Value::kDstClass, offsetof(ClassifyKey, dst_class_be)},
                                    {Value::kDstPort, offsetof(ClassifyKey, dst_port_be)},
                                    {Value::kSrcClass, offsetof(ClassifyKey, src_class_be)},
                                    {Value::kWildcard, offsetof(ClassifyKey, dst_class_be)}}};

const Layout& LayoutOf(Direction direction) {
  return direction == Direction::kEgress ? kEgressLayout : kIngressLayout;
}

struct ContextDeleter {
  void operator()(rte_acl_ctx* ctx) const { rte_acl_free(ctx); }
};
using Context = std::unique_ptr<rte_acl_ctx, ContextDeleter>;

constexpr unsigned kMaxTiers = 4;  // rte_acl takes 1 category or a multiple of 4

// A category inside its direction: CategoryOf without the direction.
unsigned SlotOf(Tier tier) { return CategoryOf(tier, Direction::kEgress) / kDirections; }
constexpr unsigned kPlainSlot = PlainCategoryOf(Direction::kEgress) / kDirections;

uint32_t CategoriesOf(const RuleTable& table, const FlatRule& rule) {
  const uint32_t own = 1u << SlotOf(rule.tier);
  return IsPlain(table, rule) ? own | 1u << kPlainSlot : own;
}

void SetRange(rte_acl_field& field, uint16_t first, uint16_t last) {
  field.value.u16 = first;
  field.mask_range.u16 = last;
}

AclRule ToAclRule(const RuleTable& table, uint32_t index) {
  const FlatRule& rule = table.rules[index];
  AclRule out = {};
  out.data.category_mask = CategoriesOf(table, rule);
  out.data.priority = rule.priority;
  out.data.userdata = index + 1;  // rte_acl answers 0 where nothing matched
  if (rule.protocol != kAnyProtocol) {
    out.field[kProtocol].value.u8 = static_cast<uint8_t>(rule.protocol);
    out.field[kProtocol].mask_range.u8 = 0xff;
  }
  const Layout& layout = LayoutOf(rule.direction);
  for (unsigned level = 0; level < layout.size(); ++level) {
    rte_acl_field& field = out.field[kSubject + level];
    switch (layout[level].value) {
      case Value::kSrcClass:
        SetRange(field, rule.src.first, rule.src.last);
        break;
      case Value::kDstClass:
        SetRange(field, rule.dst.first, rule.dst.last);
        break;
      case Value::kDstPort:
        SetRange(field, rule.port_first, rule.port_last);
        break;
      case Value::kWildcard:
        break;
    }
  }
  return out;
}

std::vector<AclRule> RulesOf(const RuleTable& table, Direction direction) {
  std::vector<AclRule> rules;
  for (uint32_t i = 0; i < table.rules.size(); ++i) {
    const FlatRule& rule = table.rules[i];
    if (rule.direction == direction && !rule.shadowed) rules.push_back(ToAclRule(table, i));
  }
  return rules;
}

rte_acl_config ConfigOf(Direction direction, unsigned categories, size_t max_size) {
  rte_acl_config config = {};
  config.num_categories = categories;
  config.num_fields = kFieldCount;
  config.max_size = max_size;
  config.defs[kProtocol] = {.type = RTE_ACL_FIELD_TYPE_BITMASK,
                            .size = 1,
                            .field_index = kProtocol,
                            .input_index = 0,
                            .offset = offsetof(ClassifyKey, protocol)};
  const Layout& layout = LayoutOf(direction);
  for (unsigned level = 0; level < layout.size(); ++level) {
    const bool wildcard = layout[level].value == Value::kWildcard;
    const unsigned field = kSubject + level;
    config.defs[field] = {.type = static_cast<uint8_t>(wildcard ? RTE_ACL_FIELD_TYPE_BITMASK
                                                                : RTE_ACL_FIELD_TYPE_RANGE),
                          .size = 2,
                          .field_index = static_cast<uint8_t>(field),
                          .input_index = static_cast<uint8_t>(1 + level / 2),
                          .offset = static_cast<uint32_t>(layout[level].offset)};
  }
  return config;
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

absl::Status AddRules(rte_acl_ctx* ctx, const std::vector<AclRule>& rules) {
  static_assert(sizeof(AclRule) == RTE_ACL_RULE_SZ(kFieldCount));
  const int rc = rte_acl_add_rules(ctx, reinterpret_cast<const rte_acl_rule*>(rules.data()),
                                   static_cast<uint32_t>(rules.size()));
  if (rc == 0) return absl::OkStatus();
  return absl::InternalError(
      fmt::format("classifier: rte_acl_add_rules({} rules): {}", rules.size(), rte_strerror(-rc)));
}

absl::Status BuildTrie(rte_acl_ctx* ctx, const rte_acl_config& config, size_t rules) {
  const int rc = rte_acl_build(ctx, &config);
  if (rc == 0) return absl::OkStatus();
  const std::string what = fmt::format("classifier: rte_acl_build of {} rules within {} bytes: {}",
                                       rules, config.max_size, rte_strerror(-rc));
  const bool too_big = rc == -ENOMEM || rc == -ERANGE;
  return too_big ? absl::ResourceExhaustedError(what) : absl::InternalError(what);
}

// What is taken of DPDK's heap, by whomever: what others take or give back while a trie is built
// counts in.
size_t HeapBytes() {
  size_t bytes = 0;
  for (unsigned socket = 0; socket < RTE_MAX_NUMA_NODES; ++socket) {
    rte_malloc_socket_stats stats = {};
    if (rte_malloc_get_socket_stats(static_cast<int>(socket), &stats) == 0) {
      bytes += stats.heap_allocsz_bytes;
    }
  }
  return bytes;
}

bool Has(std::initializer_list<rte_cpu_flag_t> flags) {
  return std::ranges::all_of(flags, [](auto flag) { return rte_cpu_get_flag_enabled(flag) > 0; });
}

// The widest that this CPU has. Asked once: CPUID takes a virtual machine 10 to 20 us.
Simd WidestSimd() {
  static const Simd widest = [] {
    if (Has({RTE_CPUFLAG_AVX512F, RTE_CPUFLAG_AVX512VL, RTE_CPUFLAG_AVX512CD,
             RTE_CPUFLAG_AVX512BW})) {
      return Simd::kAvx512;
    }
    if (Has({RTE_CPUFLAG_AVX2})) return Simd::kAvx2;
    return Has({RTE_CPUFLAG_SSE4_1}) ? Simd::kSse : Simd::kScalar;
  }();
  return widest;
}

// Best first. rte_acl_set_ctx_classify refuses AVX-512 under the EAL's default SIMD width of 256;
// an algorithm named in the call is not held to that, but must suit the CPU.
std::vector<Algorithm> Candidates(Simd most) {
  const Simd widest = std::min(most, WidestSimd());
  std::vector<Algorithm> algorithms;
  if (widest >= Simd::kAvx512) {
    algorithms.push_back(RTE_ACL_CLASSIFY_AVX512X32);
    algorithms.push_back(RTE_ACL_CLASSIFY_AVX512X16);
  }
  if (widest >= Simd::kAvx2) algorithms.push_back(RTE_ACL_CLASSIFY_AVX2);
  if (widest >= Simd::kSse) algorithms.push_back(RTE_ACL_CLASSIFY_SSE);
  algorithms.push_back(RTE_ACL_CLASSIFY_SCALAR);
  return algorithms;
}

// The best algorithm that this build of DPDK really contains: the others answer -ENOTSUP.
Algorithm ChooseAlgorithm(const rte_acl_ctx* ctx, unsigned categories, Simd most) {
  const ClassifyKey key;
  const uint8_t* data = reinterpret_cast<const uint8_t*>(&key);
  uint32_t hits[kMaxTiers];
  for (const Algorithm algorithm : Candidates(most)) {
    if (rte_acl_classify_alg(ctx, &data, hits, 1, categories, algorithm) == 0) return algorithm;
  }
  return RTE_ACL_CLASSIFY_SCALAR;
}

}  // namespace

// One direction's context, with how to ask it.
class TrieClassifier::DirectionTrie {
 public:
  static constexpr size_t kBurst = 64;

  // Keys of a burst, and where their answers go.
  struct Asked {
    std::array<const uint8_t*, kBurst> keys;
    std::array<uint32_t*, kBurst> rows;
    size_t count = 0;
  };

  static absl::StatusOr<std::unique_ptr<DirectionTrie>> Build(const RuleTable& table,
                                                              Direction direction,
                                                              const TrieLimits& limits) {
    const std::vector<AclRule> rules = RulesOf(table, direction);
    if (rules.empty()) return nullptr;
    absl::StatusOr<Context> ctx = Create(rules.size());
    if (!ctx.ok()) return ctx.status();
    if (absl::Status added = AddRules(ctx->get(), rules); !added.ok()) return added;
    const bool one_tier = std::all_of(rules.begin(), rules.end(), [](const AclRule& rule) {
      return rule.data.category_mask == 1u << SlotOf(Tier::kNetworkPolicy);
    });
    const unsigned tiers = one_tier ? 1 : kMaxTiers;
    const rte_acl_config config = ConfigOf(direction, tiers, limits.max_memory_bytes);
    const size_t heap_before = HeapBytes();
    if (absl::Status built = BuildTrie(ctx->get(), config, rules.size()); !built.ok()) return built;
    const size_t heap_after = HeapBytes();
    const size_t bytes = heap_after - std::min(heap_before, heap_after);
    const Algorithm algorithm = ChooseAlgorithm(ctx->get(), tiers, limits.simd);
    return std::unique_ptr<DirectionTrie>(
        new DirectionTrie(*std::move(ctx), direction, tiers, algorithm, bytes));
  }

  size_t memory_bytes() const { return bytes_; }

  Direction direction() const { return direction_; }

  // Writes this direction's answers into rows of `categories`.
  void Classify(Asked& asked, unsigned categories) const {
    if (asked.count == 0) return;
    std::array<uint32_t, kBurst * kMaxTiers> answers;
    // The only error is a bad category count, which Build settled.
    rte_acl_classify_alg(ctx_.get(), asked.keys.data(), answers.data(),
                         static_cast<uint32_t>(asked.count), tiers_, algorithm_);
    const unsigned slots = std::min(tiers_, categories / kDirections);
    for (size_t i = 0; i < asked.count; ++i) {
      uint32_t* const row = asked.rows[i] + static_cast<unsigned>(direction_);
      for (unsigned slot = 0; slot < slots; ++slot) {
        row[slot * kDirections] = answers[i * tiers_ + slot];
      }
    }
  }

 private:
  DirectionTrie(Context ctx, Direction direction, unsigned tiers, Algorithm algorithm, size_t bytes)
      : ctx_(std::move(ctx)),
        direction_(direction),
        tiers_(tiers),
        algorithm_(algorithm),
        bytes_(bytes) {}

  Context ctx_;
  Direction direction_;
  unsigned tiers_;  // rte_acl's categories
  Algorithm algorithm_;
  size_t bytes_;
};

TrieClassifier::TrieClassifier(unsigned categories, const ClassSet* subjects)
    : categories_(categories) {
  if (subjects == nullptr) {
    subjects_.set();
    return;
  }
  for (const ClassInterval& range : subjects->intervals()) {
    for (unsigned id = range.first; id <= range.last; ++id) subjects_.set(id);
  }
}
TrieClassifier::~TrieClassifier() = default;

absl::StatusOr<std::unique_ptr<TrieClassifier>> TrieClassifier::Build(const RuleTable& table,
                                                                      const TrieLimits& limits,
                                                                      const ClassSet* subjects) {
  if (table.rules.size() > limits.max_rules) {
    return absl::ResourceExhaustedError(fmt::format("classifier: {} rules exceed the limit of {}",
                                                    table.rules.size(), limits.max_rules));
  }
  std::unique_ptr<TrieClassifier> classifier(new TrieClassifier(CategoriesOf(table), subjects));
  for (const Direction direction : {Direction::kEgress, Direction::kIngress}) {
    auto trie = DirectionTrie::Build(table, direction, limits);
    if (!trie.ok()) return trie.status();
    classifier->tries_[static_cast<unsigned>(direction)] = *std::move(trie);
  }
  return classifier;
}

size_t TrieClassifier::memory_bytes(Direction direction) const {
  const auto& trie = tries_[static_cast<unsigned>(direction)];
  return trie == nullptr ? 0 : trie->memory_bytes();
}

void TrieClassifier::Classify(std::span<const ClassifyKey> keys, std::span<uint32_t> hits) const {
  std::fill_n(hits.begin(), keys.size() * categories_, 0);
  DirectionTrie::Asked asked;
  for (size_t first = 0; first < keys.size(); first += DirectionTrie::kBurst) {
    const size_t end = std::min(first + DirectionTrie::kBurst, keys.size());
    for (const auto& trie : tries_) {
      if (trie == nullptr) continue;
      const bool ingress = trie->direction() == Direction::kIngress;
      asked.count = 0;
      for (size_t i = first; i < end; ++i) {
        const uint16_t subject_be = ingress ? keys[i].dst_class_be : keys[i].src_class_be;
        asked.keys[asked.count] = reinterpret_cast<const uint8_t*>(&keys[i]);
        asked.rows[asked.count] = &hits[i * categories_];
        const bool wanted = (keys[i].directions & Only(trie->direction())) != 0;
        asked.count += wanted && subjects_[__builtin_bswap16(subject_be)] ? 1 : 0;
      }
      trie->Classify(asked, categories_);
    }
  }
}

}  // namespace sluice::acl
