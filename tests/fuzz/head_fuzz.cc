// HeadReader reads what pods say first: any bytes, and whatever more of them says must not change
// what less of them said.
//
// The same bytes as a datagram are known at once, and are at most one DNS query.
//
// The input's first two bytes are the length of the shorter stream.
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <span>
#include <string>

#include "dataplane/inspect/head_reader.h"

namespace {

using sluice::dataplane::HeadReader;
using sluice::dataplane::HeadReading;
using Next = HeadReading::Next;

void Require(bool holds) {
  if (!holds) std::abort();
}

struct Said {
  HeadReading reading;
  std::string facts;
};

// At the very end of their memory.
class ExactBytes {
 public:
  ExactBytes(const uint8_t* data, size_t size) : bytes_(new uint8_t[size]), size_(size) {
    if (size > 0) std::memcpy(bytes_.get(), data, size);
  }
  std::span<const uint8_t> span() const { return {bytes_.get(), size_}; }

 private:
  std::unique_ptr<uint8_t[]> bytes_;
  size_t size_;
};

void ReadDatagram(HeadReader& reader, const uint8_t* data, size_t size) {
  const ExactBytes datagram(data, size);
  const HeadReading reading = reader.ReadDatagram(datagram.span());
  Require(reading.state != HeadReading::State::kMore && reading.next == Next::kNothing);
  const bool query = reading.facts.kind == sluice::acl::StreamFacts::Kind::kDns;
  Require(reading.length == (query ? size : 0));
  for (const char c : reading.facts.question) Require(c == '.' || (c > ' ' && !(c & 0x80)));
  Require(!reading.facts.question.starts_with('.') && !reading.facts.question.ends_with('.'));
}

Said Read(HeadReader& reader, const uint8_t* data, size_t size, bool after_hello) {
  const ExactBytes exact(data, size);
  const std::span<const uint8_t> stream = exact.span();
  const HeadReading reading = after_hello ? reader.ReadAfterHello(stream) : reader.Read(stream);
  Said said{reading, ""};
  if (reading.state != HeadReading::State::kKnown) return said;
  for (const std::string_view text :
       {reading.facts.server_name, reading.facts.method, reading.facts.host, reading.facts.path}) {
    said.facts.append(text).push_back('\n');
  }
  Require(reading.length <= size);
  return said;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static HeadReader reader;
  if (size < 2) return 0;
  const size_t shorter = (size_t{data[0]} << 8 | data[1]) % (size - 1);
  data += 2;
  size -= 2;
  ReadDatagram(reader, data, size);
  for (const bool after_hello : {false, true}) {
    const Said less = Read(reader, data, shorter, after_hello);
    const Said more = Read(reader, data, size, after_hello);
    if (less.reading.state == HeadReading::State::kMore) continue;
    Require(more.reading.state == less.reading.state);
    Require(more.facts == less.facts);
    Require(more.reading.body == less.reading.body && more.reading.next == less.reading.next);
    Require(more.reading.length == less.reading.length || more.reading.next == Next::kNothing);
  }
  return 0;
}
