// How many tokens a text will be for a model, without the model's vocabulary: what it is made of
// (text_shape.h) times weights fitted to real tokenizers. How far off it is, by kind of text and tokenizer,
// is in docs/TOKENS.md.
#pragma once

#include <cstdint>
#include <string_view>

namespace tierwise::prompt {

// Tokenizers that count alike; the names are those of models/models.json. kUnknown: `tokens` is between the
// others (without GPT-2), `at_most` the highest of all.
enum class TokenizerFamily : std::uint8_t {
  kGpt2,    // "gpt2": GPT-2, and vocabularies of about 50,000 made of English
  kSp32k,   // "sp32k": SentencePiece with 32,000: Llama 2, Mistral 7B, Phi-3, Zephyr, Vicuna, ...
  kCl100k,  // "cl100k": GPT-3.5 and 4, Llama 3, Phi-4
  kQwen,    // "qwen": Qwen 2 to 3
  kO200k,   // "o200k": GPT-4o and later, DeepSeek V3 and R1
  kGemma,   // "gemma": digits one by one: Gemma, Mistral Nemo, Command-R
  kUnknown
};

// Anything else is kUnknown.
TokenizerFamily tokenizer_family(std::string_view name);
// By its place in the enum.
TokenizerFamily tokenizer_family(double number);

struct TokenEstimate {
  double tokens;   // the middle: for prices
  double at_most;  // for budgets: above the real count of 99.5 % of the texts of each kind that was measured
  double spread;   // of `at_most`, what is there because short texts vary: it grows with the root, the rest adds up
};

// `tokens` and `at_most` are whole numbers; both 0 for empty text, else at least 1. `at_most` is never below `tokens`,
// and both are no more than the bytes and two: no token is less than a byte, and some tokenizers put one before a text.
// What a template writes around messages is not counted. Linear in the size (the first 4 GiB count), constant memory,
// the same on every platform; any bytes are accepted.
TokenEstimate estimate_tokens(std::string_view text, TokenizerFamily family = TokenizerFamily::kUnknown);

}  // namespace tierwise::prompt
