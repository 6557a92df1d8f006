// ClientHellos, HTTP requests and DNS queries as clients send them, and as they should not.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sluice::test {

// A ClientHello of TLS 1.2 or, with `supported_versions`, 1.3.
class Hello {
 public:
  Hello& ServerName(std::string_view name);
  Hello& Alpn(const std::vector<std::string>& protocols);
  Hello& Versions(const std::vector<uint16_t>& versions);
  // Any other one: its body as it is.
  Hello& Extension(uint16_t type, std::string_view body);

  // The handshake message, and in records of at most `record` octets of it.
  std::string message() const;
  std::string bytes(size_t record = 1 << 14) const;

 private:
  std::vector<std::pair<uint16_t, std::string>> extensions_;
};

// What curl and browsers send: GREASE, ALPN, TLS 1.3, a key share as large as `key_share`.
Hello UsualHello(std::string_view name, size_t key_share = 32);

// "GET PATH HTTP/1.1" with Host and a few more fields.
std::string Request(std::string_view host, std::string_view path = "/",
                    std::string_view method = "GET");

// A DNS query for the address of `name`; each part between dots becomes a label. Empty: the root.
std::string Query(std::string_view name);

}  // namespace sluice::test
