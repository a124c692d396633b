#include "cache/guard/lexicon.h"

#include <algorithm>
#include <utility>

#include "cache/guard/byte_reader.h"

namespace tierwise::guard {
namespace {

constexpr std::string_view kMagic = "TWG2";
// One of each Kind, in its order.
constexpr std::string_view kKindLetters = "CLnqUtdDNSMQTPOJXGFEAVWIZ";
constexpr std::uint32_t kMark = 0x80000000U;

}  // namespace

Result<Lexicon> Lexicon::read(std::string_view bytes) {
  const auto wrong = [] {
    return make_error("invalid-file",
                      "This is no words file of this version, or it is damaged: copy words.bin from the package.");
  };
  Lexicon lexicon;
  lexicon.bytes_.assign(bytes.begin(), bytes.end());
  ByteReader reader = ByteReader::of_file({lexicon.bytes_.data(), bytes.size()}, kMagic);
  const auto table = [&reader](std::vector<Phrase>& rows, std::size_t targets) {
    const std::uint32_t count = reader.number(4);
    for (std::uint32_t i = 0; i < count && !reader.bad; ++i) {
      const std::uint32_t hash = reader.number(4);
      const std::uint32_t target = reader.number(2);
      if ((target & 0x7fffU) >= targets) reader.bad = true;
      rows.push_back({hash, (target & 0x7fffU) | ((target & 0x8000U) != 0 ? kMark : 0)});
    }
  };
  lexicon.texts_ = reader.lines();
  lexicon.longest_ = reader.number(1);
  lexicon.targets_ = reader.lines();
  table(lexicon.phrases_, lexicon.targets_.size());
  lexicon.bases_ = reader.lines();
  table(lexicon.irregular_, lexicon.bases_.size());
  for (std::string_view& set : lexicon.pairs_) set = reader.block(std::size_t{3} * reader.number(4));
  lexicon.vocabulary_ = reader.block(reader.number(4));
  if (!reader.done() || lexicon.phrases_.empty() || lexicon.texts_.size() != static_cast<std::size_t>(Text::kCount))
    return wrong();
  return lexicon;
}

std::uint32_t Lexicon::find_phrase(std::uint32_t hash, bool starts) const {
  auto at = std::lower_bound(phrases_.begin(), phrases_.end(), hash,
                             [](const Phrase& phrase, std::uint32_t value) { return phrase.hash < value; });
  std::uint32_t found = kNone;
  // One that stands only where a sentence begins comes before the one that stands anywhere.
  for (; at != phrases_.end() && at->hash == hash; ++at) {
    if ((at->target & kMark) == 0) {
      if (found == kNone) found = at->target;
    } else if (starts) {
      found = at->target & ~kMark;
    }
  }
  return found;
}

void Lexicon::read_target(std::uint32_t target, std::vector<Canonical>& out) const {
  out.clear();
  for (std::string_view text = targets_[target]; !text.empty();) {
    const std::string_view word = text.substr(0, text.find(' '));
    text.remove_prefix(std::min(word.size() + 1, text.size()));
    if (word.size() < 2) continue;
    out.push_back({static_cast<Kind>(std::min(kKindLetters.find(word[0]), kKindLetters.size() - 1)), word.substr(2)});
  }
}

Kind Lexicon::kind_of(Language language, std::string_view word) const {
  const std::uint32_t at = find_phrase(hash_word(word, seed_of(language)), false);
  if (at == kNone || targets_[at].empty()) return Kind::kContent;
  return static_cast<Kind>(std::min(kKindLetters.find(targets_[at][0]), kKindLetters.size() - 1));
}

bool Lexicon::related(PairSet set, std::uint32_t stem_a, std::uint32_t stem_b) const {
  const std::uint32_t low = std::min(stem_a, stem_b);
  const std::uint32_t high = std::max(stem_a, stem_b);
  const std::uint32_t key = ((low * 0x9e3779b1U) ^ (high * 0x85ebca6bU)) >> 8U;
  const std::string_view rows = pairs_[static_cast<std::size_t>(set)];
  std::size_t begin = 0;
  std::size_t end = rows.size() / 3;
  while (begin < end) {
    const std::size_t middle = (begin + end) / 2;
    const auto byte = [&](std::size_t i) { return std::uint32_t{static_cast<unsigned char>(rows[middle * 3 + i])}; };
    const std::uint32_t value = byte(0) | byte(1) << 8U | byte(2) << 16U;
    if (value == key) return true;
    if (value < key)
      begin = middle + 1;
    else
      end = middle;
  }
  return false;
}

bool Lexicon::known(std::string_view word) const {
  const std::size_t bits = vocabulary_.size() * 8;
  if (bits == 0) return false;
  const std::uint32_t hash = hash_word(word);
  const std::uint32_t step = (hash >> 15U | hash << 17U) * 0x9e3779b1U | 1U;
  for (std::uint32_t i = 0, at = hash; i < 5; ++i, at += step) {
    const std::size_t bit = at % bits;
    if ((static_cast<unsigned char>(vocabulary_[bit / 8]) >> (bit % 8) & 1U) == 0) return false;
  }
  return true;
}

Lexicon::Irregular Lexicon::irregular(std::string_view word) const {
  const std::uint32_t hash = hash_word(word);
  const auto at = std::lower_bound(irregular_.begin(), irregular_.end(), hash,
                                   [](const Phrase& row, std::uint32_t value) { return row.hash < value; });
  if (at == irregular_.end() || at->hash != hash) return {{}, false};
  return {bases_[at->target & ~kMark], (at->target & kMark) != 0};
}

}  // namespace tierwise::guard
