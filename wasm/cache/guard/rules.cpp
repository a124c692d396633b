#include "cache/guard/rules.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/text.h"
#include "base/words.h"

namespace tierwise::guard {
namespace {

constexpr float kLeastShared = 0.34F;  // of the weight of the words, to be worth a look by the judge

// Two prepositions that cannot stand for each other, in the order of the alphabet.
constexpr std::string_view kOpposed =
    "a/de about/based about/by about/from about/to after/before after/during after/until against/for "
    "against/like against/with although/if antes/después après/avant avec/contre before/behind "
    "before/during before/until between/until by/for by/to con/contra contra/para contre/pour de/à "
    "during/until for/from from/to from/with für/gegen gegen/mit instead/with nach-dem/vor on/under "
    "over/under since/until von/zu";

constexpr std::string_view kWeakScopes = "some still already good main best even exactly";

std::string in_order(std::string_view one, std::string_view two) {
  return one < two ? std::string(one) + '/' + std::string(two) : std::string(two) + '/' + std::string(one);
}
bool opposed(std::string_view one, std::string_view two) { return has_word(kOpposed, in_order(one, two)); }

// "Is it required?", "the used car": no past.
bool participle(const std::vector<Word>& words, std::size_t at) {
  for (std::size_t i = at; i-- > 0 && words[i].sentence == words[at].sentence;) {
    if (words[i].is(Kind::kLight, i + 1 == at ? "is are be being am get gets a the an it" : "is are be being am get gets"))
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

class Rules {
 public:
  Rules(const Lexicon& lexicon, const Alignment& alignment, const Findings& findings, std::string_view a,
        std::string_view b)
      : lexicon_(lexicon), a_(alignment.a), b_(alignment.b), findings_(findings), text_a_(a), text_b_(b) {}

  Refusal run() {
    pasted() || amounts() || negation() || antonyms() || names() || order() || scope() || modality() || tense() ||
        question() || task() || closed_classes() || person() || sentences() || constraint() || wording();
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

  bool refuse(Rule rule, std::string reason) {
    out_ = {rule, std::move(reason)};
    return true;
  }
  // `reason` has a {} for the word.
  bool refuse(Rule rule, const Word& word, const char* reason) { return refuse(rule, fill(reason, {quoted(word)})); }

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
  bool refuse(Rule rule, const Two& two, const char* both, const char* one) {
    if (two.both()) return refuse(rule, fill(both, {quoted(*two.a), quoted(*two.b)}));
    return refuse(rule, two.one(), one);
  }

  bool pasted() {
    const auto literal = [](const Word& word) { return word.literal; };
    const Two two = {first_left(a_, literal), first_left(b_, literal)};
    return two.any() && refuse(Rule::kPasted, two, "The quoted or pasted text differs: {} and {}.",
                               "The quoted or pasted text differs at {}.");
  }

  bool amounts() {
    const Two two = unmatched(
        {Kind::kNumber, Kind::kQuantity, Kind::kTime, Kind::kDate, Kind::kUnit, Kind::kCalendar}, "1");
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
    if (rule == Rule::kNumber)
      return refuse(rule, two, "The numbers differ: {} and {}.", "Only one of them has the number {}.");
    if (rule == Rule::kDate) return refuse(rule, two, "The times differ: {} and {}.", "Only one of them says {}.");
    return refuse(rule, two, "The units differ: {} and {}.", "Only one of them has the unit {}.");
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
    if (two.any())
      return refuse(Rule::kNegation, two, "They deny it in different ways: {} and {}.", "Only one of them says {}.");
    for (std::uint32_t i = 0; i < a_.words.size(); ++i) {
      const Word& word = in_a(i);
      if (word.kind == Kind::kNegation && word.paired() && word.role.empty() && moved(i))
        return refuse(Rule::kNegation, word, "{} denies something else in each of them.");
    }
    return false;
  }

  bool antonyms() {
    for (const Word& one : a_.words) {
      if (!has_opposite(one)) continue;
      for (const Word& two : b_.words) {
        if (has_opposite(two) && opposite(one, two))
          return refuse(Rule::kAntonym, {&one, &two}, "{} is the opposite of {}.", "");
      }
    }
    return false;
  }
  static bool has_opposite(const Word& word) {
    constexpr Kinds kKinds = {Kind::kContent, Kind::kTask, Kind::kScope, Kind::kPreposition, Kind::kTone, Kind::kLength};
    return word.left() && !word.literal && kKinds.has(word.kind);
  }
  bool opposite(const Word& one, const Word& two) const {
    if (one.kind == Kind::kPreposition || two.kind == Kind::kPreposition) {
      return one.kind == two.kind && (opposed(one.form, two.form) ||
                                      has_word("in/out off/on down/up in/off out/on above/below above/under below/over",
                                               in_order(one.form, two.form)));
    }
    if (lexicon_.related(PairSet::kAntonym, one.stem, two.stem)) return true;
    const auto prefixed = [](std::string_view longer, std::string_view shorter) {
      if (longer.size() <= shorter.size() + 1 || shorter.size() < 3 ||
          longer.substr(longer.size() - shorter.size()) != shorter)
        return false;
      return has_word("un in im il ir dis de non anti mis des dés an a under over hyper hypo sub counter ver be ent",
                      longer.substr(0, longer.size() - shorter.size()));
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
    const Two two = {first_left(a_, name), first_left(b_, name)};
    return two.any() &&
           refuse(Rule::kName, two, "They name different things: {} and {}.", "Only one of them names {}.");
  }

  bool order() {
    if (findings_.swapped_first != kNoPartner) {
      return refuse(Rule::kOrder, {&in_a(findings_.swapped_first), &in_a(findings_.swapped_second)},
                    "{} and {} changed places.", "");
    }
    if (findings_.bare_first != kNoPartner && (asked("yesno who")))
      return refuse(Rule::kOrder, in_a(findings_.bare_first), "{} stands in another place.");
    for (const Word& word : a_.words) {
      if (!word.paired() || !has_place(word)) continue;
      const Word& other = in_b(word.partner);
      if (!has_place(other)) continue;
      if (word.past && other.past && passive(a_, word) != passive(b_, other))
        return refuse(Rule::kOrder, word, "Who does it and to whom it is done differs: {}.");
      if (!word.role.empty() && !other.role.empty() && word.role != other.role && opposed(word.role, other.role)) {
        return refuse(Rule::kOrder, fill("{} is behind \"{}\" in one and behind \"{}\" in the other.",
                                         {quoted(word), word.role, other.role}));
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
  static bool passive(const Side& side, const Word& verb) {
    const Word* const first = side.words.data();
    if (&verb > first && (&verb)[-1].begin == verb.begin) return true;
    for (const Word* word = &verb; word-- > first && word->sentence == verb.sentence && &verb - word <= 3;) {
      if (word->is("is are be been being am was were get gets has have had") || word->is(Kind::kTense, "past"))
        return true;
    }
    return false;
  }

  bool scope() {
    const char* both = "How much or how often differs: {} and {}.";
    Two two = unmatched({Kind::kScope});
    const auto weak = [](const Word* word) { return word == nullptr || weak_scope(word->form); };
    // A strong one behind a weak one.
    if (!two.both() && weak(two.a) && weak(two.b)) two = unmatched({Kind::kScope}, kWeakScopes);
    if (two.any()) return refuse(Rule::kScope, two, both, "Only one of them says {}.");
    for (std::uint32_t i = 0; i < a_.words.size(); ++i) {
      const Word& word = in_a(i);
      if (word.paired() && word.is(Kind::kScope, "only all even at-most least except") && moved(i))
        return refuse(Rule::kScope, word, "{} belongs to something else in each of them.");
    }
    return false;
  }

  bool modality() {
    const Two two = unmatched({Kind::kModal}, "would");
    return (two.both() || two.is("must allowed may")) &&
           refuse(Rule::kModality, two, "What may, must or should be differs: {} and {}.", "Only one of them says {}.");
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
    if (future(a_) != future(b_) && (past_a || past_b || !soon()))
      return refuse(Rule::kTense, "One of them is about the future.");
    if (past_a == past_b) return false;
    const Side& past = past_a ? a_ : b_;
    if (in_the_past(past, true) || led(past, past_a ? b_ : a_))
      return refuse(Rule::kTense, "One of them is about the past.");
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
    const char* both = "They ask for different things: {} and {}.";
    if (two.both() && !two.is("yesno")) return refuse(Rule::kQuestion, two, both, "");
    const char* yes_or_no = "Only one of them is answered with yes or no.";
    if (two.both()) return refuse(Rule::kQuestion, yes_or_no);
    // One that is answered with yes or no, against one that is not.
    const Word& word = two.one();
    const Side& other = two.a != nullptr ? b_ : a_;
    bool other_asks = any.both();
    for (const Word& its : other.words) {
      if ((its.kind == Kind::kQuestion || its.kind == Kind::kTask) && !its.dropped) other_asks = true;
    }
    // "Where can I rent a boat?", "Rent a boat".
    if (!any.both() && word.is("why when where where-to how-long how-often"))
      return refuse(Rule::kQuestion, word, "Only one of them asks {}.");
    if (word.is("yesno")) return other_asks && refuse(Rule::kQuestion, yes_or_no);
    return any.both() && word.is("why how") && refuse(Rule::kQuestion, any, both, "");
  }

  bool task() {
    const Two two = unmatched({Kind::kTask});
    if (two.both()) return refuse(Rule::kTask, two, "They ask for different work: {} and {}.", "");
    if (!two.any()) return false;
    // "Summarize the plot" may be "What is the plot?", "Fix the bug" is not "Explain the bug".
    if (two.is("summarize example calculate convert count translate write") ||
        first_left(two.a != nullptr ? b_ : a_, {Kind::kQuestion}, {}) == nullptr)
      return false;
    return refuse(Rule::kTask, two.one(), "Only one of them asks for the work of {}.");
  }

  bool closed_classes() {
    struct Row {
      Kind kind;
      Rule rule;
      const char* both;
    };
    constexpr Row kRows[] = {
        {Kind::kTechnology, Rule::kLanguage, "They are about different systems: {} and {}."},
        {Kind::kLanguage, Rule::kLanguage, "They are about different languages or countries: {} and {}."},
        {Kind::kFormat, Rule::kFormat, "They ask for different forms: {} and {}."},
        {Kind::kLength, Rule::kFormat, "They ask for different lengths: {} and {}."},
        {Kind::kAudience, Rule::kAudience, "They are for different people: {} and {}."},
        {Kind::kTone, Rule::kFormat, "They ask for different tones: {} and {}."}};
    for (const Row& row : kRows) {
      const Two two = unmatched({row.kind}, "list");
      if (two.any()) return refuse(row.rule, two, row.both, "Only one of them says {}.");
    }
    return false;
  }

  bool person() {
    const Two two = unmatched({Kind::kPronoun});
    return two.both() && refuse(Rule::kPerson, two, "They are about different people: {} and {}.", "");
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
          return refuse(Rule::kSentence, word, "One sentence differs: {} is in one of them only.");
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
    return refuse(Rule::kConstraint, two.one(), "Only one of them asks for {}.");
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
  Refusal out_;
};

}  // namespace

Refusal refuse(const Lexicon& lexicon, const Alignment& alignment, const Findings& findings, std::string_view a,
               std::string_view b) {
  return Rules(lexicon, alignment, findings, a, b).run();
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
    if (by_helper ? word.is(Kind::kTense, "past") : word.past && word.kind == Kind::kContent && !participle(side.words, i))
      return true;
  }
  return false;
}

}  // namespace tierwise::guard
