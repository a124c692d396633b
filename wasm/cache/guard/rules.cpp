#include "cache/guard/rules.h"

#include <algorithm>
#include <array>
#include <functional>
#include <numeric>
#include <utility>
#include <vector>

#include "base/text.h"
#include "base/words.h"

namespace tierwise::guard {
namespace {

// Most words left over with which a rule decides: however many, none ever.
constexpr int kAny = 1000;
constexpr int kNever = -1;
constexpr float kLeastShared = 0.34F;  // of the weight of the words, to be worth a look by the judge

// How many words with a meaning may be left over, of the prompt with more, so that a rule decides. Of pairs that people
// wrote with no more, these rules were right in 98 of 100; the others are right less often, and all are where more was
// reworded: that is for the judge. (docs/SEMANTIC_CACHE.md has the table.)
int most_left_over(Rule rule, bool both) {
  switch (rule) {
    case Rule::kPasted:
    case Rule::kNumber:
    case Rule::kDate:
    case Rule::kUnit:
    case Rule::kAntonym:
    case Rule::kScope:
    case Rule::kFormat:
    case Rule::kLanguage:
      return both ? 2 : 1;
    case Rule::kName:
      return both ? 1 : kNever;
    case Rule::kNegation:
    case Rule::kModality:
    case Rule::kTask:
    case Rule::kAudience:
    case Rule::kPerson:
    case Rule::kSentence:
      return 1;
    default:
      return kNever;
  }
}

int left_over(const Side& side) {
  return static_cast<int>(std::count_if(side.words.begin(), side.words.end(),
                                        [](const Word& word) { return word.left() && means(word); }));
}

constexpr std::string_view kWeakScopes = "some still already good main best even exactly";

std::string in_order(std::string_view one, std::string_view two) {
  return one < two ? std::string(one) + '/' + std::string(two) : std::string(two) + '/' + std::string(one);
}

// "Is it required?", "the used car": no past.
bool participle(const std::vector<Word>& words, std::size_t at) {
  for (std::size_t i = at; i-- > 0 && words[i].sentence == words[at].sentence;) {
    if (words[i].is(Kind::kLight,
                    i + 1 == at ? "is are be being am get gets a the an it" : "is are be being am get gets"))
      return true;
  }
  return false;
}

// The first word without a partner that is wanted; none: nullptr.
template <typename Wanted>
const Word* first_left(const Side& side, const Wanted& wanted) {
  for (const Word& word : side.words) {
    if (word.left() && wanted(word)) return &word;
  }
  return nullptr;
}

// Of these kinds, in none of these forms.
const Word* first_left(const Side& side, Kinds kinds, std::string_view but) {
  return first_left(side, [&](const Word& word) { return kinds.has(word.kind) && !word.is(but); });
}

// Have both the same words, in whatever order? Small ones too.
bool same_forms(const Side& a, const Side& b) {
  std::vector<std::string_view> forms[2];
  for (const Side* side : {&a, &b}) {
    for (const Word& word : side->words) forms[side == &b].push_back(word.form);
    std::sort(forms[side == &b].begin(), forms[side == &b].end());
  }
  return forms[0] == forms[1];
}

// Does one have another word in a single place, and nothing else? Whatever rule speaks against it is right in 99 of 100.
bool one_differs(const Side& a, const Side& b) {
  return a.words.size() == b.words.size() &&
         std::inner_product(a.words.begin(), a.words.end(), b.words.begin(), 0, std::plus<>(),
                            [](const Word& one, const Word& two) { return one.form == two.form ? 0 : 1; }) == 1;
}

class Rules {
 public:
  Rules(const Lexicon& lexicon, const Alignment& alignment, const Findings& findings, std::string_view a,
        std::string_view b, std::array<float, kSignCount>& signs)
      : lexicon_(lexicon), a_(alignment.a), b_(alignment.b), findings_(findings), text_a_(a), text_b_(b),
        left_over_(std::max(left_over(a_), left_over(b_))), one_differs_(one_differs(a_, b_)), signs_(signs) {}

  // Every rule is asked: the judge hears of all.
  Refusal run() {
    pasted();
    amounts();
    negation();
    antonyms();
    names();
    order();
    scope();
    modality();
    tense();
    question();
    task();
    closed_classes();
    person();
    sentences();
    constraint();
    wording();
    return std::move(out_);
  }

 private:
  const Word& in_a(std::uint32_t i) const { return a_.words[i]; }
  const Word& in_b(std::uint32_t j) const { return b_.words[j]; }

  bool of_a(const Word& word) const { return &word >= a_.words.data() && &word < a_.words.data() + a_.words.size(); }
  std::string_view written(const Word& word) const {
    const std::string_view text = of_a(word) ? text_a_ : text_b_;
    const std::size_t begin = std::min<std::size_t>(word.begin, text.size());
    return text.substr(begin, word.end - begin);
  }
  std::string quoted(const Word& word) const { return '"' + to_valid_utf8(cut_utf8(written(word), 60)) + '"'; }

  // `most`: as most_left_over, where this case of the rule is surer than the rule.
  bool refuse(Rule rule, std::string reason, bool both = false, int most = kNever) {
    signs_[kRules + static_cast<std::size_t>(rule)] = 1;
    if (both) signs_[kRulesBoth + static_cast<std::size_t>(rule)] = 1;
    const bool vetoes = one_differs_ || left_over_ <= std::max(most, most_left_over(rule, both));
    if (out_.rule == Rule::kNone || (vetoes && !out_.vetoes)) out_ = {rule, std::move(reason), vetoes};
    return true;
  }
  bool tell(std::size_t sign) {
    signs_[sign] = 1;
    return true;
  }
  bool refuse(Rule rule, Text reason) { return refuse(rule, std::string(lexicon_.text(reason))); }
  // `reason` has a {} for the word.
  bool refuse(Rule rule, const Word& word, Text reason, int most = kNever) {
    return refuse(rule, fill(lexicon_.text(reason), {quoted(word)}), false, most);
  }

  // The first unmatched words of some kind, in a, in b; nullptr where there is none.
  struct Two {
    const Word* a;
    const Word* b;
    bool any() const { return a != nullptr || b != nullptr; }
    bool both() const { return a != nullptr && b != nullptr; }
    const Word& one() const { return a != nullptr ? *a : *b; }
    // Has one of them one of these forms?
    bool is(std::string_view forms) const { return (a != nullptr && a->is(forms)) || (b != nullptr && b->is(forms)); }
  };
  Two unmatched(Kinds kinds, std::string_view but = {}) const {
    return {first_left(a_, kinds, but), first_left(b_, kinds, but)};
  }

  // `both` has a {} for each word, `one` has one.
  bool refuse(Rule rule, const Two& two, Text both, Text one = Text::kCount, int most = kNever) {
    if (!two.both()) return refuse(rule, two.one(), one, most);
    return refuse(rule, fill(lexicon_.text(both), {quoted(*two.a), quoted(*two.b)}), true, most);
  }

  bool pasted() {
    const auto literal = [](const Word& word) { return word.literal; };
    const Two two = {first_left(a_, literal), first_left(b_, literal)};
    return two.any() && refuse(Rule::kPasted, two, Text::kPastedBoth, Text::kPastedOne);
  }

  // "1969", "1920s".
  static bool year(const Word& word) {
    const std::string_view form = word.form;
    return !word.literal && (form.size() == 4 || (form.size() == 5 && form[4] == 's')) && form >= "1500" && form < "2100" &&
           form.substr(0, 4).find_first_not_of("0123456789") == std::string_view::npos;
  }
  bool in_digits(const Word& word) const {
    const std::string_view bytes = written(word);
    return !bytes.empty() && bytes[0] >= '0' && bytes[0] <= '9';
  }

  bool amounts() {
    const Two years = {first_left(a_, year), first_left(b_, year)};
    if (years.both()) return refuse(Rule::kDate, years, Text::kTimes, Text::kCount, kAny);
    const Two two =
        unmatched({Kind::kNumber, Kind::kQuantity, Kind::kTime, Kind::kDate, Kind::kUnit, Kind::kCalendar}, "1");
    if (!two.any()) return false;
    Rule rule = Rule::kNumber;
    bool lone_unit = !two.both();
    for (const Word* word : {two.a, two.b}) {
      if (word == nullptr) continue;
      constexpr Kinds kDates = {Kind::kTime, Kind::kDate, Kind::kCalendar};
      if (kDates.has(word->kind))
        rule = Rule::kDate;
      else if (word->kind == Kind::kUnit && rule == Rule::kNumber)
        rule = Rule::kUnit;
      if (!word->is(Kind::kUnit, "h min s day week month year")) lone_unit = false;
    }
    // "How many days a week", "how often": the judge decides.
    if (lone_unit) return false;
    if (two.both() && two.a->kind == Kind::kQuantity && two.b->kind == Kind::kQuantity) {
      const auto unit = [](const Word& word) { return word.form.substr(word.form.find(' ') + 1); };
      // "5 mg" and "5 kg" have one unit here.
      const auto amount = [this](const Word& word) {
        const std::string_view bytes = written(word);
        return bytes.substr(0, bytes.find_first_not_of("0123456789.,"));
      };
      const std::string_view digits = amount(*two.a);
      if (unit(*two.a) != unit(*two.b) || (!digits.empty() && digits == amount(*two.b))) rule = Rule::kUnit;
    }
    if (rule == Rule::kNumber) {
      // In a story of several sentences one may tell a number that the other leaves out.
      const bool sure = two.both() && in_digits(*two.a) && in_digits(*two.b) && a_.sentences < 2 && b_.sentences < 2;
      return refuse(rule, two, Text::kNumbers, Text::kNumberOne, sure ? kAny : kNever);
    }
    if (rule == Rule::kDate) return refuse(rule, two, Text::kTimes, Text::kSays);
    return refuse(rule, two, Text::kUnitsDiffer, Text::kUnitOne);
  }

  // The next word behind `i` that something can be said of.
  static std::uint32_t next_word(const Side& side, std::uint32_t i) {
    const std::vector<Word>& words = side.words;
    constexpr Kinds kMore = {Kind::kTask, Kind::kModal, Kind::kCalendar};
    for (std::uint32_t k = i + 1; k < words.size() && words[k].sentence == words[i].sentence; ++k) {
      if (has_place(words[k]) || kMore.has(words[k].kind)) return k;
    }
    return kNoPartner;
  }
  // Does what stands behind this word of a, which has a partner, stand behind that one too?
  bool moved(std::uint32_t i) const {
    const std::uint32_t next_a = next_word(a_, i);
    const std::uint32_t next_b = next_word(b_, in_a(i).partner);
    if (next_a == kNoPartner || next_b == kNoPartner) return false;
    const std::uint32_t of_next_a = in_a(next_a).partner;
    const std::uint32_t of_next_b = in_b(next_b).partner;
    return of_next_a != kNoPartner && of_next_b != kNoPartner && of_next_a != next_b && of_next_b != next_a;
  }

  bool negation() {
    const Two two = unmatched({Kind::kNegation});
    if (two.any()) return refuse(Rule::kNegation, two, Text::kDenied, Text::kSays);
    for (std::uint32_t i = 0; i < a_.words.size(); ++i) {
      const Word& word = in_a(i);
      if (word.kind == Kind::kNegation && word.paired() && word.role.empty() && moved(i))
        return refuse(Rule::kNegation, word, Text::kDeniesElse);
    }
    return false;
  }

  bool antonyms() {
    for (const Word& one : a_.words) {
      if (!has_opposite(one)) continue;
      for (const Word& two : b_.words) {
        if (!has_opposite(two) || !opposite(one, two)) continue;
        if (one.kind == Kind::kPreposition) tell(kAntonymPlace);
        return refuse(Rule::kAntonym, {&one, &two}, Text::kOpposite);
      }
    }
    return false;
  }
  static bool has_opposite(const Word& word) {
    constexpr Kinds kKinds = {Kind::kContent,     Kind::kTask, Kind::kScope,
                              Kind::kPreposition, Kind::kTone, Kind::kLength};
    return word.left() && !word.literal && kKinds.has(word.kind);
  }
  bool opposed(std::string_view one, std::string_view two, Text list = Text::kOpposed) const {
    return has_word(lexicon_.text(list), in_order(one, two));
  }
  bool opposite(const Word& one, const Word& two) const {
    if (one.kind == Kind::kPreposition || two.kind == Kind::kPreposition) {
      return one.kind == two.kind && (opposed(one.form, two.form) || opposed(one.form, two.form, Text::kOpposedPlaces));
    }
    if (lexicon_.related(PairSet::kAntonym, one.stem, two.stem)) return true;
    const auto prefixed = [this](std::string_view longer, std::string_view shorter) {
      if (longer.size() <= shorter.size() + 1 || shorter.size() < 3 ||
          longer.substr(longer.size() - shorter.size()) != shorter)
        return false;
      return has_word(lexicon_.text(Text::kOppositePrefixes), longer.substr(0, longer.size() - shorter.size()));
    };
    if (prefixed(one.base, two.base) || prefixed(two.base, one.base)) return true;
    const auto ended = [](std::string_view word, std::string_view other) {
      if (word.size() < 6 || word.substr(word.size() - 4) != "less") return false;
      const std::string_view head = word.substr(0, word.size() - 4);
      return other.substr(0, head.size()) == head;
    };
    return ended(one.base, two.base) || ended(two.base, one.base);
  }

  bool names() {
    const bool english = a_.language == Language::kEnglish;
    const auto name = [english](const Word& word) {
      return word.kind == Kind::kContent && (word.capital || (english && !word.known)) && !word.literal;
    };
    const auto written = [](const Word& word) { return word.kind == Kind::kContent && word.capital && !word.literal; };
    const bool capital = first_left(a_, written) != nullptr || first_left(b_, written) != nullptr;
    if (capital) tell(kNameWritten);
    const Two two = {first_left(a_, name), first_left(b_, name)};
    return two.any() && refuse(Rule::kName, two, Text::kNames, Text::kNameOne, capital ? 1 : kNever);
  }

  bool order() {
    if (findings_.exchanged) tell(kOrderExchanged);
    const int most = findings_.exchanged ? kAny : same_forms(a_, b_) ? 0 : kNever;
    if (findings_.swapped_first != kNoPartner) {
      return refuse(Rule::kOrder, {&in_a(findings_.swapped_first), &in_a(findings_.swapped_second)},
                    Text::kSwappedPlaces, Text::kCount, most);
    }
    if (findings_.bare_first != kNoPartner && asked("yesno who"))
      return tell(kOrderBare) && refuse(Rule::kOrder, in_a(findings_.bare_first), Text::kOtherPlace, most);
    for (const Word& word : a_.words) {
      if (!word.paired() || !has_place(word)) continue;
      const Word& other = in_b(word.partner);
      if (!has_place(other)) continue;
      if (word.past && other.past && passive(a_, word) != passive(b_, other))
        return tell(kOrderPassive) && refuse(Rule::kOrder, word, Text::kWhoDoesIt, most);
      if (!word.role.empty() && !other.role.empty() && word.role != other.role && opposed(word.role, other.role)) {
        tell(kOrderRole);
        return refuse(Rule::kOrder, fill(lexicon_.text(Text::kBehind), {quoted(word), word.role, other.role}), false,
                      std::max(most, 1));
      }
    }
    return false;
  }

  // Do both ask one of these?
  bool asked(std::string_view forms) const {
    for (const Word& word : a_.words) {
      if (word.partner != kNoPartner && word.is(Kind::kQuestion, forms)) return true;
    }
    return false;
  }
  // "was asked", against "asked". What a question's phrase was made of ("who painted") is counted as passive:
  // "by whom".
  bool passive(const Side& side, const Word& verb) const {
    const Word* const first = side.words.data();
    if (&verb > first && (&verb)[-1].begin == verb.begin) return true;
    for (const Word* word = &verb; word-- > first && word->sentence == verb.sentence && &verb - word <= 3;) {
      if (word->is(lexicon_.text(Text::kPassive)) || word->is(Kind::kTense, "past")) return true;
    }
    return false;
  }

  bool scope() {
    const Text both = Text::kHowMuch;
    Two two = unmatched({Kind::kScope});
    const auto weak = [](const Word* word) { return word == nullptr || weak_scope(word->form); };
    // A strong one behind a weak one.
    if (!two.both() && weak(two.a) && weak(two.b)) two = unmatched({Kind::kScope}, kWeakScopes);
    if (two.any()) return refuse(Rule::kScope, two, both, Text::kSays);
    for (std::uint32_t i = 0; i < a_.words.size(); ++i) {
      const Word& word = in_a(i);
      if (word.paired() && word.is(Kind::kScope, "only all even at-most least except") && moved(i))
        return refuse(Rule::kScope, word, Text::kBelongsElse);
    }
    return false;
  }

  bool modality() {
    const Two two = unmatched({Kind::kModal}, "would");
    return (two.both() || two.is("must allowed may")) && refuse(Rule::kModality, two, Text::kModality, Text::kSays);
  }

  static bool future(const Side& side) {
    for (const Word& word : side.words) {
      if (!word.dropped && word.is(Kind::kTense, "future")) return true;
    }
    return false;
  }
  bool tense() {
    const bool past_a = in_the_past(a_, true) || in_the_past(a_, false);
    const bool past_b = in_the_past(b_, true) || in_the_past(b_, false);
    if (future(a_) != future(b_) && (past_a || past_b || !soon())) return refuse(Rule::kTense, Text::kFuture);
    if (past_a == past_b) return false;
    const Side& past = past_a ? a_ : b_;
    if (in_the_past(past, true) || led(past, past_a ? b_ : a_)) return refuse(Rule::kTense, Text::kPast);
    return false;
  }
  // A time to come is named: "tomorrow".
  bool soon() const {
    for (const Word& word : a_.words) {
      if (word.partner != kNoPartner && word.kind == Kind::kCalendar) return true;
    }
    return false;
  }
  // Is a verb's past form matched with the same verb in the present?
  static bool led(const Side& past, const Side& other) {
    for (std::size_t i = 0; i < past.words.size(); ++i) {
      const Word& word = past.words[i];
      if (word.past && word.paired() && !other.words[word.partner].past && !participle(past.words, i)) return true;
    }
    return false;
  }

  bool question() {
    const Two two = unmatched({Kind::kQuestion}, "what tell");
    if (!two.any()) return false;
    const Two any = unmatched({Kind::kQuestion});
    const Text both = Text::kAsked;
    if (two.both() && !two.is("yesno")) return refuse(Rule::kQuestion, two, both);
    const Text yes_or_no = Text::kYesOrNo;
    if (two.both()) return tell(kYesNo) && refuse(Rule::kQuestion, yes_or_no);
    // One that is answered with yes or no, against one that is not.
    const Word& word = two.one();
    const Side& other = two.a != nullptr ? b_ : a_;
    bool other_asks = any.both();
    for (const Word& its : other.words) {
      if ((its.kind == Kind::kQuestion || its.kind == Kind::kTask) && !its.dropped) other_asks = true;
    }
    // "Where can I rent a boat?", "Rent a boat".
    if (!any.both() && word.is("why when where where-to how-long how-often"))
      return tell(kQuestionOne) && refuse(Rule::kQuestion, word, Text::kAsksOne);
    if (word.is("yesno")) return other_asks && tell(kYesNo) && refuse(Rule::kQuestion, yes_or_no);
    return any.both() && word.is("why how") && refuse(Rule::kQuestion, any, both);
  }

  bool task() {
    const Two two = unmatched({Kind::kTask});
    if (two.both()) return refuse(Rule::kTask, two, Text::kWork);
    if (!two.any()) return false;
    // "Summarize the plot" may be "What is the plot?", "Fix the bug" is not "Explain the bug".
    if (two.is("summarize example calculate convert count translate write") ||
        first_left(two.a != nullptr ? b_ : a_, {Kind::kQuestion}, {}) == nullptr)
      return false;
    return tell(kTaskOne) && refuse(Rule::kTask, two.one(), Text::kWorkOne);
  }

  bool closed_classes() {
    struct Row {
      Kind kind;
      Rule rule;
      Text both;
    };
    constexpr Row kRows[] = {
        {Kind::kTechnology, Rule::kLanguage, Text::kSystems}, {Kind::kLanguage, Rule::kLanguage, Text::kLanguages},
        {Kind::kFormat, Rule::kFormat, Text::kForms},         {Kind::kLength, Rule::kFormat, Text::kLengths},
        {Kind::kAudience, Rule::kAudience, Text::kAudiences}, {Kind::kTone, Rule::kFormat, Text::kTones}};
    for (const Row& row : kRows) {
      const Two two = unmatched({row.kind}, "list");
      if (two.any()) return refuse(row.rule, two, row.both, Text::kSays);
    }
    return false;
  }

  bool person() {
    const Two two = unmatched({Kind::kPronoun});
    return two.both() && refuse(Rule::kPerson, two, Text::kPersons);
  }

  // Has this sentence a question or a task? Others tell the facts.
  static bool asks(const Side& side, std::uint16_t sentence) {
    for (const Word& word : side.words) {
      if (word.sentence == sentence && (word.kind == Kind::kQuestion || word.kind == Kind::kTask)) return true;
    }
    return false;
  }

  bool sentences() {
    if (a_.sentences < 2 && b_.sentences < 2) return false;
    for (const Side* side : {&a_, &b_}) {
      for (const Word& word : side->words) {
        // What tells the facts is not reworded: similar words count as different ones.
        const bool differs = word.partner == kNoPartner || word.match <= Match::kSynonym;
        if (!word.dropped && differs && means(word) && !asks(*side, word.sentence))
          return refuse(Rule::kSentence, word, Text::kSentence);
      }
    }
    return false;
  }

  bool constraint() {
    const Word* first[2] = {};
    bool bound[2] = {};
    int count = 0;
    for (const Side* side : {&a_, &b_}) {
      const std::size_t which = side == &a_ ? 0 : 1;
      for (const Word& word : side->words) {
        if (!word.left()) continue;
        if (word.kind == Kind::kPreposition && strong_preposition(word.form)) bound[which] = true;
        if (!means(word)) continue;
        if (first[which] == nullptr) first[which] = &word;
        ++count;
        if (!word.role.empty()) bound[which] = true;
      }
    }
    const Two two = {first[0], first[1]};
    if (two.both() || !two.any() || (!bound[two.a != nullptr ? 0 : 1] && count < 2)) return false;
    return refuse(Rule::kConstraint, two.one(), Text::kAsksFor);
  }

  bool wording() {
    for (const Side* side : {&a_, &b_}) {
      float all = 0;
      float shared = 0;
      for (const Word& word : side->words) {
        const float weight = weight_of(word);
        all += weight;
        if (word.partner != kNoPartner) shared += weight;
      }
      if (shared < all * kLeastShared) return refuse(Rule::kWording, "They share too few words.");
    }
    return false;
  }

  const Lexicon& lexicon_;
  const Side& a_;
  const Side& b_;
  const Findings& findings_;
  std::string_view text_a_;
  std::string_view text_b_;
  const int left_over_;
  const bool one_differs_;
  std::array<float, kSignCount>& signs_;
  Refusal out_;
};

}  // namespace

Refusal refuse(const Lexicon& lexicon, const Alignment& alignment, const Findings& findings, std::string_view a,
               std::string_view b, std::array<float, kSignCount>& signs) {
  return Rules(lexicon, alignment, findings, a, b, signs).run();
}

bool weak_scope(std::string_view form) { return has_word(kWeakScopes, form); }

bool strong_preposition(std::string_view form) {
  return has_word(
      "if because although instead based than against before after until since during between under behind "
      "when where like",
      form);
}

bool in_the_past(const Side& side, bool by_helper) {
  for (std::size_t i = 0; i < side.words.size(); ++i) {
    const Word& word = side.words[i];
    if (word.dropped || word.literal) continue;
    if (by_helper ? word.is(Kind::kTense, "past")
                  : word.past && word.kind == Kind::kContent && !participle(side.words, i))
      return true;
  }
  return false;
}

}  // namespace tierwise::guard
