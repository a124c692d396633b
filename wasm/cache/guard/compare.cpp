#include "cache/guard/compare.h"

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "cache/guard/align.h"
#include "cache/guard/findings.h"
#include "cache/guard/rules.h"
#include "cache/guard/signs.h"

namespace tierwise::guard {
namespace {

static_assert(kSpareSigns <= kSignCount);

// Of the sentences that differ; what is longer is no instruction, and pasted text must be identical.
constexpr std::size_t kMaxCompared = 64;

Relation relation_of(Match match, bool same_text) {
  switch (match) {
    case Match::kSame: return same_text ? Relation::kSame : Relation::kEquivalent;
    case Match::kStem:
    case Match::kSlip:
    case Match::kInitials:
    case Match::kJoined: return Relation::kEquivalent;
    default: return Relation::kSimilar;
  }
}

void link(const Alignment& alignment, std::string_view a, std::string_view b, std::vector<Link>& links) {
  const auto& words_a = alignment.a.words->words;
  const auto& words_b = alignment.b.words->words;
  for (std::size_t i = 0; i < words_a.size(); ++i) {
    const std::uint32_t j = alignment.a.partner[i];
    if (words_a[i].kind == Kind::kLight) continue;
    const ByteRange range{words_a[i].begin, words_a[i].end};
    if (j == kNoPartner) {
      links.push_back({range, {0, 0}, Relation::kUnmatched});
      continue;
    }
    const ByteRange other{words_b[j].begin, words_b[j].end};
    const bool same_text = lower_case(a.substr(range.begin, range.end - range.begin)) ==
                           lower_case(b.substr(other.begin, other.end - other.begin));
    links.push_back({range, other, relation_of(alignment.a.match[i], same_text)});
  }
  for (std::size_t j = 0; j < words_b.size(); ++j) {
    if (words_b[j].kind == Kind::kLight || alignment.b.partner[j] != kNoPartner) continue;
    links.push_back({{0, 0}, {words_b[j].begin, words_b[j].end}, Relation::kUnmatched});
  }
}

class Signs {
 public:
  Signs(const Alignment& alignment, const Findings& findings, std::array<float, kSignCount>& out)
      : a_(alignment.a), b_(alignment.b), findings_(findings), out_(out) {}

  void run(std::size_t bytes_a, std::size_t bytes_b) {
    const Sums of_a = sums(a_);
    const Sums of_b = sums(b_);
    out_[kLanguage] = static_cast<float>(a_.words->language);
    both(kFewer, kMore, of_a.count, of_b.count);
    both(kSharedLeast, kSharedMost, of_a.share(), of_b.share());
    both(kUnmatchedLeast, kUnmatchedMost, of_a.unmatched, of_b.unmatched);
    out_[kUnmatchedWeight] = of_a.weight - of_a.shared + of_b.weight - of_b.shared;
    out_[kHeaviest] = std::max(of_a.heaviest, of_b.heaviest);
    matches();
    unmatched(a_, findings_.left_a);
    unmatched(b_, findings_.left_b);
    out_[kInversions] = static_cast<float>(findings_.inversions);
    out_[kBareInversions] = static_cast<float>(findings_.bare_inversions);
    out_[kInversionShare] =
        findings_.pairs == 0 ? 0 : static_cast<float>(findings_.inversions) / static_cast<float>(findings_.pairs);
    questions();
    both(kSentenceGap, kSentences, a_.words->sentences, b_.words->sentences);
    out_[kSentenceGap] = out_[kSentences] - out_[kSentenceGap];
    out_[kSubstitutions] = static_cast<float>(substitutions());
    out_[kInsertions] =
        of_a.unmatched > of_b.unmatched ? of_a.unmatched - of_b.unmatched : of_b.unmatched - of_a.unmatched;
    out_[kTenses] = tenses();
    const float more = static_cast<float>(std::max(bytes_a, bytes_b));
    out_[kBytes] = more == 0 ? 1 : static_cast<float>(std::min(bytes_a, bytes_b)) / more;
    out_[kHeadDiffers] = static_cast<float>(end_differs(a_, true)) + static_cast<float>(end_differs(b_, true));
    out_[kTailDiffers] = static_cast<float>(end_differs(a_, false)) + static_cast<float>(end_differs(b_, false));
    out_[kLights] = lights();
    neighbours(of_a.count < of_b.count ? of_a.count : of_b.count);
  }

 private:
  struct Sums {
    float count = 0;
    float unmatched = 0;
    float weight = 0;
    float shared = 0;
    float heaviest = 0;
    float share() const { return weight == 0 ? 1 : shared / weight; }
  };

  static bool means(const Word& word) { return weight_of(word) >= 0.7F; }

  void both(Sign least, Sign most, float a, float b) {
    out_[least] = std::min(a, b);
    out_[most] = std::max(a, b);
  }

  static Sums sums(const Side& side) {
    Sums sums;
    for (std::size_t i = 0; i < side.partner.size(); ++i) {
      const Word& word = side.words->words[i];
      const float weight = weight_of(word);
      sums.weight += weight;
      if (means(word)) sums.count += 1;
      if (side.partner[i] != kNoPartner) {
        sums.shared += weight;
        continue;
      }
      if (means(word)) sums.unmatched += 1;
      sums.heaviest = std::max(sums.heaviest, weight);
    }
    return sums;
  }

  void matches() {
    float places = 0;
    float placed = 0;
    const auto size_a = static_cast<float>(std::max<std::size_t>(1, a_.partner.size()));
    const auto size_b = static_cast<float>(std::max<std::size_t>(1, b_.partner.size()));
    for (std::size_t i = 0; i < a_.partner.size(); ++i) {
      const Word& word = a_.words->words[i];
      if (word.literal) out_[kLiterals] = 1;
      if (a_.partner[i] == kNoPartner || a_.dropped[i]) continue;
      const Word& other = b_.words->words[a_.partner[i]];
      switch (a_.match[i]) {
        case Match::kSynonym: out_[kSynonyms] += 1; break;
        case Match::kLoose: out_[kLooseSynonyms] += 1; break;
        case Match::kDerived: out_[kDerived] += 1; break;
        case Match::kSlip: out_[kSlips] += 1; break;
        case Match::kStem: out_[kStems] += 1; break;
        case Match::kInitials: out_[kInitials] = 1; break;
        case Match::kJoined: out_[kJoined] = 1; break;
        default: break;
      }
      if (word.kind == Kind::kNegation) out_[kNegations] += 1;
      if (has_place(word) && has_place(other) && word.role != other.role)
        out_[kRoles] += word.role.empty() || other.role.empty() ? 0.5F : 1;
      const float distance = static_cast<float>(i) / size_a - static_cast<float>(a_.partner[i]) / size_b;
      places += distance < 0 ? -distance : distance;
      placed += 1;
    }
    out_[kPlaces] = placed == 0 ? 0 : places / placed;
  }

  void unmatched(const Side& side, const std::vector<std::uint32_t>& left) {
    for (const std::uint32_t i : left) {
      const Word& word = side.words->words[i];
      if (word.kind == Kind::kPreposition && word.form != "to" && word.form != "of") {
        out_[kPrepositions] += 1;
        if (strong_preposition(word.form)) out_[kStrongPrepositions] += 1;
      }
      if (word.kind == Kind::kPronoun) out_[kPronouns] += 1;
      if (word.kind == Kind::kScope) out_[kScopes] += 1;
      if (word.kind == Kind::kModal) out_[kModalsOneSided] += 1;
      if (word.kind == Kind::kTask) out_[kTasksOneSided] += 1;
      if (word.kind == Kind::kQuestion) out_[kQuestionsOneSided] += 1;
      if (word.kind == Kind::kContent && !word.known) out_[kUnknown] += 1;
      if (means(word) && !word.role.empty()) out_[kLoneInsertions] += 1;
    }
  }

  static bool has_left(const Side& side, const std::vector<std::uint32_t>& left, Kind kind) {
    return std::any_of(left.begin(), left.end(), [&](std::uint32_t i) { return side.words->words[i].kind == kind; });
  }
  void questions() {
    const bool question_a = has_left(a_, findings_.left_a, Kind::kQuestion);
    const bool question_b = has_left(b_, findings_.left_b, Kind::kQuestion);
    out_[kQuestionsSoft] = question_a && question_b ? 1 : 0;
    out_[kTaskForQuestion] = (question_a && has_left(b_, findings_.left_b, Kind::kTask)) ||
                                     (question_b && has_left(a_, findings_.left_a, Kind::kTask))
                                 ? 1
                                 : 0;
  }

  // Unmatched on both sides behind words matched with each other, or before such.
  int substitutions() const {
    int count = 0;
    for (const std::uint32_t i : findings_.left_a) {
      if (!means(a_.words->words[i])) continue;
      for (const std::uint32_t j : findings_.left_b) {
        if (!means(b_.words->words[j])) continue;
        const bool before = (i == 0 && j == 0) || (i > 0 && j > 0 && a_.partner[i - 1] == j - 1);
        const bool after = (i + 1 == a_.partner.size() && j + 1 == b_.partner.size()) ||
                           (i + 1 < a_.partner.size() && a_.partner[i + 1] == j + 1);
        if (before || after) {
          ++count;
          break;
        }
      }
    }
    return count;
  }

  float tenses() const {
    float count = in_the_past(a_, true) != in_the_past(b_, true) ? 1.0F : 0.0F;
    if (in_the_past(a_, false) != in_the_past(b_, false)) count += 1;
    for (std::size_t i = 0; i < a_.partner.size(); ++i) {
      if (a_.partner[i] != kNoPartner && a_.words->words[i].past != b_.words->words[a_.partner[i]].past) count += 1;
    }
    return count;
  }

  static int end_differs(const Side& side, bool head) {
    const std::size_t size = side.partner.size();
    for (std::size_t k = 0; k < size; ++k) {
      const std::size_t i = head ? k : size - 1 - k;
      const Kind kind = side.words->words[i].kind;
      if (side.dropped[i] || !means(side.words->words[i]) || kind == Kind::kQuestion) continue;
      return side.partner[i] == kNoPartner ? 1 : 0;
    }
    return 0;
  }

  float lights() const {
    float count = 0;
    for (const Side* side : {&a_, &b_}) {
      const Side& other = side == &a_ ? b_ : a_;
      for (std::size_t i = 0; i < side->partner.size() && i < 200; ++i) {
        const Word& word = side->words->words[i];
        if (word.kind != Kind::kLight || side->dropped[i]) continue;
        const auto& theirs = other.words->words;
        if (std::none_of(theirs.begin(), theirs.end(), [&](const Word& its) { return its.form == word.form; }))
          count += 1;
      }
    }
    return count;
  }

  // Runs of words matched in order, and neighbours that were parted.
  void neighbours(float shorter) {
    float run = 0;
    float longest = 0;
    std::uint32_t last = kNoPartner;
    for (std::size_t i = 0; i < a_.partner.size(); ++i) {
      const Word& word = a_.words->words[i];
      if (!means(word)) continue;
      const std::uint32_t j = a_.partner[i];
      if (j == kNoPartner) {
        run = 0;
        last = kNoPartner;
        continue;
      }
      bool follows = false;
      if (last != kNoPartner && j > last) {
        follows = true;
        for (std::uint32_t k = last + 1; k < j; ++k) follows = follows && !means(b_.words->words[k]);
      }
      if (last != kNoPartner && !follows) out_[kBreaks] += 1;
      run = follows ? run + 1 : 1;
      longest = std::max(longest, run);
      last = j;
    }
    out_[kRun] = shorter == 0 ? 1 : longest / shorter;
  }

  const Side& a_;
  const Side& b_;
  const Findings& findings_;
  std::array<float, kSignCount>& out_;
};

// Sentences that say more than a question's first word.
std::size_t told(const Words& words) {
  std::size_t count = 0;
  std::size_t last = words.sentences;
  for (const Word& word : words.words) {
    if (weight_of(word) < 0.7F || word.kind == Kind::kQuestion || word.sentence == last) continue;
    last = word.sentence;
    ++count;
  }
  return count;
}

// Nothing is left over, and what is matched is the same but for spelling, in the same order.
bool equal(const Alignment& alignment, const Findings& findings) {
  if (!findings.left_a.empty() || !findings.left_b.empty() || findings.inversions > 0) return false;
  if (told(*alignment.a.words) != told(*alignment.b.words)) return false;
  std::uint32_t last = 0;
  for (std::size_t i = 0; i < alignment.a.partner.size(); ++i) {
    const std::uint32_t j = alignment.a.partner[i];
    if (j == kNoPartner) continue;
    const Word& word = alignment.a.words->words[i];
    const Word& other = alignment.b.words->words[j];
    const Match match = alignment.a.match[i];
    if (word.kind == Kind::kQuestion && match == Match::kSame) continue;
    if (match < Match::kSlip || match == Match::kInitials || j < last || word.past != other.past) return false;
    if (word.role != other.role) return false;
    last = j;
  }
  return true;
}

bool equal_words(const Words& a, const Words& b) {
  if (a.words.size() != b.words.size()) return false;
  for (std::size_t i = 0; i < a.words.size(); ++i) {
    if (a.words[i].form != b.words[i].form || a.words[i].literal != b.words[i].literal) return false;
  }
  return true;
}

}  // namespace

Comparison compare(const Lexicon& lexicon, std::string_view a, std::string_view b) {
  if (lexicon.empty()) return compare(lexicon, a, Words(), b, Words());
  return compare(lexicon, a, normalise(lexicon, a), b, normalise(lexicon, b));
}

Comparison compare(const Lexicon& lexicon, std::string_view a, const Words& a_words, std::string_view b,
                   const Words& b_words) {
  Comparison out;
  const auto refused = [&out](Rule rule, std::string reason) {
    out.verdict = Verdict::kRefused;
    out.rule = rule;
    out.reason = std::move(reason);
  };
  if (trim(a) == trim(b)) {
    out.verdict = Verdict::kSame;
    return out;
  }
  if (a_words.cut || b_words.cut) {
    refused(Rule::kUnread, "One of them is too long to be compared.");
    return out;
  }
  if (a_words.words.empty() || b_words.words.empty()) {
    refused(Rule::kWording, "They share too few words.");
    return out;
  }
  if (a_words.language == Language::kOther && b_words.language == Language::kOther) {
    if (equal_words(a_words, b_words))
      out.verdict = Verdict::kSame;
    else
      refused(Rule::kUnread, "In this language only equal prompts are taken for the same.");
    return out;
  }
  if (a_words.language != b_words.language) {
    refused(Rule::kSpoken, "They are written in different languages.");
    return out;
  }
  const std::vector<Correction> for_a = corrections(lexicon, a_words, a, b);
  const std::vector<Correction> for_b = corrections(lexicon, b_words, b, a);
  const Words a_corrected = for_a.empty() ? Words() : normalise(lexicon, a, for_a);
  const Words b_corrected = for_b.empty() ? Words() : normalise(lexicon, b, for_b);
  Alignment alignment;
  if (!align(lexicon, for_a.empty() ? a_words : a_corrected, for_b.empty() ? b_words : b_corrected, kMaxCompared,
             alignment)) {
    refused(Rule::kPasted, "Too much of a long prompt differs.");
    return out;
  }
  const Findings findings = find(alignment);
  link(alignment, a, b, out.alignment);
  Refusal refusal = refuse(lexicon, alignment, findings, a, b);
  if (refusal.rule != Rule::kNone)
    refused(refusal.rule, std::move(refusal.reason));
  else if (equal(alignment, findings))
    out.verdict = Verdict::kSame;
  Signs(alignment, findings, out.signs).run(a.size(), b.size());
  return out;
}

}  // namespace tierwise::guard
