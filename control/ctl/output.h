// What sluicectl prints: tables for people, the answers themselves as JSON for programs.
#pragma once

#include <string>
#include <vector>

namespace google::protobuf {
class Message;
}

namespace sluice::ctl {

// Columns as wide as their widest cell, headers in capitals, two blanks between.
class Table {
 public:
  explicit Table(std::vector<std::string> headers) { rows_.push_back(std::move(headers)); }
  // As many cells as there are headers. An empty cell is shown as "-".
  void Add(std::vector<std::string> cells);
  std::string ToString() const;
  void Print() const;

 private:
  std::vector<std::vector<std::string>> rows_;
};

// Protobuf's JSON: field names as in the proto, zero fields too.
std::string JsonText(const google::protobuf::Message& message);
// The same on stdout.
void PrintJson(const google::protobuf::Message& message);
// The same on one line, flushed: for streams.
void PrintJsonLine(const google::protobuf::Message& message);

}  // namespace sluice::ctl
