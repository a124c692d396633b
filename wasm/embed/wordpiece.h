// BERT's uncased WordPiece: text -> the ids of a model's vocabulary, equal to what PyPI `tokenizers` makes of the
// model's tokenizer.json (tests/wordpiece compares them; embed/unicode.h names the Unicode versions).
//
// Control characters go, Han characters stand alone, accents are taken off, letters made small, punctuation is set apart;
// of each word the longest pieces that the vocabulary has are taken from its beginning, and a word that cannot be put together, or of more
// than 100 characters, is [UNK]. [CLS], [SEP], [MASK], [PAD] and [UNK] written out in the text are those tokens.
//
// Time is linear in the text, and ends where the most tokens wanted are there. Bytes that are no UTF-8 are letters of
// no meaning.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "embed/unicode.h"

namespace tierwise::embed {

template <bool kOffsets>
class Encoding;

class WordPiece {
 public:
  static constexpr std::size_t kMostVocabularyBytes = 8 << 20;
  static constexpr std::size_t kMostVocabulary = 1 << 19;
  static constexpr std::size_t kMostWordCharacters = 100;

  // One token a line, its id the number of the line from 0; `expected` tokens in all (0: any number). Replaces the
  // vocabulary from before. Errors: invalid-vocabulary, which leaves none.
  Result<Done> load(std::string_view vocabulary, std::size_t expected = 0);
  std::size_t vocabulary_size() const { return starts_.empty() ? 0 : starts_.size() - 1; }
  // As it stands in the vocabulary; `id` must be below its size.
  std::string_view token(std::int32_t id) const;

  // Places in the text, in UTF-16 units: what JavaScript counts by.
  struct Offset {
    std::int32_t begin;
    std::int32_t end;
  };
  struct Request {
    std::size_t most = 256;  // tokens in all, special ones included
    bool special = true;     // [CLS] before and [SEP] behind; they stand at 0..0
    bool offsets = false;
  };
  // The tokens of `text`, which lie here until the next call. A vocabulary must be there. True when some were left out
  // at the end, because there were more than `most`.
  bool encode(std::string_view text, const Request& request);
  const std::vector<std::int32_t>& ids() const { return ids_; }
  // Of each token, when they were asked for.
  const std::vector<Offset>& offsets() const { return offsets_; }

 private:
  template <bool kOffsets>
  friend class Encoding;

  static constexpr std::uint32_t kNone = 0xFFFFFFFF;
  static constexpr std::size_t kSpecials = 5;

  // Of `size` bytes, behind which eight more can be read. kNone when the vocabulary has no such word, or piece.
  std::uint32_t find(const char* text, std::size_t size, bool is_piece) const;
  // The longest beginning of it, which `size` becomes; whole characters only.
  std::uint32_t find_longest(const char* text, std::size_t& size, bool is_piece) const;
  std::uint32_t find_hash(std::uint64_t hash, const char* text, std::size_t size, bool is_piece) const;
  Result<Done> refuse(std::string_view why);

  Unicode unicode_;
  std::string text_;                   // of the vocabulary; eight bytes more
  std::vector<std::uint32_t> starts_;  // of each token in it, and the end
  // Open addressing; a power of two, at most half full. The highest bits of a hash say where, its lowest are kept
  // above the id. Small, because it is met all over: what a cache line holds is most of the time.
  std::vector<std::uint32_t> slots_;
  std::vector<std::uint32_t> filter_;  // a bit for each hash: of what is not there, most is seen here
  unsigned shift_ = 0;
  unsigned id_bits_ = 0;
  std::size_t longest_ = 0;  // bytes of a token
  std::uint32_t specials_[kSpecials] = {};
  std::vector<std::int32_t> ids_;
  std::vector<Offset> offsets_;
};

}  // namespace tierwise::embed
