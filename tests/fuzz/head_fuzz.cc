// HeadReader reads what pods say first: any bytes, and whatever more of them says must not change
// what less of them said.
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

Said Read(HeadReader& reader, const uint8_t* data, size_t size, bool after_hello) {
  const std::unique_ptr<uint8_t[]> exact(new uint8_t[size]);
  if (size > 0) std::memcpy(exact.get(), data, size);
  const std::span<const uint8_t> stream(exact.get(), size);
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
