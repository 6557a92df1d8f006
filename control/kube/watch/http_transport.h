// What is asked of an HTTP client, and what it calls back with.
#pragma once

#include <absl/status/status.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sluice::control {

struct HttpRequest {
  std::string method = "GET";
  std::string target;  // path and query, "/api/v1/pods?limit=500"
  std::string body;
  std::string content_type;
  std::chrono::seconds idle_limit{30};  // without a byte: the stream is stalled
  bool fresh_connection = false;        // not one that may be dead
  // Whether the answer may be compressed. Not a watch's: newer servers compress the initial events
  // and then go on in a way that libcurl takes for trailing bytes.
  bool compressed = false;
};

struct HttpHead {
  int status = 0;
  std::optional<std::chrono::seconds> retry_after;
};

// Hears of one request: OnHead, OnBody any number of times, OnEnd; or OnEnd alone.
class HttpReceiver {
 public:
  virtual ~HttpReceiver() = default;
  virtual void OnHead(const HttpHead& head) = 0;
  // False: no more is wanted; OnEnd follows.
  virtual bool OnBody(std::string_view piece) = 0;
  // Ok: the body is whole. Else Unavailable (not reachable, cut off), DeadlineExceeded (stalled),
  // Aborted (OnBody said so), Unauthenticated (TLS, credentials): "SERVER: REASON".
  virtual void OnEnd(const absl::Status& status) = 0;
};

// One thread, which is also the one that calls back; never from inside Start or Cancel.
class HttpTransport {
 public:
  using Id = uint64_t;
  static constexpr Id kNone = 0;

  virtual ~HttpTransport() = default;
  // `receiver` must live until OnEnd or Cancel.
  virtual Id Start(const HttpRequest& request, HttpReceiver& receiver) = 0;
  // No more calls. Nothing happens if the request is over, or kNone.
  virtual void Cancel(Id id) = 0;
};

}  // namespace sluice::control
