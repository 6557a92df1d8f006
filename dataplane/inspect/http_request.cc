#include "dataplane/inspect/http_request.h"

#include <algorithm>
#include <charconv>

#include "acl/uri_characters.h"
#include "dataplane/inspect/host_name.h"

namespace sluice::dataplane {
namespace {

using acl::IsTokenChar;
using acl::IsUnreserved;

constexpr std::string_view kHttp2Preface = "PRI * HTTP/2.0";

std::string_view Text(std::span<const uint8_t> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

bool IsDigit(char c) { return '0' <= c && c <= '9'; }
bool IsAlpha(char c) { return ('a' <= c && c <= 'z') || ('A' <= c && c <= 'Z'); }
// What some server or other parts words by: RFC 9112 3, and what languages call white.
bool IsBlank(char c) {
  return std::string_view(" \t\n\v\f\r\x1c\x1d\x1e\x1f\x85\xa0").find(c) != std::string_view::npos;
}
bool IsVisible(char c) { return '!' <= c && c <= '~'; }
// Of a field's value, obsolete text (RFC 9110 5.5) too.
bool IsValueChar(char c) { return c == '\t' || c == ' ' || IsVisible(c) || (c & 0x80) != 0; }

bool EqualsNoCase(std::string_view one, std::string_view other) {
  return std::ranges::equal(one, other, [](char a, char b) {
    return (IsAlpha(a) ? a | 0x20 : a) == (IsAlpha(b) ? b | 0x20 : b);
  });
}

std::string_view Trimmed(std::string_view text) {
  const auto blank = [](char c) { return c == ' ' || c == '\t'; };
  while (!text.empty() && blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && blank(text.back())) text.remove_suffix(1);
  return text;
}

// host[:port], as Host and targets have it.
struct Authority {
  std::string_view host, port;
};
std::optional<Authority> SplitAuthority(std::string_view text) {
  const size_t close = text.starts_with('[') ? text.find(']') : 0;
  if (close == std::string_view::npos) return std::nullopt;
  const size_t colon = text.find(':', close);
  Authority authority{text.substr(0, colon), {}};
  if (colon != std::string_view::npos) authority.port = text.substr(colon + 1);
  const bool digits = authority.port.size() <= 5 && std::ranges::all_of(authority.port, IsDigit);
  return digits ? std::optional(authority) : std::nullopt;
}

class RequestReader {
 public:
  RequestReader(std::string_view stream, const HttpScratch& scratch)
      : stream_(stream), scratch_(scratch) {}

  HttpRequest Read() {
    if (const HttpRequest begin = Begin(); begin.reading != Reading::kComplete) return begin;
    if (stream_.substr(0, kHttp2Preface.size()) == kHttp2Preface) return Stop("http2");
    bool first = true;
    for (;;) {
      const size_t end = stream_.find('\n', at_);
      const size_t control = stream_.substr(at_, end - at_).find('\0');
      if (control != std::string_view::npos) return Stop("control_character");
      if (end == std::string_view::npos) return request_;  // kMore
      if (end == at_ || stream_[end - 1] != '\r') return Stop("bare_line_feed");
      const std::string_view line = stream_.substr(at_, end - 1 - at_);
      at_ = end + 1;
      if (line.empty()) break;
      if (const char* fault = first ? ReadRequestLine(line) : ReadField(line)) return Stop(fault);
      first = false;
    }
    if (const char* fault = first ? "request_line" : Conclude()) return Stop(fault);
    request_.reading = Reading::kComplete;
    request_.length = static_cast<uint32_t>(at_);
    return request_;
  }

 private:
  static HttpRequest Stop(const char* fault) {
    return {.reading = Reading::kMalformed, .fault = fault};
  }

  // Complete: it begins with a method and a blank. It is of another protocol only if no server,
  // however lenient, sees these in it.
  HttpRequest Begin() const {
    const auto method = std::ranges::find_if_not(stream_, IsBlank);
    const auto blank = std::find_if_not(method, stream_.end(), IsTokenChar);
    const std::string_view rest(blank, stream_.end());
    if (rest.empty() || rest == "\r") return {};
    const bool alone = rest.starts_with('\n') || rest.starts_with("\r\n");
    if (blank == method || alone || !IsBlank(rest.front())) return {.reading = Reading::kOther};
    if (method != stream_.begin()) return Stop("leading_blank");
    if (rest.front() != ' ') return Stop("request_line");
    return {.reading = Reading::kComplete};
  }

  const char* ReadRequestLine(std::string_view line) {
    const size_t blank = line.find(' ');
    const size_t last = line.rfind(' ');
    if (blank == last) return "request_line";
    request_.method = line.substr(0, blank);
    // A method is "GET" and not "get" (RFC 9110 9.1), and for some servers both.
    const auto lower = [](char c) { return 'a' <= c && c <= 'z'; };
    if (std::ranges::any_of(request_.method, lower)) return "method";
    const std::string_view target = line.substr(blank + 1, last - blank - 1);
    const std::string_view version = line.substr(last + 1);
    if (version != "HTTP/1.1" && version != "HTTP/1.0") return "http_version";
    is_old_ = version == "HTTP/1.0";
    if (target.empty() || !std::ranges::all_of(target, IsVisible)) return "target";
    return ReadTarget(target);
  }

  const char* ReadTarget(std::string_view target) {
    if (request_.method == "CONNECT") {
      target_authority_ = target;
      return nullptr;
    }
    if (target == "*") {
      request_.path = target;
      return request_.method == "OPTIONS" ? nullptr : "target";
    }
    if (!target.starts_with('/')) {
      const size_t scheme = target.find("://");
      if (scheme == std::string_view::npos) return "target";
      const bool known = EqualsNoCase(target.substr(0, scheme), "http") ||
                         EqualsNoCase(target.substr(0, scheme), "https");
      if (!known) return "target";
      target.remove_prefix(scheme + 3);
      const size_t path = std::min(target.find_first_of("/?"), target.size());
      target_authority_ = target.substr(0, path);
      target.remove_prefix(path);
      if (target_authority_->empty()) return "target";
    }
    const std::string_view raw = target.substr(0, target.find('?'));
    if (raw.find('#') != std::string_view::npos) return "target";
    const auto path = NormalizePath(raw.empty() ? "/" : raw, scratch_.path);
    if (!path) return "path_ambiguous";
    request_.path = *path;
    return nullptr;
  }

  const char* ReadField(std::string_view line) {
    const size_t colon = line.find(':');
    if (colon == std::string_view::npos || colon == 0) return "field";
    const std::string_view name = line.substr(0, colon);
    // A blank in front folds a line (RFC 9112 5.2), one behind the name smuggles (5.1).
    if (!std::ranges::all_of(name, IsTokenChar)) return "field_name";
    const std::string_view value = Trimmed(line.substr(colon + 1));
    if (!std::ranges::all_of(value, IsValueChar)) return "control_character";
    if (EqualsNoCase(name, "host")) return Once(host_, value, "host_twice");
    if (EqualsNoCase(name, "content-length")) return Once(length_, value, "length_twice");
    if (EqualsNoCase(name, "transfer-encoding")) return Once(coding_, value, "coding_twice");
    if (EqualsNoCase(name, "upgrade")) upgrades_ = true;
    if (EqualsNoCase(name, "connection")) {
      // Of several, servers go by the first or the last.
      closes_ = !connection_ && EqualsNoCase(value, "close");
      connection_ = value;
    }
    return nullptr;
  }

  static const char* Once(std::optional<std::string_view>& field, std::string_view value,
                          const char* twice) {
    if (field) return twice;
    field = value;
    return nullptr;
  }

  const char* Conclude() {
    if (const char* fault = ConcludeHost()) return fault;
    // What comes behind is a body for some, and the other protocol for others.
    const bool switches = upgrades_ || request_.method == "CONNECT";
    if (switches && (coding_ || length_)) return "body_of_switch";
    if (coding_) {
      if (length_ || is_old_ || !EqualsNoCase(*coding_, "chunked")) return "body_length";
      // Where the next request begins is in the body; so there must be none.
      if (!closes_) return "chunked_body";
      request_.body = UINT64_MAX;
      return nullptr;
    }
    if (!length_) return nullptr;
    const auto [end, error] =
        std::from_chars(length_->data(), length_->data() + length_->size(), request_.body);
    const bool number = !length_->empty() && std::ranges::all_of(*length_, IsDigit) &&
                        error == std::errc() && end == length_->data() + length_->size() &&
                        request_.body <= INT64_MAX;  // servers count with a sign
    return number ? nullptr : "body_length";
  }

  const char* ConcludeHost() {
    if (!host_ && !is_old_) return "host_missing";
    std::optional<Authority> of_field, of_target;
    if (host_ && !host_->empty() && !(of_field = SplitAuthority(*host_))) return "host";
    if (target_authority_ && !(of_target = SplitAuthority(*target_authority_))) return "target";
    if (of_target && of_field &&
        (!EqualsNoCase(of_target->host, of_field->host) || of_target->port != of_field->port)) {
      return "host_conflict";
    }
    const std::optional<Authority>& authority = of_target ? of_target : of_field;
    if (!authority) return nullptr;
    const auto host = NormalizeHost(authority->host, scratch_.host);
    if (!host) return "host";
    request_.host = *host;
    return nullptr;
  }

  std::string_view stream_;
  const HttpScratch& scratch_;
  HttpRequest request_;
  size_t at_ = 0;
  bool is_old_ = false;  // HTTP/1.0
  bool closes_ = false;  // the connection, after this
  bool upgrades_ = false;
  std::optional<std::string_view> target_authority_, host_, length_, coding_, connection_;
};

std::optional<unsigned> HexDigit(char c) {
  if (IsDigit(c)) return c - '0';
  const char lower = static_cast<char>(c | 0x20);
  if ('a' <= lower && lower <= 'f') return lower - 'a' + 10;
  return std::nullopt;
}

// Without the last segment: "/a/b" -> "/a", "/a/" -> "/a"; absent at the root.
std::optional<size_t> Parent(std::string_view path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string_view::npos) return std::nullopt;
  return slash;
}

class PathWriter {
 public:
  explicit PathWriter(std::span<char> out) : out_(out) {}

  bool Put(char c) {
    if (c == '/') return EndSegment();
    out_[size_++] = c;
    return true;
  }
  std::optional<std::string_view> Finish() {
    const bool directory = IsDots() || size_ == segment_;
    if (!EndSegment()) return std::nullopt;
    if (!directory) --size_;  // the slash that ended it
    return std::string_view(out_.data(), size_);
  }

 private:
  std::string_view Segment() const { return {out_.data() + segment_, size_ - segment_}; }
  bool IsDots() const { return Segment() == "." || Segment() == ".."; }
  // The text always ends behind a slash, but for the segment in hand.
  bool EndSegment() {
    const bool up = Segment() == "..";
    if (up && doubled_) return false;
    if (IsDots() || size_ == segment_) {
      doubled_ = doubled_ || (size_ == segment_ && size_ > 0);
      size_ = segment_;
      if (!up) {
        if (size_ == 0) out_[size_++] = '/';
        segment_ = size_;
        return true;
      }
      if (segment_ <= 1) return false;  // above the root
      size_ = *Parent({out_.data(), segment_ - 1}) + 1;
    } else {
      out_[size_++] = '/';
    }
    segment_ = size_;
    return true;
  }

  std::span<char> out_;
  size_t size_ = 0;
  size_t segment_ = 0;    // where the one in hand begins
  bool doubled_ = false;  // had slashes next to each other
};

}  // namespace

HttpRequest ReadHttpRequest(std::span<const uint8_t> stream, const HttpScratch& scratch) {
  return RequestReader(Text(stream), scratch).Read();
}

std::optional<std::string_view> NormalizePath(std::string_view raw, std::span<char> out) {
  if (!raw.starts_with('/') || out.size() <= raw.size()) return std::nullopt;
  PathWriter writer(out);
  for (size_t i = 0; i < raw.size(); ++i) {
    const char c = raw[i];
    if (!IsVisible(c) || c == '\\' || c == ';') return std::nullopt;
    if (c != '%') {
      if (!writer.Put(c)) return std::nullopt;
      continue;
    }
    if (raw.size() - i < 3) return std::nullopt;
    const auto high = HexDigit(raw[i + 1]), low = HexDigit(raw[i + 2]);
    if (!high || !low) return std::nullopt;
    const char decoded = static_cast<char>(*high * 16 + *low);
    if (std::string_view("/\\;\0", 4).find(decoded) != std::string_view::npos) return std::nullopt;
    if (IsUnreserved(decoded)) {
      writer.Put(decoded);
    } else {
      constexpr const char* kDigits = "0123456789ABCDEF";
      for (const char digit : {'%', kDigits[*high], kDigits[*low]}) writer.Put(digit);
    }
    i += 2;
  }
  return writer.Finish();
}

}  // namespace sluice::dataplane
