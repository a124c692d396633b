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
  if (match == Match::kSame && same_text) return Relation::kSame;
  return match >= Match::kSlip ? Relation::kEquivalent : Relation::kSimilar;
}

void link(const Alignment& alignment, std::string_view a, std::string_view b, std::vector<Link>& links) {
  for (const Word& word : alignment.a.words) {
    if (word.kind == Kind::kLight) continue;
    Link link = {{word.begin, word.end}, {}, Relation::kUnmatched};
    if (word.partner != kNoPartner) {
      const Word& other = alignment.b.words[word.partner];
      link.b = {other.begin, other.end};
      const bool same_text = lower_case(a.substr(word.begin, word.end - word.begin)) ==
                             lower_case(b.substr(other.begin, other.end - other.begin));
      link.relation = relation_of(word.match, same_text);
    }
    links.push_back(link);
  }
  for (const Word& word : alignment.b.words) {
    if (word.left()) links.push_back({{}, {word.begin, word.end}, Relation::kUnmatched});
  }
}

class Signs {
 public:
  Signs(const Alignment& alignment, const Findings& findings, std::array<float, kSignCount>& out)
      : a_(alignment.a), b_(alignment.b), findings_(findings), out_(out) {}

  void run(std::size_t bytes_a, std::size_t bytes_b) {
    const Sums of_a = sums(a_);
    const Sums of_b = sums(b_);
    out_[kLanguage] = static_cast<float>(a_.language);
    both(kFewer, kMore, of_a.count, of_b.count);
    both(kSharedLeast, kSharedMost, of_a.share(), of_b.share());
    both(kUnmatchedLeast, kUnmatchedMost, of_a.unmatched, of_b.unmatched);
    out_[kUnmatchedWeight] = of_a.weight - of_a.shared + of_b.weight - of_b.shared;
    out_[kHeaviest] = std::max(of_a.heaviest, of_b.heaviest);
    matches();
    unmatched(a_);
    unmatched(b_);
    out_[kInversions] = static_cast<float>(findings_.inversions);
    out_[kBareInversions] = static_cast<float>(findings_.bare_inversions);
    out_[kInversionShare] =
        findings_.pairs == 0 ? 0 : static_cast<float>(findings_.inversions) / static_cast<float>(findings_.pairs);
    questions();
    both(kSentenceGap, kSentences, a_.sentences, b_.sentences);
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

  void both(Sign least, Sign most, float a, float b) {
    out_[least] = std::min(a, b);
    out_[most] = std::max(a, b);
  }

  static Sums sums(const Side& side) {
    Sums sums;
    for (const Word& word : side.words) {
      const float weight = weight_of(word);
      sums.weight += weight;
      if (means(word)) sums.count += 1;
      if (word.partner != kNoPartner) {
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
    const auto size_a = static_cast<float>(std::max<std::size_t>(1, a_.words.size()));
    const auto size_b = static_cast<float>(std::max<std::size_t>(1, b_.words.size()));
    for (std::size_t i = 0; i < a_.words.size(); ++i) {
      const Word& word = a_.words[i];
      if (word.literal) out_[kLiterals] = 1;
      if (!word.paired()) continue;
      const Word& other = b_.words[word.partner];
      // In the order of Match; nothing is told of kSame.
      constexpr std::uint8_t kCounted[] = {kSpareSigns, kLooseSynonyms, kDerived, kSynonyms,  kSlips,
                                           kInitials,   kJoined,        kStems,   kSpareSigns};
      const Sign counted = static_cast<Sign>(kCounted[static_cast<std::size_t>(word.match)]);
      if (counted == kInitials || counted == kJoined)
        out_[counted] = 1;
      else if (counted != kSpareSigns)
        out_[counted] += 1;
      if (word.kind == Kind::kNegation) out_[kNegations] += 1;
      if (has_place(word) && has_place(other) && word.role != other.role)
        out_[kRoles] += word.role.empty() || other.role.empty() ? 0.5F : 1;
      const float distance = static_cast<float>(i) / size_a - static_cast<float>(word.partner) / size_b;
      places += distance < 0 ? -distance : distance;
      placed += 1;
    }
    out_[kPlaces] = placed == 0 ? 0 : places / placed;
  }

  void unmatched(const Side& side) {
    for (const Word& word : side.words) {
      if (!word.left()) continue;
      if (word.kind == Kind::kPreposition && !word.is("to of")) {
        out_[kPrepositions] += 1;
        if (strong_preposition(word.form)) out_[kStrongPrepositions] += 1;
      }
      constexpr std::pair<Kind, Sign> kCounted[] = {{Kind::kPronoun, kPronouns},
                                                    {Kind::kScope, kScopes},
                                                    {Kind::kModal, kModalsOneSided},
                                                    {Kind::kTask, kTasksOneSided},
                                                    {Kind::kQuestion, kQuestionsOneSided}};
      for (const auto& [kind, sign] : kCounted) {
        if (word.kind == kind) out_[sign] += 1;
      }
      if (word.kind == Kind::kContent && !word.known) out_[kUnknown] += 1;
      if (means(word) && !word.role.empty()) out_[kLoneInsertions] += 1;
    }
  }

  static bool has_left(const Side& side, Kind kind) {
    return std::any_of(side.words.begin(), side.words.end(),
                       [kind](const Word& word) { return word.left() && word.kind == kind; });
  }
  void questions() {
    const bool question_a = has_left(a_, Kind::kQuestion);
    const bool question_b = has_left(b_, Kind::kQuestion);
    out_[kQuestionsSoft] = question_a && question_b ? 1 : 0;
    out_[kTaskForQuestion] =
        (question_a && has_left(b_, Kind::kTask)) || (question_b && has_left(a_, Kind::kTask)) ? 1 : 0;
  }

  // Unmatched on both sides behind words matched with each other, or before such.
  int substitutions() const {
    const std::size_t size_a = a_.words.size();
    const std::size_t size_b = b_.words.size();
    int count = 0;
    for (std::size_t i = 0; i < size_a; ++i) {
      if (!a_.words[i].left() || !means(a_.words[i])) continue;
      for (std::size_t j = 0; j < size_b; ++j) {
        if (!b_.words[j].left() || !means(b_.words[j])) continue;
        const bool before = i == 0 || j == 0 ? i == j : a_.words[i - 1].partner == j - 1;
        const bool after =
            i + 1 == size_a || j + 1 == size_b ? i + 1 == size_a && j + 1 == size_b : a_.words[i + 1].partner == j + 1;
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
    for (const Word& word : a_.words) {
      if (word.partner != kNoPartner && word.past != b_.words[word.partner].past) count += 1;
    }
    return count;
  }

  static int end_differs(const Side& side, bool head) {
    const std::size_t size = side.words.size();
    for (std::size_t k = 0; k < size; ++k) {
      const Word& word = side.words[head ? k : size - 1 - k];
      if (!word.dropped && means(word) && word.kind != Kind::kQuestion) return word.partner == kNoPartner ? 1 : 0;
    }
    return 0;
  }

  float lights() const {
    float count = 0;
    for (const Side* side : {&a_, &b_}) {
      const Side& other = side == &a_ ? b_ : a_;
      for (std::size_t i = 0; i < side->words.size() && i < 200; ++i) {
        const Word& word = side->words[i];
        if (word.kind != Kind::kLight || word.dropped) continue;
        const std::vector<Word>& theirs = other.words;
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
    for (const Word& word : a_.words) {
      if (!means(word)) continue;
      const std::uint32_t j = word.partner;
      if (j == kNoPartner) {
        run = 0;
        last = kNoPartner;
        continue;
      }
      bool follows = false;
      if (last != kNoPartner && j > last) {
        follows = true;
        for (std::uint32_t k = last + 1; k < j; ++k) follows = follows && !means(b_.words[k]);
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
std::size_t told(const Side& side) {
  std::size_t count = 0;
  std::size_t last = side.sentences;
  for (const Word& word : side.words) {
    if (!means(word) || word.kind == Kind::kQuestion || word.sentence == last) continue;
    last = word.sentence;
    ++count;
  }
  return count;
}

// Nothing is left over, and what is matched is the same but for spelling, in the same order.
bool equal(const Alignment& alignment, const Findings& findings) {
  const auto left = [](const Word& word) { return word.left(); };
  for (const Side* side : {&alignment.a, &alignment.b}) {
    if (std::any_of(side->words.begin(), side->words.end(), left)) return false;
  }
  if (findings.inversions > 0 || told(alignment.a) != told(alignment.b)) return false;
  std::uint32_t last = 0;
  for (const Word& word : alignment.a.words) {
    const std::uint32_t j = word.partner;
    if (j == kNoPartner) continue;
    const Word& other = alignment.b.words[j];
    if (word.kind == Kind::kQuestion && word.match == Match::kSame) continue;
    if (word.match < Match::kSlip || word.match == Match::kInitials || j < last || word.past != other.past ||
        word.role != other.role)
      return false;
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
  Refusal refusal = refuse(lexicon, alignment, findings, a, b, out.signs);
  out.rule = refusal.rule;
  out.reason = std::move(refusal.reason);
  if (refusal.vetoes)
    out.verdict = Verdict::kRefused;
  else if (out.rule == Rule::kNone && equal(alignment, findings))
    out.verdict = Verdict::kSame;
  Signs(alignment, findings, out.signs).run(a.size(), b.size());
  return out;
}

}  // namespace tierwise::guard
