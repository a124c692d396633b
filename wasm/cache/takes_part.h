// Which questions may be answered by another wording's reply at all. Left out are those that do not say by themselves
// what they ask ("why?", "and in winter?"), those asked late in a conversation, and those that want something else each
// time ("surprise me"): for them only the exact cache answers. English, German, French and Spanish words; that a question
// is left out costs a call, nothing else, so what is in doubt is.
#pragma once

#include <cstddef>
#include <string_view>

namespace tierwise::cache {

// The user's turns, the last one included. Beyond, the model's own replies carry most of what is meant.
inline constexpr std::size_t kMostTurns = 3;

// Why it does not; empty: it does. `turns` from 1 on.
std::string_view why_left_out(std::string_view question, std::size_t turns);

}  // namespace tierwise::cache
