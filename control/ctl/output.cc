#include "control/ctl/output.h"

#include <fmt/format.h>
#include <google/protobuf/util/json_util.h>

#include <algorithm>
#include <cstdio>

namespace sluice::ctl {

void Table::Add(std::vector<std::string> cells) {
  for (std::string& cell : cells) {
    if (cell.empty()) cell.push_back('-');
  }
  rows_.push_back(std::move(cells));
}

std::string Table::ToString() const {
  std::vector<size_t> widths(rows_[0].size());
  for (const auto& row : rows_) {
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::string text;
  for (const auto& row : rows_) {
    for (size_t i = 0; i + 1 < row.size(); ++i) text += fmt::format("{:<{}}  ", row[i], widths[i]);
    text += row.back() + "\n";
  }
  return text;
}

void Table::Print() const { fputs(ToString().c_str(), stdout); }

namespace {

std::string ToJson(const google::protobuf::Message& message, bool whitespace) {
  google::protobuf::util::JsonPrintOptions options;
  options.add_whitespace = whitespace;
  options.always_print_primitive_fields = true;
  options.preserve_proto_field_names = true;
  std::string text;
  if (!google::protobuf::util::MessageToJsonString(message, &text, options).ok()) return "";
  return text;
}

}  // namespace

std::string JsonText(const google::protobuf::Message& message) {
  return ToJson(message, /*whitespace=*/true);
}

void PrintJson(const google::protobuf::Message& message) {
  fputs(JsonText(message).c_str(), stdout);
}

void PrintJsonLine(const google::protobuf::Message& message) {
  fputs((ToJson(message, /*whitespace=*/false) + "\n").c_str(), stdout);
  fflush(stdout);
}

}  // namespace sluice::ctl
