// Which words of two normalised prompts belong together.
#pragma once

#include <cstdint>
#include <vector>

#include "cache/guard/lexicon.h"
#include "cache/guard/normalise.h"

namespace tierwise::guard {

// Views as those of the Words it was made of.
struct Side {
  std::vector<Word> words;
  Language language = Language::kEnglish;
  std::uint16_t sentences = 0;
};

struct Alignment {
  Side a;
  Side b;
};

// 0 of what carries no meaning, up to 3 of names and rare words.
float weight_of(const Word& word);
inline bool means(const Word& word) { return weight_of(word) >= 0.7F; }

// Sentences that both have, word for word, are paired first; of what is left at most `max_words` words of
// each are looked at: with more, nothing is paired and false is returned.
bool align(const Lexicon& lexicon, const Words& a, const Words& b, std::size_t max_words, Alignment& out);

}  // namespace tierwise::guard
