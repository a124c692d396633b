// A server's words inside a sentence to people.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace tierwise::reply {

inline constexpr std::size_t kMaxQuoted = 80;

// `text` in quotes, one line, valid UTF-8, at most kMaxQuoted bytes and then "…".
std::string quote_for_people(std::string_view text);

}  // namespace tierwise::reply
