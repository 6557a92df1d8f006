#include "control/kube/watch/object_stream.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace sluice::control {
namespace {

using Form = ObjectStream::Form;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const FieldShape kWhole;
// Of metadata name and labels, of spec the ports of containers.
const FieldShape kNarrow = FieldShape::Only(
    "", {FieldShape::Only("metadata", {FieldShape::All("name"), FieldShape::All("labels")}),
         FieldShape::Only("spec", {FieldShape::Only("containers", {FieldShape::All("ports")})})});

struct Outcome {
  std::vector<StreamedObject> objects;
  absl::Status status;
  nlohmann::json frame;
};

Outcome Read(Form form, const std::vector<std::string>& pieces, const FieldShape& shape = kWhole) {
  Outcome outcome;
  ObjectStream stream(form, shape,
                      [&](StreamedObject object) { outcome.objects.push_back(std::move(object)); });
  for (const std::string& piece : pieces) {
    if (outcome.status.ok()) outcome.status = stream.Feed(piece);
  }
  if (outcome.status.ok()) outcome.status = stream.Finish();
  outcome.frame = stream.frame();
  return outcome;
}

std::vector<std::string> Dumps(const Outcome& outcome) {
  std::vector<std::string> dumps;
  for (const StreamedObject& object : outcome.objects) dumps.push_back(object.tree.dump());
  return dumps;
}

constexpr char kList[] =
    R"({"kind":"PodList","metadata":{"resourceVersion":"7","continue":"a\"b"},"items":[)"
    R"({"metadata":{"name":"a","namespace":"x","uid":"u","resourceVersion":"5",)"
    R"("labels":{"k":"ä😀\u00e4\"]}"},"managedFields":[{"name":"no","f":[1,2]}]},)"
    R"("spec":{"containers":[{"image":"i","ports":[{"containerPort":80}]},{"ports":null}],)"
    R"("n":-1.5e3,"big":18446744073709551615}},{"metadata":{"name":"b"}}]})";

TEST(ObjectStream, AListIsTheSameWhereverItIsCut) {
  const std::string text = kList;
  const Outcome whole = Read(Form::kList, {text});
  ASSERT_TRUE(whole.status.ok()) << whole.status;
  ASSERT_EQ(whole.objects.size(), 2u);
  for (size_t cut = 0; cut <= text.size(); ++cut) {
    const Outcome outcome = Read(Form::kList, {text.substr(0, cut), text.substr(cut)});
    ASSERT_TRUE(outcome.status.ok()) << cut << outcome.status;
    ASSERT_EQ(Dumps(outcome), Dumps(whole)) << cut;
    ASSERT_EQ(outcome.frame, whole.frame) << cut;
  }
}

TEST(ObjectStream, AListByteByByteKeepsWhatItsShapeSays) {
  std::vector<std::string> bytes;
  for (const char c : std::string(kList)) bytes.emplace_back(1, c);
  const Outcome outcome = Read(Form::kList, bytes, kNarrow);
  ASSERT_TRUE(outcome.status.ok()) << outcome.status;
  EXPECT_THAT(Dumps(outcome),
              ElementsAre(R"({"metadata":{"labels":{"k":"ä😀ä\"]}"},"name":"a"},"spec":)"
                          R"({"containers":[{"ports":[{"containerPort":80}]},{"ports":null}]}})",
                          R"({"metadata":{"name":"b"}})"));
  EXPECT_EQ(outcome.objects[0].identity.namespace_name, "x");
  EXPECT_EQ(outcome.objects[0].identity.uid, "u");
  EXPECT_EQ(outcome.objects[0].identity.resource_version, "5");
  EXPECT_EQ(outcome.frame["metadata"]["resourceVersion"], "7");
  EXPECT_EQ(outcome.frame["metadata"]["continue"], "a\"b");
  EXPECT_THAT(outcome.frame["items"], IsEmpty());
}

TEST(ObjectStream, AListMayHaveItsMetadataAfterItsItemsAndNullForNone) {
  const Outcome after = Read(Form::kList, {R"({"items":[{"metadata":{"name":"a"}}],)"
                                           R"("metadata":{"resourceVersion":"9"}})"});
  ASSERT_TRUE(after.status.ok()) << after.status;
  EXPECT_EQ(after.objects.size(), 1u);
  EXPECT_EQ(after.frame["metadata"]["resourceVersion"], "9");
  EXPECT_TRUE(Read(Form::kList, {R"({"items":null})"}).status.ok());
}

TEST(ObjectStream, AWatchIsTheSameWhereverItIsCut) {
  const std::string text =
      R"({"type":"ADDED","object":{"metadata":{"name":"a","resourceVersion":"1"}}})"
      "\n"
      R"({"object":{"metadata":{"name":"b"},"spec":{"type":"X"}},"type":"DELETED"})"
      "\r\n\n";
  for (size_t cut = 0; cut <= text.size(); ++cut) {
    const Outcome outcome = Read(Form::kWatch, {text.substr(0, cut), text.substr(cut)});
    ASSERT_TRUE(outcome.status.ok()) << cut << outcome.status;
    ASSERT_EQ(outcome.objects.size(), 2u) << cut;
    EXPECT_EQ(outcome.objects[0].type, "ADDED");
    EXPECT_EQ(outcome.objects[0].identity.resource_version, "1");
    EXPECT_EQ(outcome.objects[1].type, "DELETED");
    EXPECT_EQ(outcome.objects[1].identity.name, "b");
  }
}

TEST(ObjectStream, WhatEndsInTheMiddleIsAnErrorAtEveryByte) {
  const std::string list = kList;
  for (size_t cut = 0; cut < list.size(); ++cut) {
    EXPECT_FALSE(Read(Form::kList, {list.substr(0, cut)}).status.ok()) << cut;
  }
  const std::string event = R"({"type":"ADDED","object":{"metadata":{"name":"a"}}})";
  for (size_t cut = 1; cut < event.size(); ++cut) {
    const Outcome outcome = Read(Form::kWatch, {event.substr(0, cut)});
    EXPECT_FALSE(outcome.status.ok()) << cut;
    EXPECT_THAT(outcome.objects, IsEmpty()) << cut;
  }
}

TEST(ObjectStream, WhatIsNoListOrEventIsAnError) {
  for (const char* text : {"", "3", "[]", "nonsense", R"({"items":{}})", R"({"items":[3]})",
                           R"({"items":[null]})", R"({"items":"x"})", R"({"items":[{}]} {})",
                           R"({"items":[{"a":}]})", "{\"items\":[\"\xff\"]}"}) {
    EXPECT_FALSE(Read(Form::kList, {text}).status.ok()) << text;
  }
  for (const char* text :
       {"3", "{}", R"({"type":"ADDED"})", R"({"type":5,"object":{}})", R"({"object":{}})",
        R"({"type":"ADDED","object":[]})", R"({"type":"ADDED","object":null})", "[{}]"}) {
    EXPECT_FALSE(Read(Form::kWatch, {text}).status.ok()) << text;
  }
}

TEST(ObjectStream, AnObjectThatIsTooLargeIsRefusedByNameAndEndsNothing) {
  const std::string large(5 << 20, 'x');
  const Outcome outcome = Read(Form::kList, {R"({"items":[{"spec":{"a":")" + large +
                                                 R"("},"metadata":{"name":"big","uid":"u"}},)",
                                             R"({"metadata":{"name":"small"}}]})"});
  ASSERT_TRUE(outcome.status.ok()) << outcome.status;
  ASSERT_EQ(outcome.objects.size(), 2u);
  EXPECT_EQ(outcome.objects[0].identity.name, "big");
  EXPECT_EQ(outcome.objects[0].identity.uid, "u");
  EXPECT_THAT(std::string(outcome.objects[0].status.message()), HasSubstr("larger than 2 MiB"));
  EXPECT_TRUE(outcome.objects[0].tree.is_null());
  EXPECT_TRUE(outcome.objects[1].status.ok());
}

TEST(ObjectStream, WhatIsDroppedCountsForNothing) {
  const std::string large(5 << 20, 'x');
  const Outcome outcome =
      Read(Form::kList,
           {R"({"items":[{"metadata":{"name":"a","managedFields":")", large, R"("}}]})"}, kNarrow);
  ASSERT_TRUE(outcome.status.ok()) << outcome.status;
  EXPECT_THAT(Dumps(outcome), ElementsAre(R"({"metadata":{"name":"a"}})"));
}

TEST(ObjectStream, AKeyThatIsThereTwiceAndTooMuchDepthAreRefusedByName) {
  const Outcome twice =
      Read(Form::kList, {R"({"items":[{"metadata":{"name":"a"},"spec":{"k":1,"k":2}}]})"});
  ASSERT_EQ(twice.objects.size(), 1u);
  EXPECT_THAT(std::string(twice.objects[0].status.message()), HasSubstr("twice"));
  for (const size_t depth : {200, 600, 10'000}) {
    const std::string deep = std::string(depth, '[') + std::string(depth, ']');
    const Outcome nested =
        Read(Form::kList, {R"({"items":[{"spec":)" + deep +
                           R"(,"metadata":{"name":"d"}},{"metadata":{"name":"e"}}]})"});
    ASSERT_TRUE(nested.status.ok()) << nested.status;
    ASSERT_EQ(nested.objects.size(), 2u);
    EXPECT_EQ(nested.objects[0].identity.name, "d");
    EXPECT_FALSE(nested.objects[0].status.ok());
    EXPECT_EQ(nested.objects[1].identity.name, "e");
    EXPECT_TRUE(nested.objects[1].status.ok());
  }
}

TEST(ObjectStream, DepthAndTokensWithoutEndEndTheStream) {
  EXPECT_FALSE(Read(Form::kList, {R"({"items":[{"a":)" + std::string(1000, '[')}).status.ok());
  const std::string piece(1 << 20, 'x');
  std::vector<std::string> endless = {R"({"items":[{"a":")"};
  endless.insert(endless.end(), 20, piece);
  EXPECT_THAT(std::string(Read(Form::kList, endless).status.message()),
              HasSubstr("larger than 16 MiB"));
}

TEST(ObjectStream, AHugeListComesOneByOne) {
  size_t objects = 0;
  ObjectStream stream(Form::kList, kWhole, [&](StreamedObject) { ++objects; });
  ASSERT_TRUE(stream.Feed(R"({"metadata":{},"items":[)").ok());
  for (int i = 0; i < 50'000; ++i) {
    const std::string comma = i == 0 ? "" : ",";
    ASSERT_TRUE(stream.Feed(fmt::format(R"({}{{"metadata":{{"name":"p{}"}}}})", comma, i)).ok());
    ASSERT_EQ(objects, static_cast<size_t>(i) + 1);
  }
  ASSERT_TRUE(stream.Feed("]}").ok());
  EXPECT_TRUE(stream.Finish().ok());
}

}  // namespace
}  // namespace sluice::control
