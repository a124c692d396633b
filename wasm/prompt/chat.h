// Messages, tools and documents -> the prompt of a model that takes text: its template rendered, within its context
// window, with nothing in a message that passes for a marker of the model.
//
// Request, as JSON. Its shapes are checked where it is made (js/prompt/chat-messages.ts); what is of another type here
// counts as not given:
//   template              number from Renderer::add
//   messages              [{role, content, tool_calls?, ...}]: role system, user, assistant or tool; content a text, or
//                         null beside tool_calls. Arguments of tool calls that are JSON text become what it says, up
//                         to 1 MiB in all. A number for as many that are left out: see `more`
//   variables             all that the template sees beside messages: add_generation_prompt, tools, documents,
//                         bos_token, eos_token, ...
//   special               texts that are one token each of the model, and markers: those of at most kMostMarkers that
//                         look like one (a letter or digit, and one of <>[]{}|#:@). Others that a template writes are
//                         counted as text, which is more
//   markers               what no text may bring into the prompt (neutralise.h), beside `special` and what the template
//                         writes that looks like one
//   foldSystem?           true: system messages are put before the next user message, with an empty line between
//   continueFinalMessage? true: the prompt ends right behind the content of the last message, as in Transformers
//   neutralise?           true: in messages of user and tool and in documents
//   neutraliseAll?        true: also in those of assistant and system and in tools
//   now?                  ms since the epoch
//   family?               number of a TokenizerFamily (tokens.h)
//   limit?                tokens the prompt may have, by the upper bound of the estimate; see budget.h
//   priorities?           of the documents, for budget.h
//   truncate?             true: the largest message that must stay is shortened in its middle rather than refused
//   contextBlock?         the block of data that ends the system message which comes first: markers in it are broken
//                         too
//   foldDocuments?        true: the template has no place for documents: they are told in a block of data in the system
//                         message (context_block.h)
//   answerMessages?       true: the answer has the messages that stay, {role, content}, as they were rendered, too: for
//                         servers that apply the template themselves
//
// Answer: {prompt, tokens, atMost, dropped: [{kind: "message" or "document", index, count?, reason}],
// warnings: [code]}; `count` messages from `index` on, where there is more than one; reason is "budget", or
// "shortened" for what is there in part. Warnings:
//   markers-broken     texts were changed by neutralising
//   system-folded      the template refuses system messages, and was rendered with them folded
//   messages-merged    the template refuses two messages of one role in a row, and was rendered with them as one
//   arguments-kept     a tool call's arguments are text that is no JSON
//
// {"more": true} instead: there is room for messages that are left out. What is never needed of a long history need
// not be sent: where contents have more than limit * kBytesThatMayFit bytes in all, the answer without any but system
// messages, the last user message and what follows it, and some of the newest is this or the same as with all.
//
// Where a text could make up a marker together with what the template writes beside it, the prompt is rendered a
// second time with a visible · at these ends, and the first is given up when it has more markers. A template that
// takes contents apart or replaces in them is not followed in that.
//
// Errors: "too-large" with what to shorten as its field, "cannot-continue" when the template does not write the last
// message, "invalid-input", and those of parse_json and Renderer::render.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "prompt/render.h"

namespace tierwise::prompt {

Result<std::string> format_chat(Renderer& renderer, std::string_view request);

}  // namespace tierwise::prompt
