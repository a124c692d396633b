// A server's whole answer (no stream) -> ReplyPiece (js/core-types.ts) as JSON text. The rules are piece.h's.
//
// Reads: chat.completion and text_completion, TGI's {generated_text} alone or in a list, llama.cpp's and
// Ollama's own objects, the plain contract {generated_text, model_version?, error?} and what people write
// instead of it: {response}, {output}, {text}, {result}, {content}, {data: [...]}, lists of these, a bare
// JSON string. Error shapes under HTTP 200 give `error`. Error "unknown-shape" (also for what is no JSON):
// says what was expected and what came.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "reply/protocol.h"

namespace tierwise::reply {

Result<std::string> read_body(Protocol protocol, std::string_view body);

}  // namespace tierwise::reply
