#include "tests/support/hello.h"

#include <fmt/format.h>

#include <algorithm>

namespace sluice::test {
namespace {

constexpr uint16_t kGrease = 0x0a0a, kServerName = 0, kAlpn = 16, kVersions = 43, kKeyShare = 51;

std::string Number(size_t value, unsigned octets) {
  std::string text;
  while (octets-- > 0) text.push_back(static_cast<char>(value >> (8 * octets)));
  return text;
}

std::string Counted(const std::string& text, unsigned octets) {
  return Number(text.size(), octets) + text;
}

}  // namespace

Hello& Hello::ServerName(std::string_view name) {
  return Extension(kServerName, Counted(Number(0, 1) + Counted(std::string(name), 2), 2));
}

Hello& Hello::Alpn(const std::vector<std::string>& protocols) {
  std::string list;
  for (const std::string& protocol : protocols) list += Counted(protocol, 1);
  return Extension(kAlpn, Counted(list, 2));
}

Hello& Hello::Versions(const std::vector<uint16_t>& versions) {
  std::string list;
  for (const uint16_t version : versions) list += Number(version, 2);
  return Extension(kVersions, Counted(list, 1));
}

Hello& Hello::Extension(uint16_t type, std::string_view body) {
  extensions_.emplace_back(type, body);
  return *this;
}

std::string Hello::message() const {
  std::string body = Number(0x0303, 2) + std::string(32, 'r') + Counted(std::string(32, 's'), 1) +
                     Counted(Number(0x1301, 2) + Number(0xc02f, 2), 2) + Counted(Number(0, 1), 1);
  std::string extensions;
  for (const auto& [type, text] : extensions_) extensions += Number(type, 2) + Counted(text, 2);
  if (!extensions_.empty()) body += Counted(extensions, 2);
  return Number(1, 1) + Counted(body, 3);
}

std::string Hello::bytes(size_t record) const {
  const std::string whole = message();
  std::string records;
  for (size_t at = 0; at < whole.size(); at += record) {
    records += Number(0x16, 1) + Number(0x0301, 2) + Counted(whole.substr(at, record), 2);
  }
  return records;
}

Hello UsualHello(std::string_view name, size_t key_share) {
  Hello hello;
  hello.Extension(kGrease, "").ServerName(name).Alpn({"h2", "http/1.1"});
  hello.Versions({kGrease, 0x0304, 0x0303});
  return hello.Extension(kKeyShare,
                         Counted(Number(0x11ec, 2) + Counted(std::string(key_share, 'k'), 2), 2));
}

std::string Request(std::string_view host, std::string_view path, std::string_view method) {
  return fmt::format("{} {} HTTP/1.1\r\nHost: {}\r\nUser-Agent: test/1.0\r\nAccept: */*\r\n\r\n",
                     method, path, host);
}

std::string Query(std::string_view name) {
  constexpr unsigned kId = 0x1234, kRecursionDesired = 0x0100, kAddress = 1, kInternet = 1;
  std::string query = Number(kId, 2) + Number(kRecursionDesired, 2) + Number(1, 2);
  query += Number(0, 2) + Number(0, 2) + Number(0, 2);
  while (!name.empty()) {
    const std::string_view label = name.substr(0, name.find('.'));
    query += Counted(std::string(label), 1);
    name.remove_prefix(std::min(label.size() + 1, name.size()));
  }
  return query + Number(0, 1) + Number(kAddress, 2) + Number(kInternet, 2);
}

}  // namespace sluice::test
