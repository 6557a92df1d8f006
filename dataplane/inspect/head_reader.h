// Reads what a stream begins with: a ClientHello, an HTTP request, or neither; and what a datagram
// asks.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "acl/stream_facts.h"
#include "dataplane/inspect/tls_hello.h"

namespace sluice::dataplane {

struct HeadReading {
  enum class State : uint8_t {
    kMore,       // a longer stream may say
    kKnown,      // `facts` are what it says
    kMalformed,  // it looks like TLS or HTTP, and is not as their RFCs say
  };
  State state = State::kMore;
  acl::StreamFacts facts;  // views into the stream, or into the reader until its next Read
  uint32_t length = 0;     // kKnown: octets of the head; 0 of what is neither
  uint64_t body = 0;       // octets behind it that are its own
  // What may come behind these that is to be judged: nothing, another head, or what follows a
  // hello.
  enum class Next : uint8_t { kNothing, kHead, kAfterHello };
  Next next = Next::kNothing;
};

class HeadReader {
 public:
  static constexpr size_t kMaxHead = 16 * 1024;  // octets

  HeadReader();
  ~HeadReader();

  // `stream` is in order from where a head begins; at most kMaxHead octets are looked at.
  HeadReading Read(std::span<const uint8_t> stream);
  // From behind a ClientHello: another one, or kOther.
  HeadReading ReadAfterHello(std::span<const uint8_t> stream);
  // All of a datagram: a DNS query or kOther; never kMore.
  HeadReading ReadDatagram(std::span<const uint8_t> datagram);

 private:
  struct Scratch;
  HeadReading Known(const TlsHello& hello);
  HeadReading ReadHttp(std::span<const uint8_t> stream);

  std::unique_ptr<Scratch> scratch_;
};

}  // namespace sluice::dataplane
