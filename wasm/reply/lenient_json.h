// JSON as servers really send it: what a strict parser refuses but every reader understands is repaired first.
//
// Repairs: a byte order mark; bare NaN, Infinity and -Infinity become null (Python's json.dumps writes them); invalid
// UTF-8 and lone surrogate escapes become U+FFFD; a stray quote after the end is dropped (recorded from cerebras, last
// frame). Nothing else is guessed: truncated text stays an error. Linear in the size of the text; text that needs no
// repair is not copied. Errors are those of parse_json.
#pragma once

#include <string_view>

#include "base/json.h"
#include "base/result.h"

namespace tierwise::reply {

Result<json> parse_lenient(std::string_view text);

}  // namespace tierwise::reply
