// api_filter: another version's end of sluiced's API, for tests of what versions owe each other.
//
//   plugin ──> LISTEN [api_filter] TARGET ──> sluiced
//
// Passes unary calls on, with fields taken out that one side does not know yet, or put in that the
// other does not. Knows no message by name: a field is a path of field numbers.
#include <google/protobuf/unknown_field_set.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/server_builder.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>
#include <span>
#include <sstream>
#include <string>
#include <vector>

#include "tests/support/byte_buffer.h"

namespace sluice {
namespace {

using google::protobuf::UnknownField;
using google::protobuf::UnknownFieldSet;

constexpr int kOfTheFuture = 1000;  // field number that no message has

// "AddPort/request/1.18": of that method's request, in the message that is field 1, field 18.
struct Rule {
  std::string method;
  bool is_response = false;
  std::vector<int> path;
  bool adds = false;  // puts unknown fields into the message at `path`; else takes that field out

  static Rule Parse(const std::string& text, bool adds) {
    std::istringstream words(text);
    Rule rule{"", false, {}, adds};
    std::string way, number;
    std::getline(words, rule.method, '/');
    std::getline(words, way, '/');
    rule.is_response = way == "response";
    while (std::getline(words, number, '.')) rule.path.push_back(std::stoi(number));
    return rule;
  }
};

// Applies a rule to the message in `bytes`, `path` being what is left of its.
std::string Edit(const std::string& bytes, std::span<const int> path, bool adds) {
  UnknownFieldSet fields;
  if (!fields.ParseFromString(bytes)) return bytes;
  if (path.empty()) {
    fields.AddVarint(kOfTheFuture, 7);
    fields.AddLengthDelimited(kOfTheFuture + 1)->assign("of the future");
  } else if (path.size() == 1 && !adds) {
    fields.DeleteByNumber(path.front());
  } else {
    for (int i = 0; i < fields.field_count(); ++i) {
      UnknownField* field = fields.mutable_field(i);
      const bool is_message =
          field->number() == path.front() && field->type() == UnknownField::TYPE_LENGTH_DELIMITED;
      if (!is_message) continue;
      std::string* inner = field->mutable_length_delimited();
      *inner = Edit(*inner, path.subspan(1), adds);
    }
  }
  std::string edited;
  fields.SerializeToString(&edited);
  return edited;
}

class Filter final : public grpc::CallbackGenericService {
 public:
  Filter(const std::string& target, std::vector<Rule> rules)
      : stub_(grpc::CreateChannel(target, grpc::InsecureChannelCredentials())),
        rules_(std::move(rules)) {}

  grpc::ServerGenericBidiReactor* CreateReactor(
      grpc::GenericCallbackServerContext* context) override {
    return new Call(*this, *context);
  }

 private:
  // Deletes itself when it is done.
  class Call final : public grpc::ServerGenericBidiReactor {
   public:
    Call(Filter& filter, grpc::GenericCallbackServerContext& context)
        : filter_(filter), method_(context.method()) {
      onward_.set_deadline(context.deadline());
      StartRead(&request_);
    }
    void OnReadDone(bool ok) override {
      if (!ok) return Finish(grpc::Status(grpc::StatusCode::INVALID_ARGUMENT, "no message"));
      request_ = filter_.Apply(method_, false, request_);
      filter_.stub_.UnaryCall(&onward_, method_, grpc::StubOptions(), &request_, &response_,
                              [this](const grpc::Status& status) { Answer(status); });
    }
    void OnCancel() override { onward_.TryCancel(); }
    void OnDone() override { delete this; }

   private:
    void Answer(const grpc::Status& status) {
      if (!status.ok()) return Finish(status);
      response_ = filter_.Apply(method_, true, response_);
      StartWriteAndFinish(&response_, grpc::WriteOptions(), status);
    }

    Filter& filter_;
    const std::string method_;
    grpc::ClientContext onward_;
    grpc::ByteBuffer request_, response_;
  };

  grpc::ByteBuffer Apply(const std::string& method, bool is_response,
                         const grpc::ByteBuffer& message) const {
    std::string bytes = test::TextOf(message);
    for (const Rule& rule : rules_) {
      const bool is_it =
          rule.is_response == is_response && method.ends_with("Service/" + rule.method);
      if (is_it) bytes = Edit(bytes, rule.path, rule.adds);
    }
    const grpc::Slice slice(bytes);
    return {&slice, 1};
  }

  grpc::GenericStub stub_;
  const std::vector<Rule> rules_;
};

int Main(int argc, char** argv) {
  CLI::App app("passes calls of sluiced's API on, edited");
  std::string listen, target;
  std::vector<std::string> forgets, adds;
  app.add_option("LISTEN", listen)->required();
  app.add_option("TARGET", target)->required();
  app.add_option("--forget", forgets, "METHOD/request|response/PATH of fields to take out");
  app.add_option("--add", adds, "METHOD/request|response/PATH of messages to put fields into");
  CLI11_PARSE(app, argc, argv);
  std::vector<Rule> rules;
  for (const std::string& text : forgets) rules.push_back(Rule::Parse(text, false));
  for (const std::string& text : adds) rules.push_back(Rule::Parse(text, true));
  sigset_t ends;
  sigemptyset(&ends);
  sigaddset(&ends, SIGTERM);
  sigprocmask(SIG_BLOCK, &ends, nullptr);
  Filter filter(target, std::move(rules));
  grpc::ServerBuilder builder;
  builder.AddListeningPort(listen, grpc::InsecureServerCredentials());
  builder.RegisterCallbackGenericService(&filter);
  const std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  if (server == nullptr) return 1;
  std::fputs("ready\n", stderr);
  int number = 0;
  sigwait(&ends, &number);
  server->Shutdown();
  return 0;
}

}  // namespace
}  // namespace sluice

int main(int argc, char** argv) { return sluice::Main(argc, argv); }
