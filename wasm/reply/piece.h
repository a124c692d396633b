// What one JSON value of a server means: a ReplyPiece (js/core-types.ts), whichever protocol it speaks.
//
// The shapes are told apart by their fields, not by the protocol that was configured: servers answer one protocol's
// request in another's words (TGI's chat errors, Ollama's /api/generate, proxies). The protocol decides only what is
// ambiguous: bare text and lists are replies of the plain contract alone.
//
// Rules that hold for every shape:
// - `choices`: the one with index 0 (or no index, first place) counts.
// - An error inside HTTP 200 gives `error` and nothing else. Of {"success": false} and a "status" of failure without a
//   word of why it quotes the text that came along.
// - Empty text is left out of frames. `model` is left out of frames that only carry text: it would be repeated per
//   token.
// - Counts are taken only when finite and not negative.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/json.h"
#include "reply/protocol.h"

namespace tierwise::reply {

enum class Part { kFrame, kWhole };

// JSON text. nullopt: no known shape. An object frame always has one, {} at least: servers add frames of their own
// (pings, timings).
std::optional<std::string> read_piece(Protocol protocol, const json& value, Part part);

// FinishReason of a server's word (any case):
//   stop, eos, eos_token, end_turn, stop_sequence, word, complete         -> stop
//   length, max_tokens, max_length, model_length, limit                   -> length
//   tool_calls, tool_use, function_call                                   -> tool-calls
//   content_filter, content-filter, safety, refusal                       -> content-filter
//   unknown, null, none                                                   -> unknown
//   error, failed, failure, abort, aborted, cancelled, canceled           -> kFailed, which no ReplyPiece has: it has
//                                                                            an error instead
//   anything else                                                         -> other
inline constexpr std::string_view kFailed = "error";
std::string_view finish_reason(std::string_view word);

// Whether `text` is a model's special token in clear ("</s>", "<|im_end|>"): TGI before 2.1 sends it as the last
// content together with finish_reason "eos_token".
bool is_special_token(std::string_view text);

}  // namespace tierwise::reply
