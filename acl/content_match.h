// Whether content fits a condition, one rule after the other: the oracle of acl/content_matcher.h.
#pragma once

#include <string_view>

#include "acl/classifier.h"
#include "acl/content.h"
#include "acl/stream_facts.h"

namespace sluice::acl {

// `pattern` as in TlsMatch::server_names; `name` in lower case, without a trailing dot.
bool NameFits(std::string_view pattern, std::string_view name);
// `pattern` as in HttpMatch::path.
bool PathFits(std::string_view pattern, std::string_view path);
// Whether `facts` fit one of the conditions; true for content without any.
bool ContentFits(const Content& content, const StreamFacts& facts);

// Whether `rule` is about a key, by addresses and ports.
bool Matches(const FlatRule& rule, const ClassifyKey& key);

// What a rule says that decides: `rule` is 1 + its index in `table`, or 0 for none.
Decision DecisionOf(const RuleTable& table, uint32_t rule);

// `open` is the conditional decision about `key`; who decides once `facts` are known? Cost: every
// rule of the table.
Decision ResolveLinear(const RuleTable& table, const ClassifyKey& key, Direction direction,
                       const Decision& open, const StreamFacts& facts);

}  // namespace sluice::acl
