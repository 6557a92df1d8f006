// A transport that a test answers by hand, a sink that remembers, and a clock that stands still.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "control/kube/watch/http_transport.h"
#include "control/kube/watch/reflector.h"

namespace sluice::control {

class ScriptedTransport : public HttpTransport {
 public:
  Id Start(const HttpRequest& request, HttpReceiver& receiver) override {
    asked.push_back(request);
    running_[++last_] = &receiver;
    return last_;
  }
  void Cancel(Id id) override { running_.erase(id); }

  bool idle() const { return running_.empty(); }
  const std::string& target() const { return asked.back().target; }

  // About the request that runs; there is exactly one.
  void Head(int status, std::optional<std::chrono::seconds> retry_after = {}) {
    Receiver().OnHead({status, retry_after});
  }
  bool Body(const std::string& piece) { return Receiver().OnBody(piece); }
  void End(const absl::Status& status = absl::OkStatus()) {
    HttpReceiver& receiver = Receiver();
    running_.clear();
    receiver.OnEnd(status);
  }
  void Answer(int status, const std::string& body = "",
              std::optional<std::chrono::seconds> retry_after = {}) {
    Head(status, retry_after);
    const bool wanted = Body(body);
    End(wanted ? absl::OkStatus() : absl::AbortedError("not wanted"));
  }
  // Into a stream: if the receiver has had enough, it ends.
  void Send(const std::string& piece) {
    if (!Body(piece)) End(absl::AbortedError("not wanted"));
  }

  std::vector<HttpRequest> asked;

 private:
  HttpReceiver& Receiver() {
    EXPECT_EQ(running_.size(), 1u);
    return *running_.begin()->second;
  }
  std::map<Id, HttpReceiver*> running_;
  Id last_ = kNone;
};

// Names with the versions of their objects.
class RememberingSink : public ObjectSink {
 public:
  using Objects = std::map<std::string, std::string>;

  void OnListBegin() override { listed_.clear(); }
  absl::Status OnListed(StreamedObject object) override {
    listed_[object.identity.name] = object.identity.resource_version;
    return listed_.size() > most ? absl::ResourceExhaustedError("too many") : absl::OkStatus();
  }
  void OnUnlisted(const ObjectIdentity& object) override { listed_.erase(object.name); }
  void OnListEnd() override {
    objects = listed_;
    ++lists;
  }
  void OnChanged(StreamedObject object) override {
    objects[object.identity.name] = object.identity.resource_version;
    if (!object.status.ok()) refused.insert(object.identity.name);
  }
  void OnDeleted(const ObjectIdentity& object) override { objects.erase(object.name); }

  Objects objects;
  std::set<std::string> refused;
  int lists = 0;
  size_t most = 100;  // in a list

 private:
  Objects listed_;
};

// One reflector of "things", which may be absent.
class ScriptedApi : public testing::Test {
 protected:
  ScriptedApi() {
    resource_.name = "things";
    resource_.paths = {"/apis/g/v2/things", "/apis/g/v1/things"};
    resource_.may_be_absent = true;
    Restart();
  }

  void Restart() {
    reflector_.reset();
    reflector_ = std::make_unique<Reflector>(
        resource_, transport_, timers_, [] { return 0.0; }, sink_, ReflectorConfig(),
        [this](const KindStatus&) { ++told_; });
  }
  // Past the streaming list: objects a and b at version 10, watched on the same stream.
  void StartSynced() {
    reflector_->Start();
    transport_.Head(200);
    transport_.Send(Event("ADDED", "a", "3") + Event("ADDED", "b", "4") + InitialEnd("10"));
  }
  void Pass(std::chrono::milliseconds time) {
    now_ += time;
    timers_.RunDue();
  }
  const KindStatus& status() const { return reflector_->status(); }

  static std::string Item(const std::string& name, const std::string& version) {
    return R"({"metadata":{"name":")" + name + R"(","resourceVersion":")" + version + R"("}})";
  }
  static std::string Event(const std::string& type, const std::string& name,
                           const std::string& version) {
    return R"({"type":")" + type + R"(","object":)" + Item(name, version) + "}\n";
  }
  static std::string Bookmark(const std::string& version, const std::string& annotations = "{}") {
    return R"({"type":"BOOKMARK","object":{"metadata":{"resourceVersion":")" + version +
           R"(","annotations":)" + annotations + "}}}\n";
  }
  static std::string InitialEnd(const std::string& version) {
    return Bookmark(version, R"({"k8s.io/initial-events-end":"true"})");
  }
  static std::string Error(int code) {
    return R"({"type":"ERROR","object":{"kind":"Status","code":)" + std::to_string(code) +
           R"(,"message":"because"}})"
           "\n";
  }
  // Discovery documents: of a server with one group beside those, and of one version.
  static std::string Groups(const std::string& groups = "") {
    return R"({"kind":"APIGroupList","groups":[{"name":"apps","versions":[]})" + groups + "]}";
  }
  static std::string Group(const std::string& version) {
    return R"(,{"name":"g","versions":[{"groupVersion":"g/)" + version + R"("}]})";
  }
  static std::string Resources(const std::string& name) {
    return R"({"kind":"APIResourceList","resources":[{"name":")" + name + R"("}]})";
  }
  static std::string List(const std::string& version, const std::string& items,
                          const std::string& next = "") {
    return R"({"metadata":{"resourceVersion":")" + version + R"(","continue":")" + next +
           R"("},"items":[)" + items + "]}";
  }

  Resource resource_;
  TimerQueue::Time now_{std::chrono::hours(1)};
  TimerQueue timers_{[this] { return now_; }};
  ScriptedTransport transport_;
  RememberingSink sink_;
  int told_ = 0;
  std::unique_ptr<Reflector> reflector_;
};

}  // namespace sluice::control
