// Numbers and names as sentences for people say them: rounded, with their unit; in quotes.
#pragma once

#include <string>
#include <string_view>

namespace tierwise::route {

// "38 ms", "1.24 s".
std::string latency_phrase(double ms);

// Time left, rounded up so that it is never promised too early: "12 s", from 2 minutes on "3 min", from 2 hours on
// "5 h". At least "1 s".
std::string wait_phrase(double ms);

// US dollars: "$1.25"; below a cent two significant digits, "$0.0012"; "$0" for none.
std::string dollars_phrase(double dollars);

// The text in double quotes, cut after 40 bytes (never inside a character) with an ellipsis.
std::string in_quotes(std::string_view text);

}  // namespace tierwise::route
