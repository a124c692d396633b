// Spelling and inflection: British to American by rule, contractions taken apart, words without their
// inflection.
#pragma once

#include <string>
#include <string_view>

#include "cache/guard/lexicon.h"
#include "cache/guard/read_words.h"

namespace tierwise::guard {

// English, lower case: "colour" -> "color", "organise" -> "organize", "theatre" -> "theater". A rule and no
// list: some words come out as none ("source" -> "sorce"), always the same; words that differ stay different.
void respell(std::string& word);

// "don't" -> do not; "what's" -> what is; French elisions. The words made share the bytes of what they were
// made of.
void take_apart(RawWords& words, Language language);

// Without its inflection: "making" -> "make", "studies" -> "study". `past` is set for a verb's past form, or
// what looks like one.
std::string stem_of(const Lexicon& lexicon, Language language, std::string_view word, bool& past);

// At most one letter more, less, other or two of them swapped.
bool one_slip(std::string_view a, std::string_view b);

}  // namespace tierwise::guard
