// The services over a real unix socket, in front of a real switch.
#include "control/grpc/server.h"

#include <gmock/gmock.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <future>
#include <latch>
#include <thread>
#include <vector>

#include "control/grpc/convert.h"
#include "control/grpc/port_convert.h"
#include "control/monitor.h"
#include "sluice/v1/diagnostics.grpc.pb.h"
#include "sluice/v1/policy.grpc.pb.h"
#include "sluice/v1/port.grpc.pb.h"
#include "sluice/v1/source.grpc.pb.h"
#include "tests/support/temporary_directory.h"
#include "tests/unit/control/objects.h"
#include "tests/unit/control/raw_call.h"
#include "tests/unit/control/switch_fixture.h"

namespace sluice::control {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

class ServerTest : public ::testing::Test {
 protected:
  ServerTest() {
    controller_ = *Controller::Create(fixture_.data_plane(), {});
    monitor_ =
        std::make_unique<Monitor>(fixture_.data_plane(), [this] { return controller_->view(); });
    facts_.worker_cores.assign(fixture_.data_plane().worker_count(), 7);
    auto server = Start();
    EXPECT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
    channel_ = grpc::CreateChannel("unix:" + Path(), grpc::InsecureChannelCredentials());
  }
  ~ServerTest() override { server_.reset(); }

  std::string Path() const { return (directory_ / "run/sluiced.sock").string(); }
  absl::StatusOr<std::unique_ptr<Server>> Start() {
    return Server::Start("unix://" + Path(), *controller_, fixture_.data_plane(), *monitor_, facts_,
                         sources_);
  }

  static v1::ApplyRequest Request(std::vector<Object> objects) {
    v1::ApplyRequest request;
    request.set_source("test");
    for (const Object& object : objects) ToProto(object, request.add_objects());
    return request;
  }
  grpc::Status Apply(const v1::ApplyRequest& request, v1::ApplyResponse* response) {
    grpc::ClientContext context;
    return v1::PolicyService::NewStub(channel_)->Apply(&context, request, response);
  }
  void MustApply(std::vector<Object> objects) {
    v1::ApplyResponse response;
    const grpc::Status status = Apply(Request(std::move(objects)), &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
  }
  v1::ListResponse List(const std::string& kind = "") {
    grpc::ClientContext context;
    v1::ListRequest request;
    request.set_kind(kind);
    v1::ListResponse response;
    EXPECT_TRUE(v1::PolicyService::NewStub(channel_)->List(&context, request, &response).ok());
    return response;
  }
  grpc::Status Sync(const std::vector<v1::SyncRequest>& messages, v1::SyncResponse* response) {
    grpc::ClientContext context;
    auto writer = v1::PolicyService::NewStub(channel_)->Sync(&context, response);
    for (const v1::SyncRequest& message : messages) writer->Write(message);
    writer->WritesDone();
    return writer->Finish();
  }
  grpc::Status AddPort(const std::string& name, const std::string& pod, const std::string& mac,
                       const std::string& address) {
    grpc::ClientContext context;
    v1::AddPortRequest request;
    v1::PortSpec& spec = *request.mutable_spec();
    spec.set_name(name);
    spec.set_kind("ring");
    spec.set_pod_namespace("default");
    spec.set_pod_name(pod);
    spec.set_mac(mac);
    spec.add_addresses(address);
    v1::AddPortResponse response;
    return v1::PortService::NewStub(channel_)->AddPort(&context, request, &response);
  }
  grpc::Status DeletePort(const std::string& name) {
    grpc::ClientContext context;
    v1::DeletePortRequest request;
    request.set_name(name);
    v1::DeletePortResponse response;
    return v1::PortService::NewStub(channel_)->DeletePort(&context, request, &response);
  }
  grpc::Status MovePort(const std::string& name, uint32_t worker) {
    grpc::ClientContext context;
    v1::MovePortRequest request;
    request.set_name(name);
    request.set_worker(worker);
    v1::MovePortResponse response;
    return v1::PortService::NewStub(channel_)->MovePort(&context, request, &response);
  }
  v1::ListPortsResponse ListPorts() {
    grpc::ClientContext context;
    v1::ListPortsResponse response;
    EXPECT_TRUE(v1::PortService::NewStub(channel_)->ListPorts(&context, {}, &response).ok());
    return response;
  }
  grpc::Status Explain(const std::string& from, const std::string& to, uint32_t port,
                       v1::ExplainResponse* response) {
    grpc::ClientContext context;
    v1::ExplainRequest request;
    request.set_from(from);
    request.set_to(to);
    request.set_protocol("tcp");
    request.set_port(port);
    return v1::DiagnosticsService::NewStub(channel_)->Explain(&context, request, response);
  }

  SwitchFixture fixture_;
  std::unique_ptr<Controller> controller_;
  DaemonFacts facts_;
  std::unique_ptr<Monitor> monitor_;
  SourceReports sources_{std::chrono::steady_clock::now};
  const test::TemporaryDirectory directory_;
  std::unique_ptr<Server> server_;
  std::shared_ptr<grpc::Channel> channel_;
};

TEST_F(ServerTest, TheSocketIsItsOwnersOnlyAndGoesWithTheServer) {
  struct stat info {};
  ASSERT_EQ(stat(Path().c_str(), &info), 0);
  EXPECT_TRUE(S_ISSOCK(info.st_mode));
  EXPECT_EQ(info.st_mode & 0077, 0u);
  server_.reset();
  EXPECT_FALSE(std::filesystem::exists(Path()));
}

TEST_F(ServerTest, ASecondServerOnTheSocketIsRefusedAndTheFirstServesOn) {
  const auto second = Start();
  EXPECT_EQ(second.status().code(), absl::StatusCode::kAlreadyExists);
  MustApply({DenyAll("a")});
}

TEST_F(ServerTest, WhatIsAppliedIsListedAndCanBeDeleted) {
  const acl::NetworkPolicy policy = Allow("a", {{"app", "x"}}, 80);
  MustApply({policy, Pod("p", "10.0.0.2"), acl::Namespace{"default", {{"a", "b"}}}});
  EXPECT_EQ(List().objects_size(), 3);
  const v1::ListResponse policies = List("NetworkPolicy");
  ASSERT_EQ(policies.objects_size(), 1);
  EXPECT_EQ(policies.objects(0).source(), "test");
  EXPECT_FALSE(policies.objects(0).stand_in());
  const auto listed = FromProto(policies.objects(0).object());
  ASSERT_TRUE(listed.ok());
  EXPECT_EQ(std::get<acl::NetworkPolicy>(*listed), policy);

  grpc::ClientContext context;
  v1::DeleteRequest request;
  request.set_source("test");
  *request.add_objects() = KeyOf(policy);
  v1::DeleteResponse response;
  ASSERT_TRUE(v1::PolicyService::NewStub(channel_)->Delete(&context, request, &response).ok());
  EXPECT_EQ(response.deleted(), 1u);
  EXPECT_EQ(List("NetworkPolicy").objects_size(), 0);
}

std::vector<Object> EveryKindOfPolicy() {
  std::vector<Object> objects = {DenyAll("a"), acl::MultiNetworkPolicy{DenyAll("a"), {}},
                                 AllowName("a", "example.org")};
  for (const char* kind :
       {"ClusterNetworkPolicy", "AdminNetworkPolicy", "BaselineAdminNetworkPolicy"}) {
    acl::ClusterPolicy policy;
    policy.kind = *ClusterPolicyKindOf(kind);
    policy.name = "default";
    policy.tier =
        policy.kind == acl::ClusterPolicyKind::kBaselineAdminNetworkPolicy ? "Baseline" : "Admin";
    objects.emplace_back(policy);
  }
  return objects;
}

TEST_F(ServerTest, WhatASourceReportsIsInTheStatusWithItsAgeAndAnsweredWithItsVersion) {
  v1::SyncRequest sync;
  sync.set_source("watcher");
  sync.set_commit(true);
  sync.set_version("w-3");
  v1::SyncResponse synced;
  ASSERT_TRUE(Sync({sync}, &synced).ok());
  const auto stub = v1::SourceService::NewStub(channel_);
  v1::ReportSourceRequest request;
  request.set_source("watcher");
  request.mutable_report()->add_not_ready("pods: forbidden: may not watch pods");
  request.mutable_report()->add_kinds()->set_heard_seconds(2);
  request.mutable_report()->add_refused()->set_reason("is bad");
  grpc::ClientContext first, second, third, fourth;
  v1::ReportSourceResponse response;
  ASSERT_TRUE(stub->ReportSource(&first, request, &response).ok());
  EXPECT_EQ(response.synced_version(), "w-3");
  v1::GetStatusResponse status;
  ASSERT_TRUE(v1::DiagnosticsService::NewStub(channel_)->GetStatus(&second, {}, &status).ok());
  ASSERT_EQ(status.sources_size(), 1);
  const v1::SourceStatus& source = status.sources(0);
  EXPECT_EQ(source.source(), "watcher");
  EXPECT_GT(source.age_seconds(), 0);
  EXPECT_EQ(source.report().not_ready(0), "pods: forbidden: may not watch pods");
  EXPECT_EQ(source.report().kinds(0).heard_seconds(), 2 + source.age_seconds());
  EXPECT_EQ(source.report().refused(0).reason(), "is bad");
  request.mutable_report()->set_version(std::string(1 << 20, 'x'));
  EXPECT_EQ(stub->ReportSource(&third, request, &response).error_code(),
            grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(stub->ReportSource(&fourth, {}, &response).error_code(),
            grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_F(ServerTest, PoliciesOfEveryKindAreListedTogetherAndDeletedByTheirKeys) {
  const std::vector<Object> policies = EveryKindOfPolicy();
  MustApply(policies);
  MustApply({acl::Node{"n", {}, {Ip("192.0.2.1")}}, Pod("p", "10.0.0.2")});
  EXPECT_EQ(List().objects_size(), 8);
  EXPECT_EQ(List("Node").objects_size(), 1);
  EXPECT_EQ(List("AdminNetworkPolicy").objects_size(), 1);
  const v1::ListResponse listed = List("Policy");
  ASSERT_EQ(listed.objects_size(), 6);
  EXPECT_EQ(List("SluicePolicy").objects_size(), 1);

  grpc::ClientContext context;
  v1::GetStatusResponse status;
  ASSERT_TRUE(v1::DiagnosticsService::NewStub(channel_)->GetStatus(&context, {}, &status).ok());
  EXPECT_EQ(status.policies(), 6u);
  EXPECT_EQ(status.nodes(), 1u);
  EXPECT_THAT(status.warnings(),
              testing::ElementsAre(StartsWith("ClusterNetworkPolicy default: spec.priority: 0"),
                                   StartsWith("MultiNetworkPolicy default/a: metadata.")));

  grpc::ClientContext delete_context;
  v1::DeleteRequest request;
  request.set_source("test");
  for (const Object& policy : policies) *request.add_objects() = KeyOf(policy);
  v1::DeleteResponse response;
  ASSERT_TRUE(
      v1::PolicyService::NewStub(channel_)->Delete(&delete_context, request, &response).ok());
  EXPECT_EQ(response.deleted(), 6u);
  EXPECT_EQ(List("Policy").objects_size(), 0);
}

TEST_F(ServerTest, TheAnswersEpochIsInForce) {
  v1::ApplyResponse response;
  ASSERT_TRUE(Apply(Request({DenyAll("a")}), &response).ok());
  EXPECT_GT(response.epoch(), 0u);
  EXPECT_GE(fixture_.data_plane().epoch(), response.epoch());
  EXPECT_GE(List().epoch(), response.epoch());
}

TEST_F(ServerTest, APatternIsRefusedWithHyperscansOwnMessage) {
  acl::SluicePolicy bad = AllowName("bad", "example.org");
  bad.pod_selector.match_labels = {{"app", "a"}};
  bad.egress[0].content.patterns = {{"good", acl::PatternAction::kDeny},
                                    {"a(", acl::PatternAction::kDeny}};
  const std::string field = "spec.egress[0].content[1].pattern";
  const std::string reason = "Missing close parenthesis for group started at index 1.";
  v1::ApplyResponse response;
  const grpc::Status status = Apply(Request({DenyAll("good"), bad}), &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(status.error_message(), "SluicePolicy default/bad: " + field + ": " + reason);
  EXPECT_EQ(List("Policy").objects_size(), 0);

  v1::ApplyRequest skipping = Request({bad});
  skipping.set_on_refusal(v1::ApplyRequest::SKIP);
  ASSERT_TRUE(Apply(skipping, &response).ok());
  ASSERT_EQ(response.refusals_size(), 1);
  EXPECT_EQ(response.refusals(0).field(), field);
  EXPECT_EQ(response.refusals(0).reason(), reason);
  const v1::ListResponse listed = List("SluicePolicy");
  ASSERT_EQ(listed.objects_size(), 1);
  EXPECT_TRUE(listed.objects(0).stand_in());
  EXPECT_EQ(listed.objects(0).object().sluice_policy().pod_selector().match_labels().at("app"),
            "a");
}

TEST_F(ServerTest, ABadObjectIsRefusedWithObjectFieldAndReason) {
  v1::ApplyResponse response;
  const grpc::Status status = Apply(Request({DenyAll("good"), BadPolicy("bad")}), &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(status.error_message(),
              StartsWith("NetworkPolicy default/bad: spec.ingress[0].ports[0].endPort: "));
  EXPECT_EQ(List().objects_size(), 0);
}

TEST_F(ServerTest, SkippedRefusalsAreListedAndStandInsSelectWhatWasMeant) {
  v1::ApplyRequest request = Request({BadPolicy("bad", {{"app", "x"}}), DenyAll("good")});
  request.set_on_refusal(v1::ApplyRequest::SKIP);
  v1::ApplyResponse response;
  ASSERT_TRUE(Apply(request, &response).ok());
  ASSERT_EQ(response.refusals_size(), 1);
  EXPECT_EQ(response.refusals(0).object().kind(), "NetworkPolicy");
  EXPECT_EQ(response.refusals(0).object().name(), "bad");
  EXPECT_EQ(response.refusals(0).field(), "spec.ingress[0].ports[0].endPort");
  const v1::ListResponse list = List("NetworkPolicy");
  ASSERT_EQ(list.objects_size(), 2);
  EXPECT_TRUE(list.objects(0).stand_in());
  EXPECT_EQ(list.objects(0).object().network_policy().pod_selector().match_labels().at("app"), "x");
}

TEST_F(ServerTest, AnObjectItsSenderRefusedIsListedAndItsOutlineIsolates) {
  v1::ApplyRequest request = Request({DenyAll("good")});
  request.set_on_refusal(v1::ApplyRequest::SKIP);
  v1::RefusedObject& refused = *request.add_objects()->mutable_refused();
  *refused.mutable_object() = KeyOf(DenyAll("bad"));
  refused.set_reason("spec.ingress[0].sometimes: unknown field");
  ToProto(DenyAll("bad", {{"app", "x"}}), refused.mutable_outline());
  v1::ApplyResponse response;
  ASSERT_TRUE(Apply(request, &response).ok());
  ASSERT_EQ(response.refusals_size(), 1);
  EXPECT_EQ(response.refusals(0).object().name(), "bad");
  EXPECT_EQ(response.refusals(0).field(), "spec.ingress[0].sometimes");
  EXPECT_EQ(response.refusals(0).reason(), "unknown field");
  const v1::ListResponse list = List("NetworkPolicy");
  ASSERT_EQ(list.objects_size(), 2);
  EXPECT_TRUE(list.objects(0).stand_in());
  EXPECT_EQ(list.objects(0).object().network_policy().pod_selector().match_labels().at("app"), "x");
}

TEST_F(ServerTest, AChangeAfterAVersionThatIsNotTheLastChangesNothing) {
  v1::ApplyRequest request = Request({DenyAll("a")});
  request.set_after("1");
  v1::ApplyResponse response;
  EXPECT_EQ(Apply(request, &response).error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_EQ(List().objects_size(), 0);
  v1::SyncRequest sync;
  sync.set_source("test");
  ToProto(DenyAll("old"), sync.add_objects());
  sync.set_commit(true);
  sync.set_version("1");
  v1::SyncResponse synced;
  ASSERT_TRUE(Sync({sync}, &synced).ok());
  *request.add_removed() = KeyOf(DenyAll("old"));
  ASSERT_TRUE(Apply(request, &response).ok());
  const v1::ListResponse list = List();
  ASSERT_EQ(list.objects_size(), 1);
  EXPECT_EQ(list.objects(0).object().network_policy().name(), "a");
}

TEST_F(ServerTest, AnEndpointWithABadAddressIsRefusedByName) {
  v1::ApplyRequest request = Request({Pod("p", "")});
  request.mutable_objects(0)->mutable_endpoint()->add_addresses("10.0.0");
  v1::ApplyResponse response;
  const grpc::Status status = Apply(request, &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(status.error_message(), StartsWith("Pod default/p: addresses[0]: "));
}

TEST_F(ServerTest, AnotherSourcesObjectIsAFailedPrecondition) {
  MustApply({DenyAll("a")});
  v1::ApplyRequest request = Request({DenyAll("a")});
  request.set_source("other");
  v1::ApplyResponse response;
  EXPECT_EQ(Apply(request, &response).error_code(), grpc::StatusCode::FAILED_PRECONDITION);
}

v1::SyncRequest SyncMessage(const std::string& source, const Object& object,
                            const std::string& commit_version = "") {
  v1::SyncRequest message;
  message.set_source(source);
  ToProto(object, message.add_objects());
  message.set_commit(!commit_version.empty());
  message.set_version(commit_version);
  return message;
}

TEST_F(ServerTest, ASyncReplacesWhatItsSourceOwns) {
  v1::SyncResponse response;
  ASSERT_TRUE(
      Sync({SyncMessage("watcher", DenyAll("a")), SyncMessage("", DenyAll("b"), "41")}, &response)
          .ok());
  EXPECT_EQ(response.version(), "41");
  EXPECT_EQ(List().objects_size(), 2);
  ASSERT_TRUE(Sync({SyncMessage("watcher", DenyAll("b"), "42")}, &response).ok());
  EXPECT_EQ(List().objects_size(), 1);

  grpc::ClientContext context;
  v1::GetStatusResponse status;
  ASSERT_TRUE(v1::DiagnosticsService::NewStub(channel_)->GetStatus(&context, {}, &status).ok());
  EXPECT_EQ(status.synced_versions().at("watcher"), "42");
  EXPECT_EQ(status.packet_buffers(), 4096u);
  EXPECT_EQ(status.buffers_in_use(), 0u);
}

TEST_F(ServerTest, ASyncWithoutCommitChangesNothing) {
  v1::SyncResponse response;
  const grpc::Status status = Sync({SyncMessage("watcher", DenyAll("a"))}, &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(status.error_message(), HasSubstr("commit"));
  EXPECT_EQ(List().objects_size(), 0);
}

TEST_F(ServerTest, ACancelledSyncChangesNothing) {
  v1::SyncResponse response;
  grpc::ClientContext context;
  auto writer = v1::PolicyService::NewStub(channel_)->Sync(&context, &response);
  writer->Write(SyncMessage("watcher", DenyAll("a"), "1"));  // the end of the stream is missing
  context.TryCancel();
  EXPECT_EQ(writer->Finish().error_code(), grpc::StatusCode::CANCELLED);
  server_.reset();  // after whatever the handler does
  EXPECT_TRUE(controller_->view()->state->policies().empty());
}

TEST_F(ServerTest, AMessageOfSixteenMegabytesIsTaken) {
  v1::ApplyRequest request = Request({DenyAll("a")});
  request.set_on_refusal(v1::ApplyRequest::SKIP);
  Object padding = Pod("p", "");
  for (int i = 0; i < 16; ++i) {
    v1::Object* object = request.add_objects();
    ToProto(padding, object);
    object->mutable_endpoint()->set_uid(std::string(1 << 20, 'x'));
  }
  v1::ApplyResponse response;
  const grpc::Status status = Apply(request, &response);
  EXPECT_TRUE(status.ok()) << status.error_message();
}

TEST_F(ServerTest, APortIsAddedListedAndDeleted) {
  const grpc::Status added = AddPort("web", "web", "02:00:00:00:00:01", "10.0.0.2");
  ASSERT_TRUE(added.ok()) << added.error_message();
  v1::ListPortsResponse ports = ListPorts();
  ASSERT_EQ(ports.ports_size(), 1);
  EXPECT_EQ(ports.ports(0).subject(), "unknown");
  EXPECT_EQ(ports.ports(0).spec().kind(), "ring");
  EXPECT_EQ(ports.ports(0).spec().role(), "pod");
  EXPECT_EQ(ports.ports(0).spec().mac(), "02:00:00:00:00:01");
  EXPECT_EQ(ports.ports(0).spec().addresses(0), "10.0.0.2");
  MustApply({Pod("web", "")});
  EXPECT_EQ(ListPorts().ports(0).subject(), "known");
  EXPECT_TRUE(DeletePort("web").ok());
  EXPECT_EQ(ListPorts().ports_size(), 0);
  EXPECT_EQ(DeletePort("web").error_code(), grpc::StatusCode::NOT_FOUND);
}

TEST_F(ServerTest, APortIsMovedToTheWorkerThatIsNamed) {
  ASSERT_TRUE(AddPort("web", "web", "02:00:00:00:00:01", "10.0.0.2").ok());
  const uint32_t last = fixture_.data_plane().worker_count() - 1;
  EXPECT_TRUE(MovePort("web", last).ok());
  EXPECT_EQ(ListPorts().ports(0).worker(), last);
  EXPECT_TRUE(MovePort("web", 0).ok());
  EXPECT_EQ(ListPorts().ports(0).worker(), 0u);
  EXPECT_EQ(MovePort("web", 99).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(MovePort("db", 0).error_message(), "port db: does not exist");
}

TEST_F(ServerTest, ARefusedPortNamesPortFieldAndReason) {
  ASSERT_TRUE(AddPort("web", "web", "02:00:00:00:00:01", "10.0.0.2").ok());
  const grpc::Status taken = AddPort("db", "db", "02:00:00:00:00:02", "10.0.0.2");
  EXPECT_EQ(taken.error_code(), grpc::StatusCode::ALREADY_EXISTS);
  EXPECT_EQ(taken.error_message(), "port db: address 10.0.0.2 belongs to port web (default/web)");
  EXPECT_THAT(AddPort("db", "db", "02:00", "10.0.0.3").error_message(),
              StartsWith("port db: mac: "));
  EXPECT_THAT(AddPort("db", "db", "02:00:00:00:00:02", "ten").error_message(),
              StartsWith("port db: addresses: "));
}

TEST_F(ServerTest, NetworksAreAddedListedAndDeleted) {
  const auto stub = v1::NetworkService::NewStub(channel_);
  v1::AddNetworkRequest add;
  add.mutable_spec()->set_name("blue");
  add.mutable_spec()->set_vlan(100);
  add.mutable_spec()->set_allow_dhcp(true);
  add.mutable_spec()->add_routers("02:00:00:00:00:99");
  v1::AddNetworkResponse added;
  grpc::ClientContext add_context, again_context, list_context, delete_context, default_context;
  ASSERT_TRUE(stub->AddNetwork(&add_context, add, &added).ok());
  EXPECT_EQ(stub->AddNetwork(&again_context, add, &added).error_message(),
            "network blue: exists already");
  v1::ListNetworksResponse list;
  ASSERT_TRUE(stub->ListNetworks(&list_context, {}, &list).ok());
  ASSERT_EQ(list.networks_size(), 2);
  EXPECT_EQ(list.networks(0).spec().SerializeAsString(), add.spec().SerializeAsString());
  EXPECT_EQ(list.networks(1).spec().name(), "default");
  v1::DeleteNetworkRequest del;
  del.set_name("blue");
  v1::DeleteNetworkResponse deleted;
  EXPECT_TRUE(stub->DeleteNetwork(&delete_context, del, &deleted).ok());
  EXPECT_GT(deleted.epoch(), added.epoch());
  del.set_name("default");
  EXPECT_EQ(stub->DeleteNetwork(&default_context, del, &deleted).error_code(),
            grpc::StatusCode::FAILED_PRECONDITION);
}

TEST_F(ServerTest, AllowedAddressesOfAPortAreListedAsGiven) {
  v1::AddPortRequest request;
  v1::PortSpec& spec = *request.mutable_spec();
  spec.set_name("vrrp");
  spec.set_kind("ring");
  spec.set_pod_namespace("default");
  spec.set_pod_name("vrrp");
  spec.set_mac("02:00:00:00:00:01");
  spec.add_allowed("10.0.0.9@00:00:5e:00:01:07");
  spec.add_allowed("fd07::/64");
  const auto stub = v1::PortService::NewStub(channel_);
  v1::AddPortResponse response;
  grpc::ClientContext good_context, bad_context;
  ASSERT_TRUE(stub->AddPort(&good_context, request, &response).ok());
  ASSERT_EQ(ListPorts().ports(0).spec().allowed_size(), 2);
  EXPECT_EQ(ListPorts().ports(0).spec().allowed(0), "10.0.0.9@00:00:5e:00:01:07");
  EXPECT_EQ(ListPorts().ports(0).spec().allowed(1), "fd07::/64");
  spec.set_name("other");
  spec.add_allowed("ten");
  EXPECT_THAT(stub->AddPort(&bad_context, request, &response).error_message(),
              StartsWith("port other: allowed: "));
}

TEST_F(ServerTest, LearnedMacsOfANetworkThatIsNotThereAreAnError) {
  const auto stub = v1::NetworkService::NewStub(channel_);
  v1::ListMacsRequest request;
  v1::ListMacsResponse response;
  grpc::ClientContext all_context, none_context;
  EXPECT_TRUE(stub->ListMacs(&all_context, request, &response).ok());
  EXPECT_EQ(response.macs_size(), 0);
  request.set_network("blue");
  const grpc::Status status = stub->ListMacs(&none_context, request, &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(status.error_message(), "network blue: does not exist");
}

TEST_F(ServerTest, ARefusedNetworkNamesNetworkFieldAndReason) {
  const auto stub = v1::NetworkService::NewStub(channel_);
  const auto refusal = [&](const v1::NetworkSpec& spec) {
    grpc::ClientContext context;
    v1::AddNetworkRequest request;
    *request.mutable_spec() = spec;
    v1::AddNetworkResponse response;
    return stub->AddNetwork(&context, request, &response).error_message();
  };
  v1::NetworkSpec spec;
  spec.set_name("blue");
  spec.set_vlan(70000);
  EXPECT_EQ(refusal(spec), "network blue: vlan: 70000 is not between 0 and 4094");
  spec.set_vlan(1);
  spec.add_routers("02:00");
  EXPECT_THAT(refusal(spec), StartsWith("network blue: routers: "));
}

TEST_F(ServerTest, ExplainKnowsWhatTheHostPortAdmits) {
  ASSERT_TRUE(AddPort("web", "web", "02:00:00:00:00:01", "10.0.0.2").ok());
  MustApply({Pod("web", ""), DenyAll("deny")});
  v1::ExplainResponse response;
  ASSERT_TRUE(Explain("10.0.0.1", "default/web", 80, &response).ok());
  EXPECT_EQ(response.verdict(), "deny") << "without a host port nobody is the node";
  v1::AddPortRequest host;
  host.mutable_spec()->set_name("host");
  host.mutable_spec()->set_kind("ring");
  host.mutable_spec()->set_role("host");
  host.mutable_spec()->set_mac("02:00:00:00:00:fe");
  host.mutable_spec()->add_addresses("10.0.0.1");
  grpc::ClientContext context;
  v1::AddPortResponse added;
  ASSERT_TRUE(v1::PortService::NewStub(channel_)->AddPort(&context, host, &added).ok());
  ASSERT_TRUE(Explain("10.0.0.1", "default/web", 80, &response).ok());
  EXPECT_EQ(response.verdict(), "allow");
  ASSERT_TRUE(Explain("10.0.0.9", "default/web", 80, &response).ok());
  EXPECT_EQ(response.verdict(), "deny") << "what the node routes is judged as who it is";
}

TEST_F(ServerTest, ExplainAsksTheNetworkThatIsNamed) {
  grpc::ClientContext add_context;
  v1::AddNetworkRequest add;
  add.mutable_spec()->set_name("blue");
  add.mutable_spec()->add_policies("network");
  v1::AddNetworkResponse added;
  ASSERT_TRUE(v1::NetworkService::NewStub(channel_)->AddNetwork(&add_context, add, &added).ok());
  grpc::ClientContext port_context;
  v1::AddPortRequest port;
  PortToProto(RingPort("blue", "web", "02:00:00:00:00:01", "10.1.0.2"), port.mutable_spec());
  port.mutable_spec()->set_network("blue");
  v1::AddPortResponse port_added;
  ASSERT_TRUE(v1::PortService::NewStub(channel_)->AddPort(&port_context, port, &port_added).ok());
  MustApply({Pod("web", "10.0.0.2"), DenyAll("closed")});

  const auto explain = [&](const std::string& network) {
    grpc::ClientContext context;
    v1::ExplainRequest request;
    request.set_from("10.9.9.9");
    request.set_to("default/web");
    request.set_protocol("tcp");
    request.set_port(80);
    request.set_network(network);
    v1::ExplainResponse response;
    const grpc::Status status =
        v1::DiagnosticsService::NewStub(channel_)->Explain(&context, request, &response);
    if (!status.ok()) return std::string(status.error_message());
    return response.verdict() + (response.has_ingress() ? " ingress" : "");
  };
  EXPECT_EQ(explain("blue"), "deny ingress");
  EXPECT_EQ(explain("default/blue"), "deny ingress");
  EXPECT_EQ(explain(""), "allow") << "the pod has no port on the primary network";
  EXPECT_EQ(explain("red"), "network: there is no network red");
}

TEST_F(ServerTest, ExplainAsksTheTriesInForce) {
  ASSERT_TRUE(AddPort("web", "web", "02:00:00:00:00:01", "10.0.0.2").ok());
  v1::ExplainResponse response;
  const grpc::Status shut = Explain("10.0.0.3", "10.0.0.2", 80, &response);
  EXPECT_EQ(shut.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_THAT(shut.error_message(), HasSubstr("port web is shut"));

  MustApply({Pod("web", ""), Pod("friend", "10.0.0.3", {{"app", "x"}}), Pod("foe", "10.0.0.4"),
             Allow("a", {{"app", "x"}}, 80)});
  grpc::Status status = Explain("default/friend", "default/web", 80, &response);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(response.verdict(), "allow");
  EXPECT_FALSE(response.has_egress());  // friend has no port here
  EXPECT_EQ(response.ingress().rule(), "ingress[0]");
  EXPECT_EQ(response.ingress().tier(), "NetworkPolicy");

  ASSERT_TRUE(Explain("10.0.0.4", "10.0.0.2", 80, &response).ok());
  EXPECT_EQ(response.verdict(), "deny");
  ASSERT_EQ(response.ingress().policies_size(), 1);
  EXPECT_EQ(response.ingress().policies(0), "NetworkPolicy default/a");
  EXPECT_EQ(Explain("default/nobody", "default/web", 80, &response).error_code(),
            grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_F(ServerTest, StatusCountsWhatIsThere) {
  ASSERT_TRUE(AddPort("web", "web", "02:00:00:00:00:01", "10.0.0.2").ok());
  MustApply({Pod("web", ""), DenyAll("a"), acl::Namespace{"default", {}}});
  grpc::ClientContext context;
  v1::GetStatusResponse status;
  ASSERT_TRUE(v1::DiagnosticsService::NewStub(channel_)->GetStatus(&context, {}, &status).ok());
  EXPECT_EQ(status.ports(), 1u);
  EXPECT_EQ(status.namespaces(), 1u);
  EXPECT_EQ(status.endpoints(), 1u);
  EXPECT_EQ(status.policies(), 1u);
  EXPECT_GT(status.classes(), 0u);
  EXPECT_GT(status.flat_rules(), 0u);
  ASSERT_EQ(status.workers_size(), static_cast<int>(fixture_.data_plane().worker_count()));
  EXPECT_EQ(status.workers(0).core(), 7);
  EXPECT_EQ(status.last_error(), "");
  EXPECT_EQ(status.epoch(), fixture_.data_plane().epoch());
}

TEST_F(ServerTest, ReadersWithoutTrafficAnswerEmpty) {
  const auto stub = v1::DiagnosticsService::NewStub(channel_);
  grpc::ClientContext drops_context, connections_context, classes_context;
  v1::GetDropsResponse drops;
  EXPECT_TRUE(stub->GetDrops(&drops_context, {}, &drops).ok());
  EXPECT_EQ(drops.drops_size(), 0);
  v1::ListConnectionsResponse connections;
  EXPECT_TRUE(stub->ListConnections(&connections_context, {}, &connections).ok());
  EXPECT_EQ(connections.total(), 0u);
  v1::ListClassesResponse classes;
  EXPECT_TRUE(stub->ListClasses(&classes_context, {}, &classes).ok());
}

TEST_F(ServerTest, HealthSaysServingForEachService) {
  for (const std::string service : {"", "sluice.v1.PolicyService", "sluice.v1.PortService",
                                    "sluice.v1.DiagnosticsService", "sluice.v1.NetworkService"}) {
    // HealthCheckRequest{service = 1}; HealthCheckResponse{status = 1: SERVING = 1}.
    const std::string request =
        service.empty() ? "" : std::string("\x0a") + static_cast<char>(service.size()) + service;
    EXPECT_EQ(RawCall(channel_, "/grpc.health.v1.Health/Check", request), "\x08\x01") << service;
  }
}

TEST_F(ServerTest, ReflectionListsTheServices) {
  // ServerReflectionRequest{list_services = 7: ""}.
  const std::string answer =
      RawCall(channel_, "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
              std::string("\x3a\x00", 2));
  for (const char* service : {"sluice.v1.PolicyService", "sluice.v1.PortService",
                              "sluice.v1.DiagnosticsService", "sluice.v1.NetworkService"}) {
    EXPECT_THAT(answer, HasSubstr(service));
  }
}

// The port of an attachment of pod default/web, and two minutes for its policy.
v1::AddPortRequest PatientRequest() {
  v1::AddPortRequest request;
  v1::PortSpec& spec = *request.mutable_spec();
  spec.set_name("web");
  spec.set_kind("ring");
  spec.set_pod_namespace("default");
  spec.set_pod_name("web");
  spec.set_mac("02:00:00:00:00:01");
  spec.add_addresses("10.0.0.2");
  spec.set_attachment("net/container/eth0");
  request.set_policy_timeout_ms(120'000);
  return request;
}

// More calls than the server has threads.
TEST_F(ServerTest, CallsThatWaitForPolicyDoNotKeepTheOneFromComingThatEndsTheWait) {
  constexpr unsigned kCalls = 200;
  struct Waiting {
    grpc::ClientContext context;
    v1::AddPortResponse response;
  };
  const v1::AddPortRequest request = PatientRequest();
  const auto stub = v1::PortService::NewStub(channel_);
  std::vector<Waiting> calls(kCalls);
  std::atomic<unsigned> succeeded = 0;
  std::latch answered(kCalls);
  for (Waiting& call : calls) {
    stub->async()->AddPort(&call.context, &request, &call.response,
                           [&](const grpc::Status& status) {
                             if (status.ok()) ++succeeded;
                             answered.count_down();
                           });
  }
  MustApply({Pod("web", "", {{"app", "web"}})});
  answered.wait();
  EXPECT_EQ(succeeded, kCalls);
  EXPECT_EQ(ListPorts().ports(0).subject(), "known");
}

TEST_F(ServerTest, AServerThatStopsEndsTheCallsThatWait) {
  const v1::AddPortRequest request = PatientRequest();
  const auto stub = v1::PortService::NewStub(channel_);
  grpc::ClientContext context;
  v1::AddPortResponse response;
  std::promise<grpc::Status> answer;
  stub->async()->AddPort(&context, &request, &response,
                         [&](const grpc::Status& status) { answer.set_value(status); });
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (controller_->view()->state->ports().specs().empty()) {
    ASSERT_LT(std::chrono::steady_clock::now(), deadline);
    std::this_thread::yield();
  }
  server_.reset();
  EXPECT_FALSE(answer.get_future().get().ok());
}

}  // namespace
}  // namespace sluice::control
