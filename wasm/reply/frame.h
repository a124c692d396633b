// One frame of a server's stream -> JSON text of a ReplyPiece (js/core-types.ts). The rules are piece.h's.
//
// Runs once per streamed token: ordinary frames are read in one pass without building a tree; anything else
// (the last frame, errors, unusual shapes, text to repair) is parsed, with the same result. Frames: the data
// of one SSE event; for kPlain also one line of a text or NDJSON stream. `[DONE]` gives {"done":true}, empty
// data {}. For kPlain what is no JSON is text, unless it is a page of HTML or begins like an object or a
// list. The answer is always valid UTF-8. Error "bad-frame" quotes up to kMaxQuoted characters of what could
// not be read.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.h"
#include "reply/protocol.h"

namespace tierwise::reply {

inline constexpr std::size_t kMaxQuoted = 80;

Result<std::string> read_frame(Protocol protocol, std::string_view data);

// The exact path alone: what read_frame answers, or would have answered had it not been faster.
Result<std::string> read_frame_exactly(Protocol protocol, std::string_view data);

// `text` for a sentence to people: in quotes, one line, valid UTF-8, at most kMaxQuoted bytes.
std::string quote_for_people(std::string_view text);

}  // namespace tierwise::reply
