// Step 1 of a request: refuse what is malformed before anything is spent, and size what is not.
//
// CheckRequest -> CheckResult (js/core-types.ts) as JSON text. Every error has code "invalid-input"
// ("too-large" past maxBytes), names the field ("parameters.temperature") and says what to change. Parameters
// not named here pass unchecked: they are the caller's own business with the server.
#pragma once

#include <cstddef>
#include <string>

#include "base/json.h"
#include "base/result.h"

namespace tierwise::reply {

inline constexpr double kMaxRequestBytes = 1073741824;
inline constexpr std::size_t kMaxMessages = 10'000;
inline constexpr double kMaxTemperature = 2;
inline constexpr double kMaxReplyTokens = 1e6;
inline constexpr std::size_t kMaxStops = 16;
// What a template adds around each message: 3 for the delimiters and 1 for the role in OpenAI's chat format
// (cookbook, "How to count tokens").
inline constexpr double kTokensPerMessage = 4;

Result<std::string> check_request(const json& request);

}  // namespace tierwise::reply
