// Typed keys out of a JSON object that somebody else wrote.
#pragma once

#include <absl/status/status.h>

#include <cstdint>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace sluice::cni {

// Reads keys; the first one that is wrong is the error, and what is read after it does not matter.
// Absent keys and null are the default.
class KeyReader {
 public:
  // `path` comes before the keys in errors: "runtimeConfig.". `object` outlives the reader; of what
  // is not an object, all keys are absent.
  KeyReader(const nlohmann::json& object, std::string path)
      : object_(object), path_(std::move(path)) {}

  std::string Text(const char* key, const std::string& absent = "");
  unsigned Number(const char* key, unsigned least, unsigned most, unsigned absent);
  std::vector<std::string> Texts(const char* key);
  // One of `choices`, the first one if absent.
  std::string Choice(const char* key, std::initializer_list<const char*> choices);
  // An object; an empty one if absent.
  nlohmann::json Object(const char* key);

  // "configuration: KEY: REASON", for what only the caller can see.
  void Refuse(const char* key, const std::string& reason);
  void RefuseWith(int code, const char* key, const std::string& reason);

  const absl::Status& status() const { return status_; }

 private:
  const nlohmann::json* Find(const char* key) const;

  const nlohmann::json& object_;
  const std::string path_;
  absl::Status status_;
};

}  // namespace sluice::cni
