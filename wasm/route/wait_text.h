// How long a server asks to wait, read from the forms servers use. All times in ms, within 0 and kLongestWaitMs.
#pragma once

#include <optional>
#include <string_view>

namespace tierwise::route {

// Nothing a server says keeps a target away for longer than a day.
inline constexpr double kLongestWaitMs = 86'400'000;

// A Retry-After header (RFC 9110, 10.2.3): seconds, or a date in any of the three forms of RFC 9110, 5.6.7.
std::optional<double> read_retry_after(std::string_view header, double now);

// The Hub's RateLimit header, `"api";r=0;t=55`: the time until the exhausted (r=0) bucket opens again.
std::optional<double> read_rate_limit(std::string_view header);

// A time in prose after "try again in" or "retry in": ZeroGPU's "23:14:07" and "1 day, 2:03:04" (Python's timedelta),
// OpenAI's "6m0s", "1.5s", "20ms", and "30 seconds", "2 minutes", "1 hour".
std::optional<double> read_wait_text(std::string_view text);

// Milliseconds since the epoch.
std::optional<double> read_http_date(std::string_view text);

}  // namespace tierwise::route
