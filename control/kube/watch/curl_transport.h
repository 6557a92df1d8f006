// HTTP over libcurl: all requests on one thread, HTTP/2 on one connection where TLS agrees on it.
//
// Proxies of the environment are not used: the watcher's own traffic must not leave by them.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "control/kube/watch/api_access.h"
#include "control/kube/watch/http_transport.h"

namespace sluice::control {

class CurlTransport : public HttpTransport {
 public:
  explicit CurlTransport(ApiAccess access);
  ~CurlTransport() override;  // requests still running end without a call
  CurlTransport(const CurlTransport&) = delete;
  CurlTransport& operator=(const CurlTransport&) = delete;

  Id Start(const HttpRequest& request, HttpReceiver& receiver) override;
  void Cancel(Id id) override;

  // Calls back what has happened.
  void Perform();
  // Waits for something to happen, at most `limit`.
  void Wait(std::chrono::milliseconds limit);
  // Makes Wait return. Any thread.
  void Wake();

 private:
  struct Transfer;
  struct Callbacks;
  struct Multi;

  void SetUp(Transfer& transfer, const HttpRequest& request);
  void SetCredentials(Transfer& transfer);
  void Reap();
  void Finish(Id id, const absl::Status& status);

  const ApiAccess access_;
  std::unique_ptr<Multi> multi_;
  std::map<Id, std::unique_ptr<Transfer>> transfers_;
  std::vector<Id> cancelled_;
  std::vector<std::pair<Id, absl::Status>> failed_;  // could not even be started
  Id last_id_ = kNone;
};

}  // namespace sluice::control
