#include "dataplane/inspect/dns_query.h"

#include <algorithm>
#include <optional>

#include "acl/uri_characters.h"
#include "dataplane/inspect/byte_reader.h"

namespace sluice::dataplane {
namespace {

constexpr uint16_t kIsResponse = 0x8000, kOpcode = 0x7800;
constexpr uint8_t kMaxLabel = 63;    // what is above points elsewhere (RFC 1035 4.1.4)
constexpr size_t kQuestionTail = 4;  // type and class

bool IsQuery(ByteReader& reader) {
  reader.U16();  // id
  const uint16_t flags = reader.U16(), questions = reader.U16(), answers = reader.U16();
  reader.Take(4);  // how many authorities, and what EDNS adds
  return reader.ok() && (flags & (kIsResponse | kOpcode)) == 0 && questions == 1 && answers == 0;
}

bool IsLabelChar(uint8_t byte) {
  const char c = static_cast<char>(byte);
  return acl::IsAlphanumeric(c) || c == '-' || c == '_';
}

std::optional<std::string_view> ReadName(ByteReader& reader, std::span<char> out) {
  size_t length = 0;
  for (;;) {
    const uint8_t count = reader.U8();
    if (count == 0) break;
    const std::span<const uint8_t> label = reader.Take(count);
    const size_t dot = length == 0 ? 0 : 1;
    if (count > kMaxLabel || !std::ranges::all_of(label, IsLabelChar)) return std::nullopt;
    if (length + dot + label.size() > out.size()) return std::nullopt;
    if (dot != 0) out[length++] = '.';
    for (const uint8_t byte : label) out[length++] = acl::ToLower(static_cast<char>(byte));
  }
  reader.Take(kQuestionTail);
  if (!reader.ok()) return std::nullopt;
  return std::string_view(out.data(), length);
}

}  // namespace

DnsQuery ReadDnsQuery(std::span<const uint8_t> datagram, std::span<char> out) {
  ByteReader reader(datagram);
  if (!IsQuery(reader)) return {};
  const std::optional<std::string_view> name = ReadName(reader, out);
  if (!name) return {.reading = Reading::kMalformed, .name = {}};
  return {.reading = Reading::kComplete, .name = *name};
}

}  // namespace sluice::dataplane
