// What in a text looks as if it were meant for the model and not for people: marks, not judgements.
// Three kinds:
//
//   phrase   likely prompt injection, from models/injection.json
//   hidden   characters nobody sees: tag characters; bidi embeddings, overrides and isolates; runs of
//            zero-width and other default-ignorable characters, or one between two ASCII letters or digits;
//            variation selectors in runs or where none belongs. Not: joiners in emoji and in words of scripts
//            that need them, one selector behind its emoji or ideograph, the tags of flags, a soft hyphen, a
//            byte order mark at the start
//   payload  a data: URL with 64 characters or more of data, or 256 or more characters of base64, wrapped or
//            not
//
// Phrases are found whatever the case, accents, white space, punctuation and hidden characters between and in
// their words, and in full-width and mathematical letters; not where letters are replaced by others or
// encoded. They stay in the text: they may be what it is about.
//
// Ranges of characters: Unicode 15, DerivedCoreProperties.txt (Default_Ignorable_Code_Point) and UTS #51 for
// emoji. Time is linear in the text, memory a few times its size.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace tierwise::safety {

// Of each kind; what comes later is counted only.
inline constexpr std::size_t kMaxMarksOfKind = 32;
// Of all patterns and reasons together.
inline constexpr std::size_t kMaxPatternBytes = 100'000;

enum class Policy : std::uint8_t { kMark, kStrip, kRefuse };
enum class MarkKind : std::uint8_t { kPhrase, kHidden, kPayload };
// In the order of MarkKind, of Policy (see base/words.h).
inline constexpr std::string_view kMarkKinds = "phrase hidden payload";
inline constexpr std::string_view kPolicies = "mark strip refuse";

struct Mark {
  MarkKind kind;
  // In bytes of the text as it was given.
  std::size_t offset;
  std::size_t length;
  // "zero-width characters"; lives as long as the Phrases.
  std::string_view reason;
};

struct MarkedText {
  // As given; with kStrip without what is hidden and with a note in the place of each payload:
  // "[data: URL of 8192 characters left out]".
  std::string text;
  // In the order of their offsets.
  std::vector<Mark> marks;
  // Marks found, those not listed included.
  std::size_t found = 0;
};

// Patterns of words: `ignore|disregard ~3 previous|prior instruct*`. Steps stand between blanks; | is between
// the alternatives of a step, ~3 says that up to three words may stand between the steps around it, * at the
// end of an alternative stands for any rest of the word, _ for the blank inside an alternative of several
// words. A character of Chinese or Japanese is a word. What ends in * has two letters or more.
class Phrases {
 public:
  // {"phrases": [{"reason", "patterns": [...]}]}. Error code "invalid-config" with the field named; nothing
  // is kept then.
  Result<Done> configure(const json& config);

 private:
  friend class Scan;

  // A pattern and one way it may begin; the next one that begins alike. The first of all stands for none.
  struct Beginning {
    std::uint32_t steps;  // in steps_
    std::uint32_t reason;  // there, up to the line end
    std::uint32_t next;
  };

  bool add(std::string_view pattern, std::size_t reason);
  bool add_all(const json& group);
  // Where a pattern that may begin with `words` is looked for. Two bytes tell most of them apart.
  static std::size_t bucket(std::string_view words);

  // Each reason and a line end, then its patterns. Of each step the gap before it, a digit; the words of its
  // alternatives as Scan writes them, each with | behind it; a line end. Behind each pattern another.
  std::string steps_;
  std::vector<Beginning> beginnings_ = std::vector<Beginning>(1);
  std::array<std::uint32_t, 256> chains_ = {};
};

// `field` names the text in what kRefuse answers when there is any mark: an Error with code "marked-text". Bytes that
// are no UTF-8 stay as they are; what stripping makes of those around a gap is not looked at again.
Result<MarkedText> apply_marks(std::string_view text, Policy policy, const Phrases& phrases, std::string_view field);

}  // namespace tierwise::safety
