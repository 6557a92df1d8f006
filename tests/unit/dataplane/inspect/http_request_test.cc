// Heads of HTTP requests: what they ask for, and what no two servers read alike.
#include "dataplane/inspect/http_request.h"

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <vector>

#include "dataplane/inspect/host_name.h"
#include "tests/support/hello.h"
#include "tests/unit/dataplane/inspect/exact_bytes.h"

namespace sluice::dataplane {
namespace {

using test::ExactBytes;

// "METHOD HOST PATH body", or the fault, "more" or "other".
std::string Read(std::string_view stream) {
  const ExactBytes bytes(stream);
  std::array<char, kMaxHostName> host;
  std::vector<char> path(stream.size() + 1);
  const HttpRequest request = ReadHttpRequest(bytes.get(), {host, path});
  switch (request.reading) {
    case Reading::kMore:
      return "more";
    case Reading::kOther:
      return "other";
    case Reading::kMalformed:
      return request.fault;
    case Reading::kComplete:
      break;
  }
  EXPECT_EQ(request.length, stream.find("\r\n\r\n") + 4) << stream;
  return std::string(request.method) + " " + std::string(request.host) + " " +
         std::string(request.path) + " " + std::to_string(request.body);
}

struct Row {
  std::string text;
  std::string says;
};

void Check(const std::vector<Row>& rows) {
  for (const Row& row : rows) EXPECT_EQ(Read(row.text), row.says) << row.text;
}

TEST(HttpRequest, FormsOfTheTargetAndOfHost) {
  Check({
      {"GET / HTTP/1.1\r\nHost: A.Test\r\n\r\n", "GET a.test / 0"},
      {"GET /a?q=/b HTTP/1.1\r\nhost:a.test.:8080 \t\r\n\r\n", "GET a.test /a 0"},
      {"GET http://a.test/x HTTP/1.1\r\nHost: A.test\r\n\r\n", "GET a.test /x 0"},
      {"GET HTTPS://a.test:8443?q HTTP/1.1\r\nHost: a.test:8443\r\n\r\n", "GET a.test / 0"},
      {"OPTIONS * HTTP/1.1\r\nHost: a.test\r\n\r\n", "OPTIONS a.test * 0"},
      {"CONNECT a.test:443 HTTP/1.1\r\nHost: a.test:443\r\n\r\n", "CONNECT a.test  0"},
      {"GET / HTTP/1.0\r\n\r\n", "GET  / 0"},
      {"GET / HTTP/1.1\r\nHost: [2001:DB8::1]:80\r\n\r\n", "GET [2001:db8::1] / 0"},
      {"GET / HTTP/1.1\r\nHost:\r\n\r\n", "GET  / 0"},
      {"POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 12\r\n\r\nabc", "POST a.test / 12"},
      {"PUT / HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\nTransfer-Encoding: Chunked\r\n\r\n",
       "PUT a.test / 18446744073709551615"},
  });
}

TEST(HttpRequest, WhatServersReadDifferentlyIsRefused) {
  const std::string line = "GET / HTTP/1.1\r\n", host = "Host: a.test\r\n", end = "\r\n";
  Check({
      {line + host + host + end, "host_twice"},
      {line + end, "host_missing"},
      {"GET http://b.test/ HTTP/1.1\r\n" + host + end, "host_conflict"},
      {"GET http://a.test:80/ HTTP/1.1\r\n" + host + end, "host_conflict"},
      {"GET http://user@a.test/ HTTP/1.1\r\n" + host + end, "host_conflict"},
      {"GET http://user@a.test/ HTTP/1.0\r\n" + end, "host"},
      {line + "Host: user@a.test\r\n" + end, "host"},
      {line + "Host: a.test, b.test\r\n" + end, "host"},
      {line + "Host: a..test\r\n" + end, "host"},
      {line + "Host : a.test\r\n" + end, "field_name"},
      {line + host + " folded\r\n" + end, "field"},
      {line + host + " folded: x\r\n" + end, "field_name"},
      {line + host + "X: a\rb\r\n" + end, "control_character"},
      {line + host + std::string("X: a\0b\r\n", 8) + end, "control_character"},
      {line + "Host: a.test\n" + end, "bare_line_feed"},
      {"GET / HTTP/1.1\n", "bare_line_feed"},
      {"GET  / HTTP/1.1\r\n" + host + end, "target"},
      {"CONNECT a.test:443 HTTP/1.1\r\nHost: a.test:443\r\nContent-Length: 9\r\n" + end,
       "body_of_switch"},
      {line + host + "Upgrade: x\r\nContent-Length: 9\r\n" + end, "body_of_switch"},
      {"get / HTTP/1.1\r\n" + host + end, "method"},
      {"GET / HTTP/1.2\r\n" + host + end, "http_version"},
      {"GET /\r\n", "request_line"},
      {"GET a.test HTTP/1.1\r\n" + host + end, "target"},
      {"GET ftp://a.test/ HTTP/1.1\r\n" + host + end, "target"},
      {"GET * HTTP/1.1\r\n" + host + end, "target"},
      {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "http2"},
      {"\r\n" + line + host + end, "leading_blank"},
      {line + host + "Content-Length: 1\r\nContent-Length: 1\r\n" + end, "length_twice"},
      {line + host + "Content-Length: +1\r\n" + end, "body_length"},
      {line + host + "Content-Length: 1, 1\r\n" + end, "body_length"},
      {line + host + "Content-Length: 99999999999999999999\r\n" + end, "body_length"},
      {line + host + "Content-Length: 18446744073709551615\r\n" + end, "body_length"},
      {line + host + "Content-Length: 9223372036854775808\r\n" + end, "body_length"},
      {line + host + "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n" + end, "body_length"},
      {line + host + "Transfer-Encoding: gzip, chunked\r\n" + end, "body_length"},
      {line + host + "Transfer-Encoding: chunked\r\n" + end, "chunked_body"},
      {"GET /%2e%2e/%2e%2e HTTP/1.1\r\n" + host + end, "path_ambiguous"},
  });
}

TEST(HttpRequest, AtEveryShorterLengthThereIsMoreToCome) {
  const std::string request = test::Request("a.test", "/b", "POST");
  for (size_t length = 0; length < request.size(); ++length) {
    ASSERT_EQ(Read(request.substr(0, length)), "more") << length;
  }
  EXPECT_NE(Read(request + "GET"), "more");
}

TEST(HttpRequest, OtherProtocolsAreSeenAsSuch) {
  Check({{"SSH-2.0-x\r\n", "other"},
         {std::string("\0\1\2", 3), "other"},
         {std::string(40, 'A'), "more"},
         {std::string(40, 'A') + ":", "other"},
         {"HELO:", "other"},
         {"QUIT\n", "other"},
         {"QUIT\r", "more"},
         {std::string("\n\0\0\0", 4), "other"},
         {"\n", "more"}});
}

// Python's http.server parts words by any of these, and serves what we took for no request.
TEST(HttpRequest, BlanksThatLenientServersTakeAreNoOtherProtocol) {
  const std::string rest = "/ HTTP/1.1\r\nHost: a.test\r\n\r\n";
  for (const char blank : {'\t', '\v', '\f', '\r', '\x1c', '\x1f', '\x85', '\xa0'}) {
    EXPECT_EQ(Read(std::string("GET") + blank + rest), "request_line") << int{blank};
    EXPECT_EQ(Read(blank + ("GET " + rest)), "leading_blank") << int{blank};
  }
}

TEST(HttpRequest, AMethodMayBeLong) {
  const std::string method(40, 'A');
  EXPECT_EQ(Read(method + " /b HTTP/1.1\r\nHost: a.test\r\n\r\n"), method + " a.test /b 0");
}

// nginx goes by the last Connection, others by the first.
TEST(HttpRequest, AConnectionEndsByOneFieldThatSaysOnlyThat) {
  const std::string head = "PUT / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n";
  const std::string close = "Connection: close\r\n", keep = "Connection: keep-alive\r\n";
  Check({{head + close + keep + "\r\n", "chunked_body"},
         {head + keep + close + "\r\n", "chunked_body"},
         {head + close + keep + close + "\r\n", "chunked_body"},
         {head + "Connection: close, keep-alive\r\n\r\n", "chunked_body"}});
}

TEST(NormalizePath, IsWhatEveryServerTakesItFor) {
  const auto normal = [](const std::string& raw) {
    std::vector<char> out(raw.size() + 1);
    const auto path = NormalizePath(raw, out);
    return path ? std::string(*path) : "refused";
  };
  const std::vector<Row> rows = {
      {"/", "/"},
      {"/a/b", "/a/b"},
      {"/a/b/", "/a/b/"},
      {"/a//b", "/a/b"},
      {"//a", "/a"},
      {"/a/./b", "/a/b"},
      {"/a/.", "/a/"},
      {"/a/../b", "/b"},
      {"/a/b/..", "/a/"},
      {"/a/b/../..", "/"},
      {"/..", "refused"},
      {"/a/../../b", "refused"},
      {"/a/.../b", "/a/.../b"},
      {"/%61%2D%7e", "/a-~"},
      {"/a%2f..", "refused"},
      {"/a%5cb", "refused"},
      {"/a\\b", "refused"},
      {"/a%00", "refused"},
      {"/a%3bb", "refused"},
      {"/a%2cb", "/a%2Cb"},
      {"/a%", "refused"},
      {"/a%4", "refused"},
      {"/a%4g", "refused"},
      {"/%2e%2e/a", "refused"},
      {"/a/%2E/b", "/a/b"},
      {"/a/..;/b", "refused"},
      {"/a/.;x=1/b", "refused"},
      {"/a/%2e.%3bx", "refused"},
      {"/a/..x;/b", "refused"},
      {"/a;x/b", "refused"},
      {"/a//../b", "refused"},
      {"/a//b/../../c", "refused"},
      {"/a/b/..//c", "/a/c"},
      {"a", "refused"},
  };
  for (const Row& row : rows) EXPECT_EQ(normal(row.text), row.says) << row.text;
}

TEST(NormalizeHost, KeepsNamesAndRefusesTheRest) {
  const auto normal = [](const std::string& raw) {
    std::array<char, kMaxHostName> out;
    const auto name = NormalizeHost(raw, out);
    return name ? std::string(*name) : "refused";
  };
  const std::string label(63, 'a');
  const std::vector<Row> rows = {
      {"A.b-C_1.Test", "a.b-c_1.test"},
      {"a.test.", "a.test"},
      {"10.0.0.1", "10.0.0.1"},
      {label, label},
      {label + "a", "refused"},
      {"", "refused"},
      {".", "refused"},
      {".a", "refused"},
      {"a..b", "refused"},
      {"a..", "refused"},
      {"a b", "refused"},
      {"*.a", "refused"},
      {std::string("a\0b", 3), "refused"},
      {"\xc3\xa4.test", "refused"},
      {"[::1]", "[::1]"},
      {"[::1", "refused"},
      {std::string(254, 'a'), "refused"},
  };
  for (const Row& row : rows) EXPECT_EQ(normal(row.text), row.says) << row.text;
}

}  // namespace
}  // namespace sluice::dataplane
