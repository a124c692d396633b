#include "cache/guard/align.h"

#include <algorithm>
#include <cstdlib>

#include "cache/guard/spelling.h"

namespace tierwise::guard {
namespace {

constexpr std::size_t kMinSlipBytes = 5;

struct Sentence {
  std::size_t begin;
  std::size_t end;
  std::uint32_t hash;
};

std::vector<Sentence> sentences_of(const Side& words) {
  std::vector<Sentence> out;
  for (std::size_t i = 0; i < words.words.size(); ++i) {
    const Word& word = words.words[i];
    if (out.empty() || words.words[out.back().begin].sentence != word.sentence) out.push_back({i, i, kHashSeed});
    out.back().end = i + 1;
    if (word.kind != Kind::kLight) out.back().hash = hash_word(" ", hash_word(word.form, out.back().hash));
  }
  return out;
}

bool same_sentence(const Side& a, const Sentence& of_a, const Side& b, const Sentence& of_b) {
  std::size_t i = of_a.begin;
  std::size_t j = of_b.begin;
  while (true) {
    while (i < of_a.end && a.words[i].kind == Kind::kLight) ++i;
    while (j < of_b.end && b.words[j].kind == Kind::kLight) ++j;
    if (i == of_a.end || j == of_b.end) return i == of_a.end && j == of_b.end;
    if (a.words[i].form != b.words[j].form || a.words[i].kind != b.words[j].kind) return false;
    ++i;
    ++j;
  }
}

bool plain(const Word& word) { return word.kind == Kind::kContent && !word.literal; }

bool has_digit(std::string_view text) { return text.find_first_of("0123456789") != std::string_view::npos; }

bool slip(const Word& a, const Word& b) {
  if (a.form.size() < kMinSlipBytes || b.form.size() < kMinSlipBytes || (a.known && b.known)) return false;
  // Both unknown: two names, unless nothing was written large and letters were swapped.
  if ((!a.known && !b.known) || has_digit(a.form) || has_digit(b.form)) return false;
  return a.form[0] == b.form[0] && (one_slip(a.form, b.form) || one_slip(a.base, b.base));
}

Match match_of(const Lexicon& lexicon, const Word& a, const Word& b) {
  if (a.literal || b.literal) return a.form == b.form && a.literal == b.literal ? Match::kSame : Match::kNone;
  const bool words = a.kind == b.kind || (plain(a) && plain(b));
  if (words && a.form == b.form) return Match::kSame;
  if (!words && a.form == b.form && a.kind != Kind::kLight && b.kind != Kind::kLight && a.kind != Kind::kNumber &&
      b.kind != Kind::kNumber) {
    return Match::kStem;  // "write" as a task and as a verb inside a question
  }
  if (a.kind == Kind::kUnit && b.kind == Kind::kUnit) return Match::kNone;
  if ((a.kind == Kind::kTask && b.kind == Kind::kContent) || (a.kind == Kind::kContent && b.kind == Kind::kTask)) {
    if (a.stem == b.stem) return Match::kStem;
    if (lexicon.related(PairSet::kDerived, a.stem, b.stem)) return Match::kDerived;
    return Match::kNone;
  }
  if (!plain(a) || !plain(b)) return Match::kNone;
  // Names are not inflected: "Alien", "Aliens".
  if (a.stem == b.stem && !a.capital && !b.capital) return Match::kStem;
  if (slip(a, b)) return Match::kSlip;
  using Row = std::pair<PairSet, Match>;
  for (const auto& [set, match] :
       {Row{PairSet::kAntonym, Match::kNone}, Row{PairSet::kSynonym, Match::kSynonym},
        Row{PairSet::kDerived, Match::kDerived}, Row{PairSet::kLooseSynonym, Match::kLoose}}) {
    if (lexicon.related(set, a.stem, b.stem)) return match;
  }
  return Match::kNone;
}

bool joined(std::string_view one, std::string_view two, std::string_view whole) {
  return whole.size() == one.size() + two.size() && whole.substr(0, one.size()) == one &&
         whole.substr(one.size()) == two;
}

class Aligner {
 public:
  Aligner(const Lexicon& lexicon, Alignment& out) : lexicon_(lexicon), a_(out.a), b_(out.b) {}

  bool run(std::size_t max_words) {
    pair_sentences();
    collect(a_, left_a_);
    collect(b_, left_b_);
    if (left_a_.size() > max_words || left_b_.size() > max_words) return false;
    table_.assign(left_a_.size() * left_b_.size(), Match::kNone);
    for (std::size_t i = 0; i < left_a_.size(); ++i) {
      for (std::size_t j = 0; j < left_b_.size(); ++j) {
        table_[i * left_b_.size() + j] = match_of(lexicon_, a_.words[left_a_[i]], b_.words[left_b_[j]]);
      }
    }
    for (const Match level : {Match::kSame, Match::kStem}) pair(level);
    joined_words(a_, b_);
    joined_words(b_, a_);
    initials(a_, b_);
    initials(b_, a_);
    for (const Match level : {Match::kSlip, Match::kSynonym, Match::kDerived, Match::kLoose}) pair(level);
    return true;
  }

 private:
  void link(std::size_t i, std::size_t j, Match match) {
    a_.words[i].partner = static_cast<std::uint32_t>(j);
    b_.words[j].partner = static_cast<std::uint32_t>(i);
    a_.words[i].match = b_.words[j].match = match;
  }

  void pair_sentences() {
    const std::vector<Sentence> of_a = sentences_of(a_);
    const std::vector<Sentence> of_b = sentences_of(b_);
    if (of_a.size() < 2 && of_b.size() < 2) return;
    std::vector<bool> taken(of_b.size());
    for (const Sentence& one : of_a) {
      for (std::size_t k = 0; k < of_b.size(); ++k) {
        if (taken[k] || of_b[k].hash != one.hash || !same_sentence(a_, one, b_, of_b[k])) continue;
        taken[k] = true;
        std::size_t j = of_b[k].begin;
        for (std::size_t i = one.begin; i < one.end; ++i) {
          a_.words[i].dropped = true;
          if (a_.words[i].kind == Kind::kLight) continue;
          while (b_.words[j].kind == Kind::kLight) ++j;
          link(i, j++, Match::kSame);
        }
        for (j = of_b[k].begin; j < of_b[k].end; ++j) b_.words[j].dropped = true;
        break;
      }
    }
  }

  static void collect(const Side& side, std::vector<std::size_t>& left) {
    for (std::size_t i = 0; i < side.words.size(); ++i) {
      if (!side.words[i].dropped && side.words[i].kind != Kind::kLight) left.push_back(i);
    }
  }

  // Of words that several could be paired with: the one whose neighbours are paired with its neighbours,
  // behind the same preposition, nearest.
  void pair(Match level) {
    for (std::size_t i = 0; i < left_a_.size(); ++i) {
      if (a_.words[left_a_[i]].partner != kNoPartner) continue;
      int best = -1;
      std::size_t chosen = 0;
      for (std::size_t j = 0; j < left_b_.size(); ++j) {
        if (table_[i * left_b_.size() + j] != level || b_.words[left_b_[j]].partner != kNoPartner) continue;
        const Word& word = a_.words[left_a_[i]];
        const Word& other = b_.words[left_b_[j]];
        int score = 1000 - std::abs(static_cast<int>(i * left_b_.size()) - static_cast<int>(j * left_a_.size())) /
                               static_cast<int>(std::max<std::size_t>(1, std::max(left_a_.size(), left_b_.size())));
        if (word.role == other.role && !word.role.empty()) score += 20;
        if (word.kind == other.kind) score += 40;
        for (const int step : {-1, 1}) {
          const auto near_i = static_cast<std::size_t>(static_cast<std::ptrdiff_t>(i) + step);
          const auto near_j = static_cast<std::size_t>(static_cast<std::ptrdiff_t>(j) + step);
          if (near_i >= left_a_.size() || near_j >= left_b_.size()) continue;
          if (table_[near_i * left_b_.size() + near_j] >= Match::kStem) score += 30;
        }
        if (score > best) {
          best = score;
          chosen = j;
        }
      }
      if (best >= 0) link(left_a_[i], left_b_[chosen], level);
    }
  }

  // "login" for "log in"; "web site" for "website".
  void joined_words(Side& one, Side& two) {
    for (std::size_t j = 0; j < two.words.size(); ++j) {
      const Word& whole = two.words[j];
      if (whole.partner != kNoPartner || whole.dropped || whole.literal || whole.form.size() < 5 ||
          whole.kind != Kind::kContent)
        continue;
      for (std::size_t i = 0; i + 1 < one.words.size(); ++i) {
        const Word& first = one.words[i];
        const Word& second = one.words[i + 1];
        if (first.partner != kNoPartner || second.partner != kNoPartner || first.literal || second.literal) continue;
        if (!joined(first.form, second.form, whole.form) && !joined(first.form, second.base, whole.base)) continue;
        set(one, i, two, j, Match::kJoined);
        set(one, i + 1, two, j, Match::kJoined);
        break;
      }
    }
  }

  // "CEO" for "chief executive officer".
  void initials(Side& one, Side& two) {
    for (std::size_t j = 0; j < two.words.size(); ++j) {
      const Word& shorter = two.words[j];
      const std::size_t size = shorter.form.size();
      if (shorter.partner != kNoPartner || shorter.literal || shorter.kind != Kind::kContent || size < 2 || size > 5)
        continue;
      if (shorter.known && !shorter.capital) continue;
      for (std::size_t i = 0; i < one.words.size(); ++i) {
        std::size_t at = i;
        std::size_t letters = 0;
        std::vector<std::size_t> used;
        while (at < one.words.size() && letters < size) {
          const Word& word = one.words[at];
          if (word.kind == Kind::kLight || word.kind == Kind::kPreposition) {
            if (letters == 0) break;
            ++at;
            continue;
          }
          if (word.partner != kNoPartner || word.literal || word.form[0] != shorter.form[letters]) break;
          used.push_back(at++);
          ++letters;
        }
        if (letters < size) continue;
        for (const std::size_t k : used) set(one, k, two, j, Match::kInitials);
        break;
      }
    }
  }

  static void set(Side& one, std::size_t i, Side& two, std::size_t j, Match match) {
    one.words[i].partner = static_cast<std::uint32_t>(j);
    one.words[i].match = match;
    Word& other = two.words[j];
    if (other.partner == kNoPartner) other.partner = static_cast<std::uint32_t>(i);
    other.match = match;
  }

  const Lexicon& lexicon_;
  Side& a_;
  Side& b_;
  std::vector<std::size_t> left_a_;
  std::vector<std::size_t> left_b_;
  std::vector<Match> table_;
};

}  // namespace

float weight_of(const Word& word) {
  if (word.kind == Kind::kLight) return 0;
  if (word.kind == Kind::kContent) return word.capital || !word.known ? 2 : word.form.size() < 4 ? 0.8F : 1;
  constexpr Kinds kSmall = {Kind::kPreposition, Kind::kConjunction, Kind::kPronoun, Kind::kTense, Kind::kSymbol};
  constexpr Kinds kMiddle = {Kind::kQuestion, Kind::kTask, Kind::kModal};
  return kSmall.has(word.kind) ? 0.3F : kMiddle.has(word.kind) ? 0.7F : 1;
}

bool align(const Lexicon& lexicon, const Words& a, const Words& b, std::size_t max_words, Alignment& out) {
  out.a = {a.words, a.language, a.sentences};
  out.b = {b.words, b.language, b.sentences};
  return Aligner(lexicon, out).run(max_words);
}

}  // namespace tierwise::guard
