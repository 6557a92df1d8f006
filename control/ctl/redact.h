// Text without what nobody but its owner may read.
#pragma once

#include <string>
#include <string_view>

namespace sluice::ctl {

// `text` (configuration, environment, JSON, logs) line by line, with "[removed]" in the place of
//   - PEM blocks, in lines of their own, behind "\n" in a JSON string, or in base64;
//   - the values of keys that sound like secrets: token, password, secret, credential, api key,
//     private key, client key or certificate data; lines behind "authorization";
//   - what follows "Bearer", JSON web tokens anywhere, user and password in URLs.
// Lines longer than 16 KiB are cut.
std::string Redact(std::string_view text);

}  // namespace sluice::ctl
