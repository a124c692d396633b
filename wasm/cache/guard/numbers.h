// Numbers, quantities, times of day and dates, however they are written: digits or words, with thousands
// separators, "7 p.m." or "19:00", "5km" or "5 kilometers", "March 5, 2024" or "2024-03-05". Amounts of time,
// metric lengths, masses and volumes are brought to one unit each, so that 90 minutes are 1.5 hours.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "cache/guard/lexicon.h"
#include "cache/guard/read_words.h"

namespace tierwise::guard {

struct NumberRead {
  std::size_t words = 0;  // it is made of; 0: none stands here
  Kind kind = Kind::kNumber;
  std::string form;
};

// What begins at words[at]. Digits and letters written together ("5km") were split before.
NumberRead read_number(const Lexicon& lexicon, Language language, const std::vector<RawWord>& words, std::size_t at);

// "5km" -> 5, km; "7pm" -> 7, pm; "10k" stays.
void split_units(const Lexicon& lexicon, Language language, std::vector<RawWord>& words);

}  // namespace tierwise::guard
