// A prompt as the guard compares it: its words, each unified with what means the same ("twenty-five", "25";
// "7 p.m.", "19:00"; "colour", "color"; "could you tell me how to", "how do I"), in an order in which fronted
// adverbials stand behind what they belong to. Every word knows which bytes of the prompt it was made of.
//
// Bounds: of a prompt of more than kMaxGuardBytes bytes or kMaxGuardWords words only the beginning is read
// and `cut` is set; such a prompt is the same only as one that is equal byte for byte. Bytes that are no
// UTF-8 are letters of a word.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "cache/guard/lexicon.h"
#include "cache/guard/read_words.h"

namespace tierwise::guard {

inline constexpr std::size_t kMaxGuardBytes = 32'768;
inline constexpr std::size_t kMaxGuardWords = 1'500;

// How a word found its partner in the other prompt.
enum class Match : std::uint8_t { kNone, kLoose, kDerived, kSynonym, kSlip, kInitials, kJoined, kStem, kSame };

inline constexpr std::uint32_t kNoPartner = 0xffffffffU;

struct Word {
  // Bytes of the prompt.
  std::uint32_t begin = 0;
  std::uint32_t end = 0;
  std::string_view form;   // unified, inflection kept: "colors"; of Words::texts, the lexicon or the program
  std::string_view base;   // without inflection; what it is compared by
  std::uint32_t stem = 0;  // hash of base
  Kind kind = Kind::kContent;
  Pause pause = Pause::kNone;  // behind it
  bool capital = false;        // a capital letter where none was due, or an abbreviation, or code
  bool known = true;           // in the vocabulary
  bool literal = false;        // quoted or pasted: must be there unchanged
  bool past = false;           // a verb's past form, or what may be one
  std::uint16_t sentence = 0;
  std::string_view role;  // the preposition it stands behind, of the lexicon; empty: none

  // In an alignment (align.h).
  std::uint32_t partner = kNoPartner;  // in the other prompt
  Match match = Match::kNone;
  bool dropped = false;  // in a sentence that both have

  // It means something and found no partner.
  bool left() const { return partner == kNoPartner && kind != Kind::kLight; }
  // It found one, and its sentence differs.
  bool paired() const { return partner != kNoPartner && !dropped; }
  // Has it one of these forms (base/words.h)?
  bool is(std::string_view forms) const;
  bool is(Kind of_kind, std::string_view forms) const { return kind == of_kind && is(forms); }
};

struct Words {
  std::vector<Word> words;
  Language language = Language::kEnglish;
  std::uint16_t sentences = 0;
  bool cut = false;
  Texts texts;
};

// A word of the prompt that is read as another one.
struct Correction {
  std::uint32_t begin;
  std::string text;
};

// Tens of microseconds for an ordinary prompt: cheap enough to be made again for every comparison.
// The lexicon must outlive what is made with it.
Words normalise(const Lexicon& lexicon, std::string_view text, const std::vector<Correction>& corrections = {});

// Words of `text`, normalised as `words`, of no vocabulary, that are one slip away from a word of `other`
// that is in it.
std::vector<Correction> corrections(const Lexicon& lexicon, const Words& words, std::string_view text,
                                    std::string_view other);

}  // namespace tierwise::guard
