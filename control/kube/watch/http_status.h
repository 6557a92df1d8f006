// The status codes of HTTP (RFC 9110, 6585) that mean something to a client of the API server.
#pragma once

namespace sluice::control {

inline constexpr int kOk = 200;
inline constexpr int kBadRequest = 400;
inline constexpr int kUnauthorized = 401;
inline constexpr int kNotAllowed = 403;
inline constexpr int kNotFound = 404;
inline constexpr int kConflict = 409;
inline constexpr int kGone = 410;
inline constexpr int kUnprocessable = 422;
inline constexpr int kTooManyRequests = 429;
inline constexpr int kUnavailable = 503;

}  // namespace sluice::control
