// What rules and judge look at in an alignment, found once.
#pragma once

#include <cstdint>

#include "cache/guard/align.h"

namespace tierwise::guard {

enum class OrderChange : std::uint8_t {
  kNone,
  kExcused,  // joined by "and", or each behind its own preposition as before
  kBare,     // another order, and nothing tells what it means
  kSwapped,  // they changed places around what is between them, or changed their prepositions
};

struct Findings {
  int inversions = 0;
  int bare_inversions = 0;
  int pairs = 0;
  // Of the first swap: words of a; kNoPartner when there is none.
  std::uint32_t swapped_first = kNoPartner;
  std::uint32_t swapped_second = kNoPartner;
  bool exchanged = false;  // two words, where one stands behind "to"
  std::uint32_t bare_first = kNoPartner;  // of the first bare inversion of words behind no preposition
};

Findings find(const Alignment& alignment);

// A word whose place among others tells who does what.
bool has_place(const Word& word);

}  // namespace tierwise::guard
