#include "acl/evaluate_text.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>

namespace sluice::acl {
namespace {

bool Holds(const Requirement& requirement, const Labels& labels) {
  const auto label = labels.find(requirement.key);
  const bool present = label != labels.end();
  if (requirement.op == "Exists") return present;
  if (requirement.op == "DoesNotExist") return !present;
  const bool listed = present && std::count(requirement.values.begin(), requirement.values.end(),
                                            label->second) != 0;
  return requirement.op == "In" ? listed : !listed;
}

bool SameBits(const uint8_t* a, const uint8_t* b, int bits) {
  for (int i = 0; i < bits; ++i) {
    const int shift = 7 - i % 8;
    if (((a[i / 8] ^ b[i / 8]) >> shift & 1) != 0) return false;
  }
  return true;
}

}  // namespace

bool Selects(const LabelSelector& selector, const Labels& labels) {
  for (const auto& [key, value] : selector.match_labels) {
    const auto label = labels.find(key);
    if (label == labels.end() || label->second != value) return false;
  }
  return std::all_of(selector.match_expressions.begin(), selector.match_expressions.end(),
                     [&labels](const Requirement& r) { return Holds(r, labels); });
}

bool IsInside(const std::string& block, const IpAddress& address) {
  const bool v4 = address.family == Family::kIpv4;
  const size_t slash = block.find('/');
  if (slash == std::string::npos) return false;
  uint8_t base[16] = {};
  const std::string host = block.substr(0, slash);
  if (inet_pton(v4 ? AF_INET : AF_INET6, host.c_str(), base) != 1) return false;
  int length = -1;
  const char* end = block.data() + block.size();
  const auto [rest, error] = std::from_chars(block.data() + slash + 1, end, length);
  if (error != std::errc() || rest != end || length < 0 || length > (v4 ? 32 : 128)) return false;
  return SameBits(base, address.bytes.data(), length);
}

bool IsInside(const Cidr& block, const IpAddress& address) {
  return block.base.family == address.family &&
         SameBits(block.base.bytes.data(), address.bytes.data(), block.prefix_len);
}

}  // namespace sluice::acl
