#include "embed/wordpiece.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "base/text.h"
#include "base/words.h"
#include "prompt/code_points.h"

namespace tierwise::embed {
namespace {

constexpr std::uint64_t kOnes = 0x0101010101010101;
constexpr std::uint64_t kHighs = 0x8080808080808080;
constexpr std::size_t kEight = sizeof(std::uint64_t);
constexpr std::string_view kPieceMark = "##";

constexpr std::string_view kSpecialTokens = "[UNK] [CLS] [SEP] [PAD] [MASK]";
enum Special : std::size_t { kUnknown, kFirst, kLast, kNeeded };

// Jamo, and how many of each make the syllables (Unicode, chapter 3.12).
constexpr std::uint32_t kSyllables = 0xAC00;
constexpr std::uint32_t kSyllableCount = 11172;
constexpr std::uint32_t kVowels = 21;
constexpr std::uint32_t kTails = 28;

std::uint64_t load_eight(const char* text) {
  std::uint64_t eight;
  std::memcpy(&eight, text, kEight);
  return eight;
}

// The first `bytes` of them, which are fewer than eight.
constexpr std::uint64_t first_of(std::uint64_t eight, std::size_t bytes) {
  return eight & ((std::uint64_t{1} << (8 * bytes)) - 1);
}

// Not for input that means harm: what is looked up differs, what is in the table is the model's own.
std::uint64_t hash_of(const char* text, std::size_t size, bool is_piece) {
  constexpr std::uint64_t kFactor = 0x9E3779B97F4A7C15;  // 2^64 / golden ratio
  std::uint64_t hash = size * 2 + (is_piece ? 1 : 0);
  for (; size >= kEight; size -= kEight, text += kEight) {
    hash = (hash ^ load_eight(text)) * kFactor;
    hash ^= hash >> 29;
  }
  hash = (hash ^ first_of(load_eight(text), size)) * kFactor;
  hash = (hash ^ hash >> 32) * kFactor;
  return hash;
}

// Bits that neither the place nor the tag in the table is made of.
std::size_t filter_bit(std::uint64_t hash, std::size_t words) {
  return static_cast<std::size_t>(hash >> 17) & (words * 32 - 1);
}

bool equal(const char* a, const char* b, std::size_t size) {
  for (; size >= kEight; size -= kEight, a += kEight, b += kEight) {
    if (load_eight(a) != load_eight(b)) return false;
  }
  return first_of(load_eight(a) ^ load_eight(b), size) == 0;
}

// Bytes before the end of the line, which must be there, and eight more behind it.
std::size_t line_length(const char* text) {
  for (std::size_t length = 0;; length += kEight) {
    const std::uint64_t others = load_eight(text + length) ^ kOnes * '\n';
    const std::uint64_t ends = (others - kOnes) & ~others & kHighs;
    if (ends != 0) return length + static_cast<std::size_t>(__builtin_ctzll(ends)) / 8;
  }
}

// Of eight characters of ASCII each byte that is a letter or a digit has its highest bit set, which no other has.
struct Eight {
  std::uint64_t letters;
  std::uint64_t word;

  explicit Eight(std::uint64_t bytes) {
    const std::uint64_t low = bytes & ~kHighs;
    const std::uint64_t small = low | kOnes * 0x20;
    letters = (small + kOnes * (0x80 - 'a')) & ~(small + kOnes * (0x80 - 'z' - 1)) & kHighs & ~bytes;
    const std::uint64_t digits = (low + kOnes * (0x80 - '0')) & ~(low + kOnes * (0x80 - '9' - 1)) & ~bytes;
    word = letters | (digits & kHighs);
  }
};

}  // namespace

[[gnu::cold]] Result<Done> WordPiece::refuse(std::string_view why) {
  starts_.clear();
  slots_.clear();
  return make_error("invalid-vocabulary", fill("The vocabulary cannot be used: {}.", {why}), "vocabulary");
}

[[gnu::cold]] Result<Done> WordPiece::load(std::string_view vocabulary, std::size_t expected) {
  if (vocabulary.size() > kMostVocabularyBytes) return refuse("it is too large");
  const auto lines = static_cast<std::size_t>(std::count(vocabulary.begin(), vocabulary.end(), '\n'));
  if (lines == 0 || vocabulary.back() != '\n') return refuse("it ends in the middle of a line, so some of it is missing");
  if (lines > kMostVocabulary) return refuse("it has too many lines");
  if (expected != 0 && lines != expected) {
    return refuse(fill("it has {} lines, not {}",
                       {digits(static_cast<std::int64_t>(lines)), digits(static_cast<std::int64_t>(expected))}));
  }
  text_.assign(vocabulary);
  text_.append(kEight, '\0');
  starts_.clear();
  starts_.reserve(lines + 1);
  id_bits_ = 1;
  while (lines >> id_bits_ != 0) ++id_bits_;
  shift_ = 64 - (id_bits_ + 1);
  slots_.clear();
  slots_.resize(std::size_t{2} << id_bits_, kNone);
  filter_.clear();
  filter_.resize(std::max<std::size_t>(1, (std::size_t{8} << id_bits_) / 32));
  longest_ = 0;
  std::size_t at = 0;
  for (std::uint32_t id = 0; id < lines; ++id) {
    starts_.push_back(static_cast<std::uint32_t>(at));
    const char* token = text_.data() + at;
    std::size_t size = line_length(token);
    at += size + 1;
    const bool is_piece = size > kPieceMark.size() && token[0] == kPieceMark[0] && token[1] == kPieceMark[1];
    if (is_piece) {
      token += kPieceMark.size();
      size -= kPieceMark.size();
    }
    longest_ = std::max(longest_, size);
    const std::uint64_t hash = hash_of(token, size, is_piece);
    auto slot = static_cast<std::size_t>(hash >> shift_);
    while (slots_[slot] != kNone) slot = (slot + 1) & (slots_.size() - 1);
    slots_[slot] = static_cast<std::uint32_t>(hash) << id_bits_ | id;
    const std::size_t bit = filter_bit(hash, filter_.size());
    filter_[bit / 32] |= 1U << bit % 32;
  }
  starts_.push_back(static_cast<std::uint32_t>(at));
  for (std::size_t i = 0; i < kSpecials; ++i) {
    const std::string name(word_at(kSpecialTokens, i));
    std::string padded = name;
    padded.append(kEight, '\0');
    specials_[i] = find(padded.data(), name.size(), false);
    if (i < kNeeded && specials_[i] == kNone) return refuse(fill("it has no {}", {name}));
  }
  return Done{};
}

std::string_view WordPiece::token(std::int32_t id) const {
  const std::size_t begin = starts_[static_cast<std::size_t>(id)];
  return std::string_view(text_).substr(begin, starts_[static_cast<std::size_t>(id) + 1] - begin - 1);
}

std::uint32_t WordPiece::find_hash(std::uint64_t hash, const char* text, std::size_t size, bool is_piece) const {
  const auto tag = static_cast<std::uint32_t>(hash) << id_bits_;
  const std::uint32_t id_mask = (1U << id_bits_) - 1;
  const std::size_t skipped = is_piece ? kPieceMark.size() : 0;
  for (auto place = static_cast<std::size_t>(hash >> shift_);; place = (place + 1) & (slots_.size() - 1)) {
    const std::uint32_t slot = slots_[place];
    if (slot == kNone) return kNone;
    if ((slot & ~id_mask) != tag) continue;
    const std::uint32_t id = slot & id_mask;
    const std::size_t begin = starts_[id] + skipped;
    if (starts_[id + 1] - begin == size + 1 && equal(text, text_.data() + begin, size)) return id;
  }
}

std::uint32_t WordPiece::find(const char* text, std::size_t size, bool is_piece) const {
  return find_hash(hash_of(text, size, is_piece), text, size, is_piece);
}

std::uint32_t WordPiece::find_longest(const char* text, std::size_t& size, bool is_piece) const {
  const std::size_t all = size;
  for (size = std::min(all, longest_); size > 0; --size) {
    if (size < all && (static_cast<std::uint8_t>(text[size]) & 0xC0) == 0x80) continue;
    const std::uint64_t hash = hash_of(text, size, is_piece);
    const std::size_t bit = filter_bit(hash, filter_.size());
    if ((filter_[bit / 32] >> bit % 32 & 1) == 0) continue;
    const std::uint32_t id = find_hash(hash, text, size, is_piece);
    if (id != kNone) return id;
  }
  return kNone;
}

// One text on its way. `kOffsets`: places are kept as well, in bytes of the text at first.
template <bool kOffsets>
class Encoding {
 public:
  Encoding(WordPiece& pieces, std::string_view text, std::size_t most)
      : pieces_(pieces), unicode_(pieces.unicode_), text_(text), most_(most) {}

  bool run() {
    while (at_ < text_.size() && !full_) {
      if (!take_word()) take_character();
    }
    if (!full_) end_word();
    return full_;
  }

 private:
  // Bytes of the text.
  struct Span {
    std::size_t begin;
    std::size_t end;
  };
  struct Mark {
    std::uint32_t code_point;
    std::uint8_t combining_class;
    bool stays;
    bool follows;  // a part of the character before it
    Span place;
  };

  // The letters and digits of ASCII from here on, which begin a word or go on with one. Where something stands behind
  // them that does not end the word, it goes on.
  bool take_word() {
    const std::size_t begin = at_;
    for (;;) {
      const std::size_t left = text_.size() - at_;
      std::uint64_t bytes = 0;
      if (left >= kEight) {
        bytes = load_eight(text_.data() + at_);
      } else {
        std::memcpy(&bytes, text_.data() + at_, left);
      }
      const Eight eight(bytes);
      const std::uint64_t others = ~eight.word & kHighs;
      const std::size_t count = others == 0 ? kEight : static_cast<std::size_t>(__builtin_ctzll(others)) / 8;
      if (count == 0) break;
      if (characters_ <= kMost) {
        const std::uint64_t small = bytes | (eight.letters >> 2);
        std::memcpy(word_.data() + bytes_, &small, kEight);
        if constexpr (kOffsets) {
          for (std::size_t i = 0; i < count; ++i) places_[bytes_ + i] = {at_ + i, at_ + i + 1};
        }
        bytes_ += count;
      }
      if constexpr (kOffsets) {
        if (characters_ == 0) first_ = at_;
        end_ = at_ + count;
      }
      characters_ += count;
      at_ += count;
      if (count < kEight) break;
    }
    return at_ != begin;
  }

  void take_character() {
    const std::size_t begin = at_;
    std::uint32_t c = static_cast<std::uint8_t>(text_[at_]);
    if (c < 0x80) {
      ++at_;
    } else {
      c = prompt::next_code_point(text_, at_);
    }
    const Span place = {begin, at_};
    switch (unicode_.kind(c)) {
      case Kind::kDropped:
      case Kind::kMark:
        return;
      case Kind::kSpace:
        end_word();
        return;
      case Kind::kPunctuation:
        if (c == '[' && take_special(begin)) return;
        put_alone(unicode_.fold(c), place);
        return;
      case Kind::kStayingMark:
        at_ = begin;
        take_marks();
        return;
      case Kind::kLetter:
        break;
    }
    if (Unicode::is_han(c)) {
      put_alone(unicode_.fold(c), place);
    } else if (c - kSyllables < kSyllableCount) {
      const std::uint32_t syllable = c - kSyllables;
      put(0x1100 + syllable / (kVowels * kTails), place);
      put(0x1161 + syllable / kTails % kVowels, place);
      if (syllable % kTails != 0) put(0x11A7 + syllable % kTails, place);
    } else if (const std::uint32_t folded = unicode_.fold(c); folded == Unicode::kSeveral) {
      take_several(c, place);
    } else if (folded != c && unicode_.kind(folded) == Kind::kPunctuation) {
      put_alone(folded, place);
    } else {
      put(folded, place);
    }
  }

  // Rare ones are [[gnu::cold]]: made for size among code that is made for speed.
  [[gnu::cold, gnu::noinline]] bool take_special(std::size_t begin) {
    for (std::size_t i = 0; i < WordPiece::kSpecials; ++i) {
      const std::string_view name = word_at(kSpecialTokens, i);
      if (text_.compare(begin, name.size(), name) != 0 || pieces_.specials_[i] == WordPiece::kNone) continue;
      end_word();
      if (full_) return true;
      at_ = begin + name.size();
      run_begin_ = at_;
      push(pieces_.specials_[i], {begin, at_});
      trim();
      return true;
    }
    return false;
  }

  [[gnu::cold, gnu::noinline]] void take_several(std::uint32_t c, Span place) {
    const std::string_view folded = unicode_.long_fold(c);
    std::vector<Mark> marks;
    for (std::size_t at = 0; at < folded.size();) {
      const std::uint32_t part = prompt::next_code_point(folded, at);
      const std::uint8_t combining_class = unicode_.combining_class(part);
      if (combining_class == 0) {
        put(part, place);
      } else {
        marks.push_back({part, combining_class, true, true, place});
      }
    }
    if (!marks.empty()) order(marks, place);
  }

  // A mark that stays is here: it is put into order with all marks around it.
  [[gnu::cold, gnu::noinline]] void take_marks() {
    std::size_t begin = at_;
    while (begin > run_begin_) {
      const std::size_t before = prompt::previous(text_, begin);
      std::size_t next = before;
      const std::uint32_t c = prompt::next_code_point(text_, next);
      // Of bytes that are no UTF-8 the way back is another than the way there.
      if (before < run_begin_ || next != begin) break;
      if (unicode_.combining_class(c) == 0 && unicode_.kind(c) != Kind::kDropped) break;
      begin = before;
    }
    at_ = begin;
    std::vector<Mark> marks;
    order(marks, {begin, begin});
  }

  // `marks` and those behind them, in Unicode's canonical order. As `tokenizers` has it, the first of them stands where
  // the first stood before, and a part of another character where the one before it stands.
  [[gnu::cold, gnu::noinline]] void order(std::vector<Mark>& marks, Span before) {
    std::size_t behind = at_;
    while (behind < text_.size()) {
      const std::size_t begin = behind;
      const std::uint32_t c = prompt::next_code_point(text_, behind);
      const Kind kind = unicode_.kind(c);
      if (kind == Kind::kDropped) continue;
      const std::uint8_t combining_class = unicode_.combining_class(c);
      if (combining_class == 0) break;
      marks.push_back({c, combining_class, kind == Kind::kStayingMark, false, {begin, behind}});
      at_ = behind;
    }
    std::array<std::size_t, 257> next = {};
    for (const Mark& mark : marks) ++next[mark.combining_class + std::size_t{1}];
    for (std::size_t i = 1; i < next.size(); ++i) next[i] += next[i - 1];
    std::vector<std::size_t> ordered(marks.size());
    for (std::size_t i = 0; i < marks.size(); ++i) ordered[next[marks[i].combining_class]++] = i;
    std::size_t taken = 0;
    Span place = before;
    for (const std::size_t i : ordered) {
      if (!marks[i].follows) {
        while (marks[taken].follows) ++taken;
        place = marks[taken++].place;
      }
      if (marks[i].stays) put(marks[i].code_point, place);
    }
    run_begin_ = at_;
  }

  void put(std::uint32_t code_point, Span place) {
    if constexpr (kOffsets) {
      if (characters_ == 0) first_ = place.begin;
      end_ = place.end;
    }
    if (++characters_ > kMost) return;
    const std::size_t begin = bytes_;
    char* out = word_.data() + bytes_;
    if (code_point < 0x80) {
      out[0] = static_cast<char>(code_point);
      bytes_ += 1;
    } else {
      const unsigned further = code_point < 0x800 ? 1 : code_point < 0x10000 ? 2 : 3;
      out[0] = static_cast<char>((0xFF00U >> (further + 1) & 0xFFU) | code_point >> (6 * further));
      for (unsigned i = 1; i <= further; ++i) {
        out[i] = static_cast<char>(0x80U | (code_point >> (6 * (further - i)) & 0x3FU));
      }
      bytes_ += further + 1;
    }
    if constexpr (kOffsets) {
      for (std::size_t i = begin; i < bytes_; ++i) places_[i] = place;
    }
  }

  void put_alone(std::uint32_t code_point, Span place) {
    end_word();
    if (full_) return;
    put(code_point, place);
    end_word();
  }

  void end_word() {
    if (characters_ == 0) return;
    const std::size_t first = pieces_.ids_.size();
    if (characters_ > kMost || !push_pieces()) {
      pieces_.ids_.resize(first);
      if constexpr (kOffsets) pieces_.offsets_.resize(first);
      push(pieces_.specials_[kUnknown], {first_, end_});
    }
    bytes_ = 0;
    characters_ = 0;
    trim();
  }

  // False when the word cannot be put together.
  bool push_pieces() {
    for (std::size_t begin = 0; begin < bytes_;) {
      std::size_t size = bytes_ - begin;
      const std::uint32_t id = pieces_.find_longest(word_.data() + begin, size, begin > 0);
      if (id == WordPiece::kNone) return false;
      Span place = {};
      if constexpr (kOffsets) place = {places_[begin].begin, places_[begin + size - 1].end};
      push(id, place);
      begin += size;
    }
    return true;
  }

  void push(std::uint32_t id, Span place) {
    pieces_.ids_.push_back(static_cast<std::int32_t>(id));
    if constexpr (kOffsets) {
      pieces_.offsets_.push_back({static_cast<std::int32_t>(place.begin), static_cast<std::int32_t>(place.end)});
    }
  }

  void trim() {
    if (pieces_.ids_.size() <= most_) return;
    full_ = true;
    pieces_.ids_.resize(most_);
    if constexpr (kOffsets) pieces_.offsets_.resize(most_);
  }

  static constexpr std::size_t kMost = WordPiece::kMostWordCharacters;
  // What may lie there before the last of them is counted, and eight bytes to read beyond it.
  static constexpr std::size_t kRoom = 4 * kMost + 3 * kEight;

  WordPiece& pieces_;
  const Unicode& unicode_;
  const std::string_view text_;
  const std::size_t most_;
  std::size_t at_ = 0;
  std::size_t run_begin_ = 0;  // marks before it are in order already, or apart
  bool full_ = false;
  // The word so far: its bytes as far as they count, its characters, and where it stands.
  std::array<char, kRoom> word_ = {};
  std::array<Span, kOffsets ? kRoom : 0> places_;
  std::size_t bytes_ = 0;
  std::size_t characters_ = 0;
  std::size_t first_ = 0;
  std::size_t end_ = 0;
};

namespace {

// Bytes to UTF-16 units. The next place is mostly at or soon behind the last.
class Units {
 public:
  explicit Units(std::string_view text) : text_(text) {}
  std::int32_t at(std::int32_t byte) {
    const auto wanted = static_cast<std::size_t>(byte);
    for (; byte_ < wanted; ++byte_) units_ += units(text_[byte_]);
    while (byte_ > wanted) units_ -= units(text_[--byte_]);
    return units_;
  }

 private:
  // A character of four bytes is two units; those that follow a first byte are none.
  static std::int32_t units(char c) {
    const auto byte = static_cast<std::uint8_t>(c);
    return (byte & 0xC0) == 0x80 ? 0 : byte >= 0xF0 ? 2 : 1;
  }

  std::string_view text_;
  std::size_t byte_ = 0;
  std::int32_t units_ = 0;
};

}  // namespace

bool WordPiece::encode(std::string_view text, const Request& request) {
  ids_.clear();
  offsets_.clear();
  const std::size_t around = request.special ? 2 : 0;
  const std::size_t most = std::max(request.most, around) - around;
  const auto add = [&](std::size_t special) {
    if (!request.special) return;
    ids_.push_back(static_cast<std::int32_t>(specials_[special]));
    if (request.offsets) offsets_.push_back({0, 0});
  };
  add(kFirst);
  bool cut = false;
  if (request.offsets) {
    cut = Encoding<true>(*this, text, ids_.size() + most).run();
    Units units(text);
    for (Offset& offset : offsets_) offset = {units.at(offset.begin), units.at(offset.end)};
  } else {
    cut = Encoding<false>(*this, text, ids_.size() + most).run();
  }
  add(kLast);
  return cut;
}

}  // namespace tierwise::embed
