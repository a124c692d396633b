// Which words of two normalised prompts belong together.
#pragma once

#include <cstdint>
#include <vector>

#include "cache/guard/lexicon.h"
#include "cache/guard/normalise.h"

namespace tierwise::guard {

enum class Match : std::uint8_t { kNone, kLoose, kDerived, kSynonym, kSlip, kInitials, kJoined, kStem, kSame };

inline constexpr std::uint32_t kNoPartner = 0xffffffffU;

struct Side {
  const Words* words;
  std::vector<std::uint32_t> partner;  // of each word, in the other prompt; kNoPartner
  std::vector<Match> match;
  std::vector<bool> dropped;  // in sentences that both have
};

struct Alignment {
  Side a;
  Side b;
};

// 0 of what carries no meaning, up to 3 of names and rare words.
float weight_of(const Word& word);

// Sentences that both have, word for word, are paired first; of what is left at most `max_words` words of
// each are looked at: with more, nothing is paired and false is returned.
bool align(const Lexicon& lexicon, const Words& a, const Words& b, std::size_t max_words, Alignment& out);

}  // namespace tierwise::guard
