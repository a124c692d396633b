// What the guard knows of words, read once from models/guard/words.bin (made by models/build/guard/build_words.py):
// phrases that become one canonical word of a class ("have to" -> modal "must"), irregular forms, and sets of pairs and
// words kept as sorted 24-bit hashes (synonyms, derivations, antonyms, the vocabulary). A pair that is in no set is
// taken for one of it about once in a thousand.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.h"

namespace tierwise::guard {

// Languages whose words the guard knows. Texts of kOther are the same only when they are equal after normalisation.
enum class Language : std::uint8_t { kEnglish, kGerman, kFrench, kSpanish, kOther };

// What a word is to the rules. The order of `kClassNames` in lexicon.cpp and of models/build/guard.
enum class Kind : std::uint8_t {
  kContent,   // anything not named below
  kLight,     // carries no meaning of its own here: articles, auxiliaries, fillers
  kNumber,    // form: canonical decimal, "25"; ordinals "25."
  kQuantity,  // a number with its unit, form "3600 s"
  kUnit,
  kTime,      // of a day, form "19:00"
  kDate,      // form "2024-03-05" or "03-05"
  kCalendar,  // months, days of the week, seasons, relative days
  kNegation,
  kScope,     // quantifiers, frequency, only, except, at least ...
  kModal,
  kQuestion,  // what is asked for: who, when, how-to, yes or no
  kTask,      // what is to be done: write, translate, fix
  kPreposition,
  kPronoun,
  kConjunction,
  kTechnology,  // programming languages, systems, products: closed class
  kLanguage,    // natural languages and nationalities
  kFormat,
  kLength,
  kAudience,
  kTone,
  kTense,       // did, will, was
  kSymbol,
  kCount
};

enum class PairSet : std::uint8_t { kSynonym, kLooseSynonym, kDerived, kAntonym, kSibling, kCount };

std::uint32_t hash_word(std::string_view word);

class Lexicon {
 public:
  // Error code "invalid-data" when `bytes` are not a words file of this version or its checksum is wrong.
  static Result<Lexicon> read(std::string_view bytes);

  bool empty() const { return phrases_.empty(); }

 private:
  friend class Normaliser;
  friend class PhraseBook;
  friend class Aligner;

  struct Step;
  std::vector<std::uint32_t> phrases_;
};

}  // namespace tierwise::guard
