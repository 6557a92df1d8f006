#include "dataplane/inspect/head_reader.h"

#include <array>

#include "dataplane/inspect/dns_query.h"
#include "dataplane/inspect/host_name.h"
#include "dataplane/inspect/http_request.h"

namespace sluice::dataplane {
namespace {

using Kind = acl::StreamFacts::Kind;

constexpr HeadReading kMalformed{.state = HeadReading::State::kMalformed};

}  // namespace

struct HeadReader::Scratch {
  std::array<uint8_t, kMaxHead> hello;
  std::array<char, kMaxHostName> host;
  std::array<char, kMaxHead + 1> path;
};

HeadReader::HeadReader() : scratch_(std::make_unique<Scratch>()) {}
HeadReader::~HeadReader() = default;

HeadReading HeadReader::Read(std::span<const uint8_t> stream) {
  stream = stream.first(std::min(stream.size(), kMaxHead));
  const TlsHello hello = ReadTlsHello(stream, scratch_->hello);
  if (hello.reading == Reading::kOther) return ReadHttp(stream);
  HeadReading reading = Known(hello);
  reading.next = HeadReading::Next::kAfterHello;
  return reading;
}

HeadReading HeadReader::ReadAfterHello(std::span<const uint8_t> stream) {
  stream = stream.first(std::min(stream.size(), kMaxHead));
  const TlsHello hello = ReadNextHello(stream, scratch_->hello);
  if (hello.reading == Reading::kOther) return {.state = HeadReading::State::kKnown};
  return Known(hello);
}

HeadReading HeadReader::ReadDatagram(std::span<const uint8_t> datagram) {
  const DnsQuery query = ReadDnsQuery(datagram, scratch_->host);
  if (query.reading == Reading::kMalformed) return kMalformed;
  HeadReading known{.state = HeadReading::State::kKnown};
  if (query.reading == Reading::kOther) return known;
  known.facts = {.kind = Kind::kDns, .question = query.name};
  known.length = static_cast<uint32_t>(datagram.size());
  return known;
}

HeadReading HeadReader::Known(const TlsHello& hello) {
  if (hello.reading == Reading::kMore) return {};
  if (hello.reading == Reading::kMalformed) return kMalformed;
  HeadReading known{.state = HeadReading::State::kKnown,
                    .facts = {.kind = Kind::kTls},
                    .length = static_cast<uint32_t>(hello.length)};
  if (hello.server_name.empty()) return known;
  const auto name = NormalizeHost(hello.server_name, scratch_->host);
  if (!name) return kMalformed;
  known.facts.server_name = *name;
  return known;
}

HeadReading HeadReader::ReadHttp(std::span<const uint8_t> stream) {
  const HttpRequest request = ReadHttpRequest(stream, {scratch_->host, scratch_->path});
  switch (request.reading) {
    case Reading::kMore:
      return {};
    case Reading::kMalformed:
      return kMalformed;
    case Reading::kOther:
      return {.state = HeadReading::State::kKnown, .facts = {.kind = Kind::kOther}};
    case Reading::kComplete:
      break;
  }
  const bool last = request.body == UINT64_MAX;
  return {.state = HeadReading::State::kKnown,
          .facts = {.kind = Kind::kHttp,
                    .method = request.method,
                    .host = request.host,
                    .path = request.path},
          .length = last ? static_cast<uint32_t>(stream.size()) : request.length,
          .body = last ? 0 : request.body,
          .next = last ? HeadReading::Next::kNothing : HeadReading::Next::kHead};
}

}  // namespace sluice::dataplane
