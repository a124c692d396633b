#include "prompt/tokens.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <iterator>

#include "prompt/text_shape.h"

namespace tierwise::prompt {
namespace {

// Kinds of text with a margin of their own: words, rare sequences of letters, digits, spaces and punctuation,
// Latin with diacritics, Greek and Cyrillic, Hebrew and Arabic, Devanagari, other alphabets, Hangul, Chinese
// and Japanese, symbols, other Indic.
constexpr std::size_t kGroups = 13;
constexpr std::uint8_t kGroupOfScript[static_cast<std::size_t>(Script::kCount)] = {
    4, 4, 4, 4, 5, 5, 5, 5, 6, 6, 6, 6, 7, 12, 8, 9, 10, 10, 10, 11, 11, 11, 11, 11, 8, 8, 8, 8, 8, 11};

constexpr std::size_t group_of(std::size_t happens) {
  if (happens < event::kLetters) return happens % event::kRarities < 2 ? 0 : 1;
  if (happens < event::kDigits) return happens - event::kWords < 3 ? 0 : 1;
  if (happens < event::kSpaces) return 2;
  if (happens < event::kForeign) return 3;
  return happens >= event::kStray ? 11 : kGroupOfScript[(happens - event::kForeign) / 2];
}

// Square roots, so that small weights are fine and large ones fit: a weight of 1 token is about 28.
constexpr std::uint64_t kPerToken = 768;
constexpr std::uint64_t kMarginOne = 32;

struct Weights {
  std::uint8_t roots[event::kCount];  // of kPerToken times the tokens of an event, in the order of text_shape.h
  std::uint8_t margins[kGroups];      // in kMarginOne
  std::uint8_t spread;                // in kMarginOne, times the root of the tokens: short texts vary
};

// In the order of TokenizerFamily. Made by tests/tokens/fit.py.
constexpr Weights kWeights[] = {
#include "prompt/token_weights.inc"
};
constexpr std::size_t kFamilies = std::size(kWeights);
static_assert(kFamilies == static_cast<std::size_t>(TokenizerFamily::kUnknown));

constexpr std::string_view kNames[kFamilies] = {"gpt2", "sp32k", "cl100k", "qwen", "o200k", "gemma"};

struct Sum {
  std::uint64_t tokens;
  std::uint64_t most;
};

}  // namespace

TokenizerFamily tokenizer_family(std::string_view name) {
  const auto* found = std::find(std::begin(kNames), std::end(kNames), name);
  return static_cast<TokenizerFamily>(found - std::begin(kNames));
}

TokenizerFamily tokenizer_family(double number) {
  return number >= 0 && number < kFamilies ? static_cast<TokenizerFamily>(static_cast<int>(number))
                                           : TokenizerFamily::kUnknown;
}

TokenEstimate estimate_tokens(std::string_view text, TokenizerFamily family) {
  if (text.empty()) return {0, 0, 0};
  const bool known = family < TokenizerFamily::kUnknown;
  const std::size_t first = known ? static_cast<std::size_t>(family) : 0;
  const std::size_t end = known ? first + 1 : kFamilies;
  const TextShape shape = shape_of(text);
  Sum sums[kFamilies] = {};
  for (std::size_t happens = 0; happens < event::kCount; ++happens) {
    if (shape[happens] == 0) continue;
    for (std::size_t one = first; one < end; ++one) {
      const std::uint64_t root = kWeights[one].roots[happens];
      const std::uint64_t sum = shape[happens] * root * root;
      sums[one].tokens += sum;
      sums[one].most += sum * kWeights[one].margins[group_of(happens)];
    }
  }
  // Integers but for the roots, and no product is added to anything: the same everywhere.
  TokenEstimate estimate{0, 0, 0};
  for (std::size_t one = first; one < end; ++one) {
    const double tokens = static_cast<double>(sums[one].tokens) / kPerToken;
    const double spread = std::ceil(std::sqrt(tokens) * kWeights[one].spread / kMarginOne);
    const double most = std::ceil(static_cast<double>(sums[one].most) / (kPerToken * kMarginOne)) + spread;
    if (known || one != static_cast<std::size_t>(TokenizerFamily::kGpt2)) estimate.tokens += tokens;
    if (most > estimate.at_most) {
      estimate.at_most = most;
      estimate.spread = spread;
    }
  }
  if (!known) estimate.tokens /= kFamilies - 1;
  const double bytes = static_cast<double>(text.size()) + 2;
  estimate.tokens = std::min(std::max(1.0, std::round(estimate.tokens)), bytes);
  estimate.at_most = std::min(std::max(estimate.at_most, estimate.tokens), bytes);
  estimate.spread = std::min(estimate.spread, estimate.at_most - estimate.tokens);
  return estimate;
}

}  // namespace tierwise::prompt
