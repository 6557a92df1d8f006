// Whether the API server really does not have a kind: a 404 alone may be the word of a proxy.
//
//   GET /apis                lists no version of the resource's group: absent
//   GET /apis/GROUP/VERSION  for each version that is listed; none names the resource: absent
//
// Discovery documents are APIGroupList and APIResourceList (meta/v1). Any authenticated client may
// read them, by default.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "control/kube/watch/http_transport.h"
#include "control/kube/watch/resource.h"

namespace sluice::control {

// One thread: the transport's.
class AbsenceCheck : private HttpReceiver {
 public:
  // Ok: the kind is absent. Error: FailedPrecondition if it is listed, DataLoss for what is no
  // discovery document, else why it could not be read: "TARGET: REASON".
  using Done = std::function<void(const absl::Status& absent)>;

  static constexpr size_t kMaxBody = size_t{4} << 20;

  // Both must outlive the check.
  AbsenceCheck(const Resource& resource, HttpTransport& transport, Done done)
      : resource_(resource), transport_(transport), done_(std::move(done)) {}
  ~AbsenceCheck() override { transport_.Cancel(request_); }
  AbsenceCheck(const AbsenceCheck&) = delete;
  AbsenceCheck& operator=(const AbsenceCheck&) = delete;

  // Asks; `done` is called once, later. Not while it asks already.
  void Start();

 private:
  void OnHead(const HttpHead& head) override { status_ = head.status; }
  bool OnBody(std::string_view piece) override;
  void OnEnd(const absl::Status& status) override;

  void Ask(const std::string& target);
  void AskNextVersion();
  absl::StatusOr<nlohmann::json> ReadDocument(const absl::Status& status) const;
  absl::Status TakeGroups(const nlohmann::json& document);
  absl::Status TakeResources(const nlohmann::json& document) const;

  const Resource& resource_;
  HttpTransport& transport_;
  const Done done_;
  HttpTransport::Id request_ = HttpTransport::kNone;
  std::string target_;  // asked for now
  int status_ = 0;      // HTTP's
  std::string body_;
  std::vector<std::string> listed_;  // group versions that are still to be asked about
};

}  // namespace sluice::control
