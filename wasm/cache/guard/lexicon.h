// What the guard knows of words, read once from models/guard/words.bin (made by models/build/guard): phrases
// that become canonical words ("have to" -> modal "must"), irregular forms, and sets of pairs of words
// (synonyms, derivations, antonyms) and of words (the vocabulary), kept as hashes; and the lists and sentences that
// the rest of the guard names (Text). A pair that is in no set
// is taken for one of it about once in a thousand, a word that is in no vocabulary about once in a hundred.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace tierwise::guard {

// Languages whose words the guard knows. Texts of kOther are the same only when they are equal after
// normalisation.
enum class Language : std::uint8_t { kEnglish, kGerman, kFrench, kSpanish, kOther };

// What a word is to the rules; models/build/guard/phrases.py knows them by their order.
enum class Kind : std::uint8_t {
  kContent,   // anything not named below
  kLight,     // carries no meaning of its own: articles, auxiliaries, fillers, politeness
  kNumber,    // form: digits, "25"; ordinals "25."
  kQuantity,  // a number with its unit, form "3600 s"
  kUnit,
  kTime,      // of a day, form "19:00"
  kDate,      // form "2024-03-05" or "03-05"
  kCalendar,  // months, days of the week, seasons, relative days
  kNegation,
  kScope,  // quantifiers, frequency, only, except, at least ...
  kModal,
  kQuestion,  // what is asked for: who, when, how; yes or no
  kTask,      // what is to be done: write, translate, correct
  kPreposition,
  kPronoun,
  kConjunction,
  kTechnology,  // programming languages, systems, products: a closed class
  kLanguage,    // natural languages and nationalities
  kFormat,
  kLength,
  kAudience,
  kTone,
  kTense,
  kSymbol,
  kRespell,  // in the words file only: the target is read in the phrase's place
  kCount
};

// Some of them.
class Kinds {
 public:
  constexpr Kinds(std::initializer_list<Kind> kinds) {
    for (const Kind kind : kinds) bits_ |= 1U << static_cast<unsigned>(kind);
  }
  constexpr bool has(Kind kind) const { return (bits_ >> static_cast<unsigned>(kind) & 1U) != 0; }

 private:
  std::uint32_t bits_ = 0;
};
static_assert(static_cast<unsigned>(Kind::kCount) <= 32);

enum class PairSet : std::uint8_t { kSynonym, kLooseSynonym, kDerived, kAntonym, kCount };

// Lists of words and sentences of the words file, in its order (models/build/guard/texts.txt): those that are not
// of one language only stand four times, in the order of Language.
enum class Text : std::uint8_t {
  kSmallNumbers,
  kTens = kSmallNumbers + 4,
  kScales = kTens + 4,
  kScalesToo = kScales + 4,
  kAnd = kScalesToo + 4,
  kMonths = kAnd + 4,
  kFirstOfQuestions = kMonths + 4,
  kOrdinals = kFirstOfQuestions + 4,
  kTenOrdinals,
  kShortMonths,
  kUnits,
  kBaseUnits,
  kOpposed,
  kOpposedPlaces,
  kOppositePrefixes,
  kGreetings,
  kPeopleAsked,
  kPassive,
  kPastedBoth,
  kPastedOne,
  kNumbers,
  kNumberOne,
  kTimes,
  kSays,
  kUnitsDiffer,
  kUnitOne,
  kDenied,
  kDeniesElse,
  kOpposite,
  kNames,
  kNameOne,
  kSwappedPlaces,
  kOtherPlace,
  kWhoDoesIt,
  kBehind,
  kHowMuch,
  kBelongsElse,
  kModality,
  kFuture,
  kPast,
  kAsked,
  kYesOrNo,
  kAsksOne,
  kWork,
  kWorkOne,
  kSystems,
  kLanguages,
  kForms,
  kLengths,
  kAudiences,
  kTones,
  kPersons,
  kSentence,
  kAsksFor,
  kCount
};

// FNV-1a, going on from `seed`.
inline constexpr std::uint32_t kHashSeed = 2166136261U;
constexpr std::uint32_t hash_word(std::string_view word, std::uint32_t seed = kHashSeed) {
  for (const char c : word) seed = (seed ^ static_cast<unsigned char>(c)) * 16777619U;
  return seed;
}

struct Canonical {
  Kind kind;
  std::string_view form;  // of the lexicon
};

class Lexicon {
 public:
  Lexicon() = default;
  // Views into the bytes it owns: it moves, it is not copied.
  Lexicon(Lexicon&&) = default;
  Lexicon& operator=(Lexicon&&) = default;

  // Error code "invalid-file" when `bytes` are no words file of this version or its checksum is wrong.
  static Result<Lexicon> read(std::string_view bytes);

  bool empty() const { return phrases_.empty(); }

  // The longest phrase that begins with words[0] and has at most `count` words: how many words it has, 0 when
  // there is none. `starts`: phrases that stand only where a sentence begins count too. `least`: words it
  // must have.
  template <typename WordAt>
  std::size_t phrase(Language language, std::size_t count, bool starts, std::size_t least, const WordAt& word,
                     std::vector<Canonical>& target) const {
    std::uint32_t hash = seed_of(language);
    std::size_t found = 0;
    std::uint32_t found_target = 0;
    for (std::size_t n = 1; n <= count && n <= longest_; ++n) {
      if (n > 1) hash = hash_word(" ", hash);
      hash = hash_word(word(n - 1), hash);
      const std::uint32_t at = n < least ? kNone : find_phrase(hash, starts);
      if (at == kNone) continue;
      found = n;
      found_target = at;
    }
    if (found > 0) read_target(found_target, target);
    return found;
  }
  // Of a single word, wherever it stands; kContent when it is none.
  Kind kind_of(Language language, std::string_view word) const;

  // Of the words file; empty when that is not there. `row`: of a list of four, the language's.
  std::string_view text(Text which, std::size_t row = 0) const {
    return empty() ? std::string_view() : texts_[static_cast<std::size_t>(which) + row];
  }

  bool related(PairSet set, std::uint32_t stem_a, std::uint32_t stem_b) const;
  bool known(std::string_view word) const;

  struct Irregular {
    std::string_view base;
    bool past;
  };
  // "went" -> "go"; an empty base when the word is regular.
  Irregular irregular(std::string_view word) const;

 private:
  static constexpr std::uint32_t kNone = 0xffffffffU;
  // Far apart: a number put to the first letter would make one language's words another's.
  static constexpr std::uint32_t seed_of(Language language) {
    return kHashSeed + static_cast<std::uint32_t>(language) * 0x9e3779b1U;
  }
  struct Phrase {
    std::uint32_t hash;
    std::uint32_t target;  // in targets_; its highest bit: only where a sentence begins
  };
  std::uint32_t find_phrase(std::uint32_t hash, bool starts) const;
  void read_target(std::uint32_t target, std::vector<Canonical>& out) const;

  std::vector<char> bytes_;
  std::vector<std::string_view> texts_;    // by Text
  std::vector<Phrase> phrases_;            // by hash
  std::vector<std::string_view> targets_;  // "Q:how C:age": a letter of kKindLetters and the word
  std::size_t longest_ = 0;
  std::array<std::string_view, static_cast<std::size_t>(PairSet::kCount)> pairs_;  // 3 bytes each, sorted
  std::string_view vocabulary_;                                                    // a Bloom filter
  std::vector<Phrase> irregular_;  // by hash; target as above, the bit: a past form
  std::vector<std::string_view> bases_;
};

}  // namespace tierwise::guard
