// What can go wrong, as the CNI specification numbers it.
//
// Errors are absl::Status everywhere; one made by Fail carries the number that the runtime is told.
#pragma once

#include <absl/status/status.h>

#include <nlohmann/json.hpp>
#include <string>

namespace sluice::cni {

// CNI 1.1, "Error": 0-99 are the specification's, from 100 on they are ours.
enum ErrorCode : int {
  kIncompatibleVersion = 1,
  kUnsupportedField = 2,
  kUnknownContainer = 3,
  kEnvironment = 4,
  kIo = 5,
  kDecode = 6,
  kConfig = 7,
  kTryAgain = 11,
  kNotAvailable = 50,
  kLimited = 51,
  kInternal = 100,
  kRefused = 101,  // by the switch, or by what is in a socket's place
  kIpam = 102,     // the IPAM plugin answered what is no answer
  kCheck = 103,    // an attachment is not what it was made
  kExists = 104,   // the interface is there already
};

// `code` is an ErrorCode, or what an IPAM plugin said.
absl::Status Fail(int code, const std::string& message);

// A failure of files, as kIo: WHO and what `status` says. Ok stays so.
absl::Status FailIo(const std::string& who, const absl::Status& status);

// The number of a status that is not OK. Of one that Fail did not make: kTryAgain if the daemon
// could not be reached, took too long or is full, else kRefused.
int CodeOf(const absl::Status& status);

// The error result of the specification; `msg` says who, what and why, `details` what the code
// means.
nlohmann::json ErrorToJson(const absl::Status& status, const std::string& cni_version);

}  // namespace sluice::cni
