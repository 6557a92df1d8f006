// ClientHellos: what is in them, at every length and in records of every size.
#include "dataplane/inspect/tls_hello.h"

#include <gtest/gtest.h>

#include <string>
#include <tuple>
#include <vector>

#include "tests/support/hello.h"
#include "tests/unit/dataplane/inspect/exact_bytes.h"

namespace sluice::dataplane {
namespace {

using test::ExactBytes;
using test::Hello;
using test::UsualHello;

// Of a hello whose views the test does not look at after its bytes are gone.
struct Seen {
  Reading reading;
  std::string fault, server_name;
  uint16_t version;
  std::vector<std::string> protocols;
  bool encrypted;
};

Seen Read(std::string_view stream, size_t scratch_size = 16384) {
  const ExactBytes bytes(stream);
  std::vector<uint8_t> scratch(scratch_size);
  const TlsHello hello = ReadTlsHello(bytes.get(), scratch);
  Seen seen{hello.reading, hello.fault, std::string(hello.server_name),
            hello.version, {},          hello.encrypted};
  for (unsigned i = 0; i < hello.protocol_count; ++i)
    seen.protocols.emplace_back(hello.protocols[i]);
  return seen;
}

TEST(TlsHello, SaysWhatTheClientAsksFor) {
  const Seen seen = Read(UsualHello("Example.ORG", 1700).bytes());
  EXPECT_EQ(seen.reading, Reading::kComplete);
  EXPECT_EQ(seen.server_name, "Example.ORG") << "as it was sent";
  EXPECT_EQ(seen.version, 0x0304) << "GREASE is no version";
  EXPECT_EQ(seen.protocols, (std::vector<std::string>{"h2", "http/1.1"}));
  EXPECT_FALSE(seen.encrypted);
  const Seen old = Read(Hello().bytes());
  EXPECT_EQ(old.reading, Reading::kComplete) << "without extensions";
  EXPECT_EQ(old.server_name, "");
  EXPECT_EQ(old.version, 0x0303);
  EXPECT_TRUE(Read(UsualHello("a.test").Extension(0xfe0d, "ech").bytes()).encrypted);
}

TEST(TlsHello, AtEveryShorterLengthThereIsMoreToCome) {
  for (const size_t record : {1u << 14, 100u, 3u, 1u}) {
    const std::string hello = UsualHello("one.test").bytes(record);
    for (size_t length = 0; length < hello.size(); ++length) {
      ASSERT_EQ(Read(hello.substr(0, length)).reading, Reading::kMore)
          << length << " of " << record;
    }
    const Seen seen = Read(hello);
    EXPECT_EQ(seen.reading, Reading::kComplete) << record << ": " << seen.fault;
    EXPECT_EQ(seen.server_name, "one.test");
    EXPECT_EQ(Read(hello + "\x14\x03\x03").reading, Reading::kComplete) << "more records";
  }
}

// A key share of post-quantum size: the hello does not fit one segment.
TEST(TlsHello, ALargeOneIsReadFromTwoRecordsHoweverItIsParted) {
  const Hello large = UsualHello("one.test", 1700);
  const std::string whole = large.bytes();
  for (size_t length = 0; length < whole.size(); ++length) {
    ASSERT_EQ(Read(whole.substr(0, length)).reading, Reading::kMore) << length;
  }
  const std::string message = large.message();
  const auto record = [](const std::string& part) {
    const std::string header{0x16, 3, 1, static_cast<char>(part.size() >> 8),
                             static_cast<char>(part.size())};
    return header + part;
  };
  for (size_t parting = 1; parting < message.size(); ++parting) {
    const std::string first = record(message.substr(0, parting));
    ASSERT_EQ(Read(first).reading, Reading::kMore) << parting;
    const Seen seen = Read(first + record(message.substr(parting)));
    ASSERT_EQ(seen.reading, Reading::kComplete) << parting << ": " << seen.fault;
    ASSERT_EQ(seen.server_name, "one.test") << parting;
    ASSERT_EQ(seen.protocols.size(), 2u) << parting;
  }
}

std::string Broken(std::string text, size_t place, char value) {
  text[place] = value;
  return text;
}

TEST(TlsHello, WhatNotEveryServerReadsAlikeIsRefused) {
  const std::string good = UsualHello("one.test").bytes();
  Hello twice, empty, list;
  twice.ServerName("one.test").ServerName("two.test");
  empty.ServerName("");
  list.Extension(0, std::string("\0\x0c\0\0\x03one\0\0\x03two", 14));
  const std::vector<std::pair<std::string, std::string>> cases = {
      {Broken(good, 1, 2), "record_version"},
      {Broken(good, 5, 2), "handshake_type"},
      {Broken(good, 6, 1), "hello_too_long"},
      {Broken(good, 8, static_cast<char>(good[8] - 1)), "hello_trailing_bytes"},
      {std::string("\x16\x03\x01\x00\x00", 5), "record_length"},
      {std::string("\x16\x03\x01\x40\x01", 5), "record_length"},
      {std::string("\x16\x03\x01\x00\x06\x01\x00\x00\x02\x03\x03", 11), "hello_fields"},
      {twice.bytes(), "extensions"},
      {UsualHello("one.test").Extension(42, "").bytes(), "early_data"},
      {empty.bytes(), "server_name"},
      {list.bytes(), "server_name"},
      {Hello().Extension(16, std::string("\0\0", 2)).bytes(), "alpn"},
      {Hello().Extension(43, std::string("\x03\x03\x04\x03", 4)).bytes(), "supported_versions"},
      {Broken(UsualHello("one.test").bytes(50), 55, 0x17), "record_type"},
  };
  for (const auto& [text, fault] : cases) {
    const Seen seen = Read(text);
    EXPECT_EQ(seen.reading, Reading::kMalformed);
    EXPECT_EQ(seen.fault, fault);
  }
  EXPECT_EQ(Read(UsualHello("one.test", 3000).bytes(1000), 2000).fault, "hello_too_long");
  EXPECT_EQ(Read("GET / HTTP/1.1").reading, Reading::kOther);
}

TEST(TlsHello, AnotherHelloBehindTheFirstIsReadToo) {
  const std::string again = UsualHello("two.test").bytes();
  const std::string spec("\x14\x03\x03\x00\x01\x01", 6);
  const auto read = [](std::string_view stream) {
    const ExactBytes bytes(stream);
    std::vector<uint8_t> scratch(16384);
    const TlsHello hello = ReadNextHello(bytes.get(), scratch);
    return std::tuple(hello.reading, std::string(hello.server_name), hello.length);
  };
  EXPECT_EQ(read(again), std::tuple(Reading::kComplete, "two.test", again.size()));
  EXPECT_EQ(read(spec + again + "x"), std::tuple(Reading::kComplete, "two.test", again.size() + 6));
  for (size_t length = 0; length < spec.size() + again.size(); ++length) {
    ASSERT_EQ(std::get<0>(read((spec + again).substr(0, length))), Reading::kMore) << length;
  }
  const std::string finished("\x17\x03\x03\x00\x01x", 6),
      key_exchange("\x16\x03\x03\x00\x01\x10", 6);
  EXPECT_EQ(std::get<0>(read(spec + finished)), Reading::kOther);
  EXPECT_EQ(std::get<0>(read(key_exchange)), Reading::kOther);
  const std::string empty("\x16\x03\x03\x00\x00", 5), odd("\x14\x03\x03\x00\x02\x01\x01", 7);
  for (const std::string& text : {empty + again, odd + again}) {
    EXPECT_EQ(std::get<0>(read(text)), Reading::kMalformed);
  }
  EXPECT_EQ(Read(std::string("\x15\x03\x01\x00\x02\x01\x5a", 7)).fault, "record_type")
      << "an alert before the hello";
}

}  // namespace
}  // namespace sluice::dataplane
