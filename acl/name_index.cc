#include "acl/name_index.h"

namespace sluice::acl {
namespace {

// Debian's abseil has a string_view of its own.
absl::string_view Key(std::string_view text) { return {text.data(), text.size()}; }

}  // namespace

NameIndex::Id NameIndex::Add(std::string_view pattern) {
  if (pattern.empty()) return 0;
  const bool front = wildcard_ == Wildcard::kFront && pattern.front() == '*';
  const bool back = wildcard_ == Wildcard::kBack && pattern.back() == '*';
  const std::string_view fixed = front  ? pattern.substr(1)
                                 : back ? pattern.substr(0, pattern.size() - 1)
                                        : pattern;
  if (front || back) lengths_.insert(fixed.size());
  const auto [place, added] =
      (front || back ? parts_ : exact_).try_emplace(std::string(fixed), last_ + 1);
  if (added) ++last_;
  return place->second;
}

NameIndex::Ids NameIndex::Find(std::string_view value) const {
  Ids ids = {0};
  if (const auto exact = exact_.find(Key(value)); exact != exact_.end())
    ids.push_back(exact->second);
  for (const size_t length : lengths_) {
    // What stands for a star in front is never empty; "/a/*" is also "/a/" itself.
    const bool fits =
        wildcard_ == Wildcard::kFront ? length < value.size() : length <= value.size();
    if (!fits) break;
    const std::string_view part = wildcard_ == Wildcard::kFront
                                      ? value.substr(value.size() - length)
                                      : value.substr(0, length);
    if (const auto found = parts_.find(Key(part)); found != parts_.end())
      ids.push_back(found->second);
  }
  return ids;
}

}  // namespace sluice::acl
