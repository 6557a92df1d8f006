// Questions of DNS queries: which name they are read to ask for, and which are not read.
#include "dataplane/inspect/dns_query.h"

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
using test::Query;

// The name, "malformed" or "other".
std::string Read(std::string_view datagram) {
  const ExactBytes bytes(datagram);
  std::array<char, kMaxHostName> out;
  const DnsQuery query = ReadDnsQuery(bytes.get(), out);
  if (query.reading == Reading::kComplete) return std::string(query.name);
  return query.reading == Reading::kOther ? "other" : "malformed";
}

// With one octet of the usual query for a.test made another one.
std::string With(size_t place, char octet) {
  std::string query = Query("a.test");
  query.at(place) = octet;
  return query;
}

TEST(DnsQuery, TheNameIsInLowerCaseWithoutADotBehind) {
  const std::vector<std::pair<std::string, std::string>> rows = {
      {Query("one.example.org"), "one.example.org"},
      {Query("OnE.eXaMPLE.org"), "one.example.org"},
      {Query("_dns.a-b.test"), "_dns.a-b.test"},
      {Query("7.0.2.192.in-addr.arpa"), "7.0.2.192.in-addr.arpa"},
      {Query(std::string(63, 'a') + ".b"), std::string(63, 'a') + ".b"},
      {Query(""), ""},
      {Query("a.test") + "what EDNS adds", "a.test"},
      {With(2, '\x01'), "a.test"},   // recursion desired
      {With(11, '\x01'), "a.test"},  // an OPT record follows
  };
  for (const auto& [query, name] : rows) EXPECT_EQ(Read(query), name);
}

TEST(DnsQuery, WhatNoServerAnswersIsNone) {
  EXPECT_EQ(Read(""), "other");
  EXPECT_EQ(Read("a voice packet, and not a query"), "other");
  EXPECT_EQ(Read(With(2, '\x80')), "other") << "an answer";
  EXPECT_EQ(Read(With(2, '\x28')), "other") << "an update";
  EXPECT_EQ(Read(With(5, 0)), "other") << "no question";
  EXPECT_EQ(Read(With(5, 2)), "other") << "two questions";
  EXPECT_EQ(Read(With(4, 1)), "other") << "257 questions";
  EXPECT_EQ(Read(With(7, 1)), "other") << "a question with an answer";
}

TEST(DnsQuery, NamesThatCouldBeReadOtherwiseAreMalformed) {
  EXPECT_EQ(Read(With(12, '\xc0')), "malformed") << "compressed";
  EXPECT_EQ(Read(With(12, '\x40')), "malformed") << "an extended label";
  EXPECT_EQ(Read(With(13, '.')), "malformed") << "a dot in a label";
  EXPECT_EQ(Read(With(13, '\0')), "malformed");
  EXPECT_EQ(Read(With(13, '\xe4')), "malformed");
  EXPECT_EQ(Read(With(13, '*')), "malformed");
  std::string name;
  while (name.size() < kMaxHostName) name += name.empty() ? "a" : ".a";
  EXPECT_EQ(Read(Query(name)), name);
  EXPECT_EQ(Read(Query(name + ".a")), "malformed") << "longer than a name is";
}

TEST(DnsQuery, NoPartOfOneIsRead) {
  const std::string query = Query("one.example.org");
  for (size_t length = 0; length < query.size(); ++length) {
    EXPECT_EQ(Read(query.substr(0, length)), length < 12 ? "other" : "malformed") << length;
  }
}

}  // namespace
}  // namespace sluice::dataplane
