// May the cached answer of one prompt answer another? The first two of three layers: normalised words are
// aligned, and rules with a name and a sentence refuse what differs in a number, a negation, a name ... No
// vectors, microseconds: it runs on the few candidates of every miss. What it leaves undecided is for the
// judge (judge.h).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "cache/guard/lexicon.h"
#include "cache/guard/normalise.h"

namespace tierwise::guard {

enum class Verdict : std::uint8_t { kSame, kRefused, kUndecided };

enum class Rule : std::uint8_t {
  kNone,
  kSpoken,  // the prompts are in different languages
  kUnread,  // a language the guard does not know, or a prompt too long to be read: only equal ones are the
            // same
  kPasted,  // quoted or pasted text differs
  kNumber,
  kDate,
  kUnit,
  kNegation,
  kAntonym,
  kName,   // names and rare words
  kOrder,  // who does what to whom, from where to where
  kScope,
  kModality,
  kTense,
  kQuestion,
  kTask,
  kFormat,
  kAudience,
  kLanguage,    // programming and natural languages, systems
  kPerson,      // whose it is: my, your, her
  kConstraint,  // something is asked for on one side only
  kSentence,    // one of several sentences differs
  kWording,     // too little is shared to be the same
  kCount
};
// In the order of Rule (see base/words.h): the names programs and `explain` show.
inline constexpr std::string_view kRuleNames =
    "none spoken-language unread pasted-text number date unit negation antonym name order scope modality "
    "tense question "
    "task format audience language person constraint sentence wording";

enum class Relation : std::uint8_t { kSame, kEquivalent, kSimilar, kUnmatched };
inline constexpr std::string_view kRelationNames = "same equivalent similar unmatched";

struct ByteRange {
  std::uint32_t begin = 0;
  std::uint32_t end = 0;
};

// Of kUnmatched, one side is empty (begin == end).
struct Link {
  ByteRange a;
  ByteRange b;
  Relation relation = Relation::kSame;
};

inline constexpr auto kRuleCount = static_cast<std::size_t>(Rule::kCount);
// What the judge is told of the words, besides vectors: see signs.h.
inline constexpr std::size_t kSignCount = 100;

struct Comparison {
  Verdict verdict = Verdict::kUndecided;
  Rule rule = Rule::kNone;  // what refused; of kUndecided, what speaks against
  std::string reason;       // its sentence for people; empty when nothing does
  std::vector<Link> alignment;
  std::array<float, kSignCount> signs = {};
};

// With an empty lexicon (its file is not there) prompts are the same only when they are equal but for white
// space around them. `a_words` and `b_words` are what normalise() made of the texts with this lexicon.
Comparison compare(const Lexicon& lexicon, std::string_view a, std::string_view b);
Comparison compare(const Lexicon& lexicon, std::string_view a, const Words& a_words, std::string_view b,
                   const Words& b_words);

}  // namespace tierwise::guard
