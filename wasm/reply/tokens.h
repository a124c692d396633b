// How many tokens a text will be, roughly, without any model's vocabulary.
//
// One table of weights by the first byte of each character, in tokens: ASCII letters and spaces 1/4 (OpenAI's
// rule of thumb: about 4 characters of English a token), ASCII digits, punctuation and line ends 1/2, other
// alphabets (two bytes) 1/2, Indic, Thai and other three-byte scripts, CJK, kana and Hangul 4/5 (between the 0.6
// of DeepSeek's documentation and one a character), symbols 1, four-byte characters (emoji) 2. Rounded up.
// Good enough for prices marked as estimated, and quick: it runs on every request, cached ones too. Budgets are kept by
// prompt/tokens.h, which looks closer and knows a bound.
#pragma once

#include <string_view>

namespace tierwise::reply {

// 0 for empty text, else at least 1. Linear in the size, the same on every platform; any bytes are accepted.
double estimate_tokens(std::string_view text);

}  // namespace tierwise::reply
