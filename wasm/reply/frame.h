// One frame of a server's stream -> JSON text of a ReplyPiece (js/core-types.ts). The rules are piece.h's.
//
// Runs once per streamed token: ordinary frames are read in one pass without building a tree; anything else (the last
// frame, errors, unusual shapes, text to repair) is parsed. Where both ways understand a frame they say the same; the
// fast one also takes frames that are no JSON in a member nobody reads ({"content":"x","a":nope}). Frames: the data of
// one SSE event; for kPlain also one line of a text or NDJSON stream. `[DONE]` gives {"done":true}, empty data {}. For
// kPlain what is no JSON is text, unless it is a page of HTML or begins like an object or a list. The answer is always
// valid UTF-8. Error "bad-frame" quotes up to kMaxQuoted bytes (quote.h) of what could not be read.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "reply/protocol.h"

namespace tierwise::reply {

Result<std::string> read_frame(Protocol protocol, std::string_view data);

// The exact path alone.
Result<std::string> read_frame_exactly(Protocol protocol, std::string_view data);

}  // namespace tierwise::reply
