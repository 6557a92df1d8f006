#include "dataplane/inspect/tls_hello.h"

#include <algorithm>
#include <cstring>

#include "dataplane/inspect/byte_reader.h"

namespace sluice::dataplane {
namespace {

using Bytes = std::span<const uint8_t>;

constexpr uint8_t kHandshakeRecord = 22, kClientHello = 1, kHostName = 0;
constexpr size_t kRecordHeader = 5, kHandshakeHeader = 4;
constexpr size_t kMaxRecord = 1 << 14;
constexpr uint16_t kServerName = 0, kAlpn = 16, kEarlyData = 42, kSupportedVersions = 43,
                   kEncryptedHello = 0xfe0d;
constexpr unsigned kMaxExtensions = 64;

std::string_view Text(Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

TlsHello Malformed(const char* fault) { return {.reading = Reading::kMalformed, .fault = fault}; }

// RFC 8701: values that mean nothing, so that servers learn to pass them over.
bool IsGrease(uint16_t value) {
  return (value & 0x0f0f) == 0x0a0a && (value >> 8) == (value & 0xff);
}

// The handshake message that records carry, as far as it is here.
struct Handshake {
  Reading reading = Reading::kMore;
  const char* fault = "";
  Bytes message;      // kComplete: with its header
  size_t length = 0;  // of its records
};

size_t MessageSize(Bytes message) {
  return kHandshakeHeader + (size_t{message[1]} << 16 | size_t{message[2]} << 8 | message[3]);
}

class RecordJoiner {
 public:
  RecordJoiner(Bytes stream, std::span<uint8_t> scratch) : stream_(stream), scratch_(scratch) {}

  Handshake Join() {
    for (;;) {
      if (const char* fault = CheckHeader()) return Stop(fault);
      if (stream_.size() < kRecordHeader) return {};
      const size_t length = size_t{stream_[3]} << 8 | stream_[4];
      const Bytes part =
          stream_.subspan(kRecordHeader).first(std::min(length, stream_.size() - kRecordHeader));
      if (!Add(part)) return Stop("hello_too_long");
      if (const char* fault = CheckMessage()) return Stop(fault);
      if (message_.size() >= kHandshakeHeader && message_.size() >= MessageSize(message_)) {
        // What comes behind a hello belongs to it no more: nobody has agreed to anything yet.
        const bool exact = message_.size() == MessageSize(message_) && part.size() == length;
        if (!exact) return Stop("hello_trailing_bytes");
        return {Reading::kComplete, "", message_, before_ + kRecordHeader + length};
      }
      if (part.size() < length) return {};
      before_ += kRecordHeader + length;
      stream_ = stream_.subspan(kRecordHeader + length);
    }
  }

 private:
  static Handshake Stop(const char* fault) {
    return {.reading = Reading::kMalformed, .fault = fault, .message = {}};
  }

  // Of what is here of a record's header.
  const char* CheckHeader() const {
    if (stream_.size() > 0 && stream_[0] != kHandshakeRecord) return "record_type";
    if (stream_.size() > 1 && stream_[1] != 3) return "record_version";
    if (stream_.size() < kRecordHeader) return nullptr;
    const size_t length = size_t{stream_[3]} << 8 | stream_[4];
    return length == 0 || length > kMaxRecord ? "record_length" : nullptr;
  }

  const char* CheckMessage() const {
    if (!message_.empty() && message_[0] != kClientHello) return "handshake_type";
    const bool sized = message_.size() >= kHandshakeHeader;
    return sized && MessageSize(message_) > scratch_.size() ? "hello_too_long" : nullptr;
  }

  // One record is read where it lies; more are put together.
  bool Add(Bytes part) {
    if (first_) {
      message_ = part;
      first_ = false;
      return true;
    }
    if (joined_ == 0) {
      if (message_.size() > scratch_.size()) return false;
      std::memcpy(scratch_.data(), message_.data(), message_.size());
      joined_ = message_.size();
    }
    if (part.size() > scratch_.size() - joined_) return false;
    if (!part.empty()) std::memcpy(scratch_.data() + joined_, part.data(), part.size());
    joined_ += part.size();
    message_ = scratch_.first(joined_);
    return true;
  }

  Bytes stream_;
  std::span<uint8_t> scratch_;
  Bytes message_;
  size_t joined_ = 0;
  size_t before_ = 0;  // octets of the records before the one in hand
  bool first_ = true;
};

class HelloReader {
 public:
  TlsHello Read(Bytes message) {
    ByteReader reader(message.subspan(kHandshakeHeader));
    hello_.reading = Reading::kComplete;
    hello_.version = reader.U16();
    reader.Take(32);  // random
    const bool long_session = reader.TakeWithU8().size() > 32;
    const Bytes suites = reader.TakeWithU16();
    const Bytes compressions = reader.TakeWithU8();
    const bool fits = reader.ok() && !long_session && suites.size() >= 2 &&
                      suites.size() % 2 == 0 && !compressions.empty();
    if (!fits) return Malformed("hello_fields");
    if (reader.empty()) return hello_;  // before extensions
    ByteReader extensions(reader.TakeWithU16());
    if (!reader.ok() || !reader.empty()) return Malformed("hello_fields");
    while (!extensions.empty()) {
      const uint16_t type = extensions.U16();
      const Bytes body = extensions.TakeWithU16();
      if (!extensions.ok()) return Malformed("extension_length");
      if (!Note(type)) return Malformed("extensions");
      if (const char* fault = ReadExtension(type, body)) return Malformed(fault);
    }
    return hello_;
  }

 private:
  // False: it was there already, or there are too many.
  bool Note(uint16_t type) {
    const auto end = seen_.begin() + seen_count_;
    if (seen_count_ == kMaxExtensions || std::find(seen_.begin(), end, type) != end) return false;
    seen_[seen_count_++] = type;
    return true;
  }

  const char* ReadExtension(uint16_t type, Bytes body) {
    switch (type) {
      case kServerName:
        return ReadServerName(body);
      case kAlpn:
        return ReadAlpn(body);
      case kSupportedVersions:
        return ReadVersions(body);
      case kEarlyData:
        return "early_data";  // records of it may hide that another hello follows
      case kEncryptedHello:
        hello_.encrypted = true;
        return nullptr;
      default:
        return nullptr;
    }
  }

  const char* ReadServerName(Bytes body) {
    ByteReader reader(body);
    ByteReader list(reader.TakeWithU16());
    const uint8_t type = list.U8();
    const Bytes name = list.TakeWithU16();
    const bool alone = reader.ok() && reader.empty() && list.ok() && list.empty();
    if (!alone || type != kHostName || name.empty()) return "server_name";
    hello_.server_name = Text(name);
    return nullptr;
  }

  const char* ReadAlpn(Bytes body) {
    ByteReader reader(body);
    ByteReader list(reader.TakeWithU16());
    if (!reader.ok() || !reader.empty() || list.empty()) return "alpn";
    while (!list.empty()) {
      const Bytes protocol = list.TakeWithU8();
      if (!list.ok() || protocol.empty()) return "alpn";
      if (hello_.protocol_count == TlsHello::kMaxProtocols) continue;
      hello_.protocols[hello_.protocol_count++] = Text(protocol);
    }
    return nullptr;
  }

  const char* ReadVersions(Bytes body) {
    ByteReader reader(body);
    ByteReader list(reader.TakeWithU8());
    if (!reader.ok() || !reader.empty() || list.empty()) return "supported_versions";
    while (!list.empty()) {
      const uint16_t version = list.U16();
      if (!list.ok()) return "supported_versions";
      if (!IsGrease(version)) hello_.version = std::max(hello_.version, version);
    }
    return nullptr;
  }

  TlsHello hello_;
  std::array<uint16_t, kMaxExtensions> seen_;
  unsigned seen_count_ = 0;
};

// Records of TLS before the hello, which some servers pass over; or another protocol.
TlsHello BeforeHello(Bytes stream) {
  constexpr uint8_t kFirstType = 20, kLastType = 24;
  if (stream[0] < kFirstType || stream[0] > kLastType) return {.reading = Reading::kOther};
  if (stream.size() < 2) return {};
  return stream[1] == 3 ? Malformed("record_type") : TlsHello{.reading = Reading::kOther};
}

}  // namespace

TlsHello ReadTlsHello(Bytes stream, std::span<uint8_t> scratch) {
  if (!stream.empty() && stream[0] != kHandshakeRecord) return BeforeHello(stream);
  const Handshake handshake = RecordJoiner(stream, scratch).Join();
  if (handshake.reading == Reading::kComplete) {
    TlsHello hello = HelloReader().Read(handshake.message);
    hello.length = handshake.length;
    return hello;
  }
  return {.reading = handshake.reading, .fault = handshake.fault};
}

TlsHello ReadNextHello(Bytes stream, std::span<uint8_t> scratch) {
  // Of middlebox compatibility (RFC 8446 D.4): no part of the handshake.
  constexpr uint8_t kChangeCipherSpec = 20;
  size_t before = 0;
  while (!stream.empty() && stream[0] == kChangeCipherSpec) {
    if (stream.size() < kRecordHeader) return {};
    constexpr size_t kSize = kRecordHeader + 1;
    if (stream[3] != 0 || stream[4] != 1) return Malformed("record_length");
    if (stream.size() < kSize) return {};
    before += kSize;
    stream = stream.subspan(kSize);
  }
  if (stream.empty()) return {};
  if (stream[0] != kHandshakeRecord) return {.reading = Reading::kOther};
  if (stream.size() >= kRecordHeader && stream[3] == 0 && stream[4] == 0) {
    return Malformed("record_length");
  }
  if (stream.size() <= kRecordHeader) return {};
  if (stream[kRecordHeader] != kClientHello) return {.reading = Reading::kOther};
  TlsHello hello = ReadTlsHello(stream, scratch);
  hello.length += before;
  return hello;
}

}  // namespace sluice::dataplane
