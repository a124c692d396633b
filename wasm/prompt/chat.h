// Messages, tools and documents -> the prompt of a model that takes text: its template rendered, within its context
// window, with nothing in a message that passes for a marker of the model.
//
// Request, as JSON:
//   template              number from Renderer::add
//   messages              [{role, content, tool_calls?, ...}]: role system, developer (taken for system), user,
//                         assistant or tool; content text without NUL, or parts [{type: "text", text}], which are
//                         joined by line ends for every template (none needs parts where all of them are text), or
//                         null beside tool_calls. Arguments of tool calls that are JSON text become what it says.
//   now?                  ms since the epoch
//   bos?, eos?            bos_token and eos_token of the template
//   markers?              what no text may bring into the prompt (neutralise.h); bos and eos are added
//   special?              texts that are one token each of the model; bos and eos are added. Others that a template
//                         writes are counted as text, which is more
//   system?               "own" (default), or "folded": put before the next user message, with an empty line between
//   tools?, documents?    for the template; documents are up to 1,000 objects whose `priority` (budget.h) the
//                         template does not see
//   variables?            more for the template; the names above, messages and add_generation_prompt are ours
//   addGenerationPrompt?  default true
//   continueFinalMessage? the prompt ends right behind the content of the last message, as in Transformers
//   neutralise?           true (default): in messages of user and tool and in documents; "all": also in those of
//                         assistant and system and in tools; false
//   budget?               {family?, contextWindow?, reservedOutput?, truncate?}: family of tokens.h; the prompt is
//                         held to contextWindow - reservedOutput by the upper bound of the estimate, see budget.h;
//                         truncate: "middle" shortens the largest message that must stay rather than refusing it
//
// Answer: {prompt, tokens, atMost, dropped: [{kind: "message" or "document", index, count?, reason}],
// warnings: [{code, message}]}; `count` messages from `index` on, where there is more than one; reason is "budget", or
// "shortened" for what is there in part. Warnings:
//   markers-broken     texts were changed by neutralising
//   system-folded      the template refuses system messages, and was rendered with them folded
//   messages-merged    the template refuses two messages of one role in a row, and was rendered with them as one
//   arguments-kept     a tool call's arguments are text that is no JSON
//
// Where a text could make up a marker together with what the template writes beside it, the prompt is rendered a
// second time with a visible · at these ends, and the first is given up when it has more markers. A template that
// takes contents apart or replaces in them is not followed in that.
//
// Errors: "invalid-input" with the field ("messages[3].role"), "too-large" with what to shorten as its field,
// "cannot-continue" when the template does not write the last message, and those of parse_json and Renderer::render.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "prompt/render.h"

namespace tierwise::prompt {

Result<std::string> format_chat(Renderer& renderer, std::string_view request);

}  // namespace tierwise::prompt
