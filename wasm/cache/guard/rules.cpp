#include "cache/guard/rules.h"

#include <algorithm>
#include <initializer_list>

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

bool is_one_of(Kind kind, std::initializer_list<Kind> kinds) {
  return std::find(kinds.begin(), kinds.end(), kind) != kinds.end();
}

std::string in_order(std::string_view one, std::string_view two) {
  return one < two ? std::string(one) + '/' + std::string(two) : std::string(two) + '/' + std::string(one);
}
bool opposed(std::string_view one, std::string_view two) { return has_word(kOpposed, in_order(one, two)); }

// "Is it required?", "the used car": no past.
bool participle(const std::vector<Word>& words, std::size_t at) {
  for (std::size_t i = at; i-- > 0 && words[i].sentence == words[at].sentence;) {
    if (words[i].kind == Kind::kLight && has_word("is are be being am get gets", words[i].form)) return true;
    if (i + 1 == at && words[i].kind == Kind::kLight && has_word("a the an it", words[i].form)) return true;
  }
  return false;
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
  const Word& in_a(std::uint32_t i) const { return a_.words->words[i]; }
  const Word& in_b(std::uint32_t j) const { return b_.words->words[j]; }

  std::string quoted(const Word& word, bool of_a) const {
    const std::string_view text = of_a ? text_a_ : text_b_;
    const std::size_t begin = std::min<std::size_t>(word.begin, text.size());
    return '"' + to_valid_utf8(cut_utf8(text.substr(begin, word.end - begin), 60)) + '"';
  }

  bool refuse(Rule rule, std::string reason) {
    out_ = {rule, std::move(reason)};
    return true;
  }

  // The first unmatched words of these kinds, in a, in b; kNoPartner where there is none.
  struct Two {
    std::uint32_t a = kNoPartner;
    std::uint32_t b = kNoPartner;
    bool any() const { return a != kNoPartner || b != kNoPartner; }
    bool both() const { return a != kNoPartner && b != kNoPartner; }
  };
  template <typename Wanted>
  Two unmatched(const Wanted& wanted) const {
    Two two;
    for (const std::uint32_t i : findings_.left_a) {
      if (wanted(in_a(i))) {
        two.a = i;
        break;
      }
    }
    for (const std::uint32_t j : findings_.left_b) {
      if (wanted(in_b(j))) {
        two.b = j;
        break;
      }
    }
    return two;
  }

  // `both` has a {} for each word, `one` has one.
  bool refuse(Rule rule, Two two, std::string_view both, std::string_view one) {
    if (two.both()) return refuse(rule, fill(both, {quoted(in_a(two.a), true), quoted(in_b(two.b), false)}));
    return refuse(rule, fill(one, {two.a != kNoPartner ? quoted(in_a(two.a), true) : quoted(in_b(two.b), false)}));
  }

  bool pasted() {
    const Two two = unmatched([](const Word& word) { return word.literal; });
    return two.any() && refuse(Rule::kPasted, two, "The quoted or pasted text differs: {} and {}.",
                               "The quoted or pasted text differs at {}.");
  }

  bool amounts() {
    const Two two = unmatched([](const Word& word) {
      return is_one_of(word.kind,
                       {Kind::kNumber, Kind::kQuantity, Kind::kTime, Kind::kDate, Kind::kUnit, Kind::kCalendar}) &&
             word.form != "1";
    });
    if (!two.any()) return false;
    Rule rule = Rule::kNumber;
    bool lone_unit = !two.both();
    for (const Word* word :
         {two.a == kNoPartner ? nullptr : &in_a(two.a), two.b == kNoPartner ? nullptr : &in_b(two.b)}) {
      if (word == nullptr) continue;
      if (is_one_of(word->kind, {Kind::kTime, Kind::kDate, Kind::kCalendar}))
        rule = Rule::kDate;
      else if (word->kind == Kind::kUnit && rule == Rule::kNumber)
        rule = Rule::kUnit;
      if (word->kind != Kind::kUnit || !has_word("h min s day week month year", word->form)) lone_unit = false;
    }
    // "How many days a week", "how often": the judge decides.
    if (lone_unit) return false;
    if (two.both() && in_a(two.a).kind == Kind::kQuantity && in_b(two.b).kind == Kind::kQuantity) {
      const auto unit = [](const Word& word) { return word.form.substr(word.form.find(' ') + 1); };
      // "5 mg" and "5 kg" have one unit here.
      const auto written = [](std::string_view text, const Word& word) {
        const std::string_view bytes =
            text.substr(std::min<std::size_t>(word.begin, text.size()), word.end - word.begin);
        return bytes.substr(0, bytes.find_first_not_of("0123456789.,"));
      };
      const std::string_view digits = written(text_a_, in_a(two.a));
      if (unit(in_a(two.a)) != unit(in_b(two.b)) || (!digits.empty() && digits == written(text_b_, in_b(two.b))))
        rule = Rule::kUnit;
    }
    constexpr std::string_view kBoth[] = {"The numbers differ: {} and {}.", "The times differ: {} and {}.",
                                          "The units differ: {} and {}."};
    constexpr std::string_view kOne[] = {"Only one of them has the number {}.", "Only one of them says {}.",
                                         "Only one of them has the unit {}."};
    const std::size_t row = rule == Rule::kNumber ? 0 : rule == Rule::kDate ? 1 : 2;
    return refuse(rule, two, kBoth[row], kOne[row]);
  }

  // The next word behind `i` that something can be said of.
  static std::uint32_t next_word(const Side& side, std::uint32_t i) {
    const auto& words = side.words->words;
    for (std::uint32_t k = i + 1; k < words.size() && words[k].sentence == words[i].sentence; ++k) {
      if (has_place(words[k]) || is_one_of(words[k].kind, {Kind::kTask, Kind::kModal, Kind::kCalendar})) return k;
    }
    return kNoPartner;
  }
  // Does what stands behind this word of a, matched with `j` of b, stand behind that one too?
  bool moved(std::uint32_t i) const {
    const std::uint32_t next_a = next_word(a_, i);
    const std::uint32_t next_b = next_word(b_, a_.partner[i]);
    if (next_a == kNoPartner || next_b == kNoPartner) return false;
    return a_.partner[next_a] != kNoPartner && b_.partner[next_b] != kNoPartner && a_.partner[next_a] != next_b &&
           b_.partner[next_b] != next_a;
  }

  bool negation() {
    const Two two = unmatched([](const Word& word) { return word.kind == Kind::kNegation; });
    if (two.any())
      return refuse(Rule::kNegation, two, "They deny it in different ways: {} and {}.", "Only one of them says {}.");
    for (std::uint32_t i = 0; i < a_.partner.size(); ++i) {
      if (in_a(i).kind != Kind::kNegation || a_.partner[i] == kNoPartner || a_.dropped[i] || in_a(i).role.size() > 0)
        continue;
      if (moved(i))
        return refuse(Rule::kNegation, fill("{} denies something else in each of them.", {quoted(in_a(i), true)}));
    }
    return false;
  }

  bool antonyms() {
    for (const std::uint32_t i : findings_.left_a) {
      const Word& one = in_a(i);
      if (!has_opposite(one)) continue;
      for (const std::uint32_t j : findings_.left_b) {
        const Word& two = in_b(j);
        if (!has_opposite(two) || !opposite(one, two)) continue;
        return refuse(Rule::kAntonym, fill("{} is the opposite of {}.", {quoted(one, true), quoted(two, false)}));
      }
    }
    return false;
  }
  static bool has_opposite(const Word& word) {
    return !word.literal && is_one_of(word.kind, {Kind::kContent, Kind::kTask, Kind::kScope, Kind::kPreposition,
                                                  Kind::kTone, Kind::kLength});
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
    const bool english = a_.words->language == Language::kEnglish;
    const Two two = unmatched([english](const Word& word) {
      return word.kind == Kind::kContent && (word.capital || (english && !word.known)) && !word.literal;
    });
    return two.any() &&
           refuse(Rule::kName, two, "They name different things: {} and {}.", "Only one of them names {}.");
  }

  bool order() {
    if (findings_.swapped_first != kNoPartner) {
      return refuse(Rule::kOrder, fill("{} and {} changed places.", {quoted(in_a(findings_.swapped_first), true),
                                                                     quoted(in_a(findings_.swapped_second), true)}));
    }
    if (findings_.bare_first != kNoPartner && (asked("yesno") || asked("who"))) {
      return refuse(Rule::kOrder, fill("{} stands in another place.", {quoted(in_a(findings_.bare_first), true)}));
    }
    for (std::uint32_t i = 0; i < a_.partner.size(); ++i) {
      const std::uint32_t j = a_.partner[i];
      if (j == kNoPartner || a_.dropped[i] || !has_place(in_a(i)) || !has_place(in_b(j))) continue;
      if (in_a(i).past && in_b(j).past && passive(a_, i) != passive(b_, j)) {
        return refuse(Rule::kOrder, fill("Who does it and to whom it is done differs: {}.", {quoted(in_a(i), true)}));
      }
      const std::string_view one = in_a(i).role;
      const std::string_view two = in_b(j).role;
      if (one.empty() || two.empty() || one == two) continue;
      if (opposed(one, two)) {
        return refuse(Rule::kOrder, fill("{} is behind \"{}\" in one and behind \"{}\" in the other.",
                                         {quoted(in_a(i), true), one, two}));
      }
    }
    return false;
  }

  // Do both ask this?
  bool asked(std::string_view form) const {
    for (std::uint32_t i = 0; i < a_.partner.size(); ++i) {
      if (in_a(i).kind == Kind::kQuestion && in_a(i).form == form && a_.partner[i] != kNoPartner) return true;
    }
    return false;
  }
  // "was asked", against "asked". What a question's phrase was made of ("who painted") is counted as passive:
  // "by whom".
  static bool passive(const Side& side, std::uint32_t at) {
    const auto& words = side.words->words;
    if (at > 0 && words[at - 1].begin == words[at].begin) return true;
    for (std::uint32_t i = at; i-- > 0 && words[i].sentence == words[at].sentence && at - i <= 3;) {
      if (has_word("is are be been being am was were get gets has have had", words[i].form)) return true;
      if (words[i].kind == Kind::kTense && words[i].form == "past") return true;
    }
    return false;
  }

  bool scope() {
    const Two two = unmatched([](const Word& word) { return word.kind == Kind::kScope; });
    const auto weak = [this](std::uint32_t at, bool of_a) {
      return at == kNoPartner || weak_scope(of_a ? in_a(at).form : in_b(at).form);
    };
    if (two.both() || !weak(two.a, true) || !weak(two.b, false)) {
      return refuse(Rule::kScope, two, "How much or how often differs: {} and {}.", "Only one of them says {}.");
    }
    const Two strong = unmatched([](const Word& word) { return word.kind == Kind::kScope && !weak_scope(word.form); });
    if (strong.any())
      return refuse(Rule::kScope, strong, "How much or how often differs: {} and {}.", "Only one of them says {}.");
    for (std::uint32_t i = 0; i < a_.partner.size(); ++i) {
      if (in_a(i).kind != Kind::kScope || a_.partner[i] == kNoPartner || a_.dropped[i]) continue;
      if (has_word("only all even at-most least except", in_a(i).form) && moved(i)) {
        return refuse(Rule::kScope, fill("{} belongs to something else in each of them.", {quoted(in_a(i), true)}));
      }
    }
    return false;
  }

  bool modality() {
    const Two two = unmatched([](const Word& word) { return word.kind == Kind::kModal && word.form != "would"; });
    if (!two.any()) return false;
    const auto strong = [this](std::uint32_t at, bool of_a) {
      return at != kNoPartner && has_word("must allowed may", of_a ? in_a(at).form : in_b(at).form);
    };
    if (!two.both() && !strong(two.a, true) && !strong(two.b, false)) return false;
    return refuse(Rule::kModality, two, "What may, must or should be differs: {} and {}.", "Only one of them says {}.");
  }

  bool tense() {
    const auto future = [](const Side& side) {
      for (std::size_t i = 0; i < side.partner.size(); ++i) {
        const Word& word = side.words->words[i];
        if (word.kind == Kind::kTense && word.form == "future" && !side.dropped[i]) return true;
      }
      return false;
    };
    const bool future_a = future(a_);
    const bool future_b = future(b_);
    const bool past_a = in_the_past(a_, true) || in_the_past(a_, false);
    const bool past_b = in_the_past(b_, true) || in_the_past(b_, false);
    if (future_a != future_b && (past_a || past_b || !soon()))
      return refuse(Rule::kTense, "One of them is about the future.");
    if (past_a == past_b) return false;
    const Side& past = past_a ? a_ : b_;
    if (in_the_past(past, true) || led(past, past_a ? b_ : a_))
      return refuse(Rule::kTense, "One of them is about the past.");
    return false;
  }
  // A time to come is named: "tomorrow".
  bool soon() const {
    for (std::uint32_t i = 0; i < a_.partner.size(); ++i) {
      if (a_.partner[i] != kNoPartner && in_a(i).kind == Kind::kCalendar) return true;
    }
    return false;
  }
  // Is a verb's past form matched with the same verb in the present?
  static bool led(const Side& past, const Side& other) {
    for (std::size_t i = 0; i < past.partner.size(); ++i) {
      if (past.words->words[i].past && !participle(past.words->words, i) && past.partner[i] != kNoPartner &&
          !past.dropped[i] && !other.words->words[past.partner[i]].past)
        return true;
    }
    return false;
  }

  bool question() {
    const Two two = unmatched(
        [](const Word& word) { return word.kind == Kind::kQuestion && word.form != "what" && word.form != "tell"; });
    if (!two.any()) return false;
    const Two any = unmatched([](const Word& word) { return word.kind == Kind::kQuestion; });
    if (two.both() && in_a(two.a).form != "yesno" && in_b(two.b).form != "yesno") {
      return refuse(Rule::kQuestion, two, "They ask for different things: {} and {}.", "");
    }
    if (two.both()) return refuse(Rule::kQuestion, "Only one of them is answered with yes or no.");
    // One that is answered with yes or no, against one that is not.
    const Word& word = two.a != kNoPartner ? in_a(two.a) : in_b(two.b);
    const Side& other = two.a != kNoPartner ? b_ : a_;
    bool other_asks = any.both();
    for (std::size_t i = 0; i < other.partner.size(); ++i) {
      const Word& its = other.words->words[i];
      if ((its.kind == Kind::kQuestion || its.kind == Kind::kTask) && !other.dropped[i]) other_asks = true;
    }
    // "Where can I rent a boat?", "Rent a boat".
    if (!any.both() && has_word("why when where where-to how-long how-often", word.form)) {
      return refuse(Rule::kQuestion, fill("Only one of them asks {}.", {quoted(word, two.a != kNoPartner)}));
    }
    if (word.form == "yesno" ? other_asks : any.both() && has_word("why how", word.form)) {
      if (word.form == "yesno") return refuse(Rule::kQuestion, "Only one of them is answered with yes or no.");
      return refuse(Rule::kQuestion, any, "They ask for different things: {} and {}.", "Only one of them asks {}.");
    }
    return false;
  }

  bool task() {
    const Two two = unmatched([](const Word& word) { return word.kind == Kind::kTask; });
    if (two.both()) return refuse(Rule::kTask, two, "They ask for different work: {} and {}.", "");
    if (!two.any()) return false;
    // "Summarize the plot" may be "What is the plot?", "Fix the bug" is not "Explain the bug".
    const Word& word = two.a != kNoPartner ? in_a(two.a) : in_b(two.b);
    const Two asked = unmatched([](const Word& its) { return its.kind == Kind::kQuestion; });
    if (has_word("summarize example calculate convert count translate write", word.form) ||
        (two.a != kNoPartner ? asked.b : asked.a) == kNoPartner)
      return false;
    return refuse(Rule::kTask, fill("Only one of them asks for the work of {}.", {quoted(word, two.a != kNoPartner)}));
  }

  bool closed_classes() {
    struct Row {
      Kind kind;
      Rule rule;
      std::string_view both;
    };
    constexpr Row kRows[] = {
        {Kind::kTechnology, Rule::kLanguage, "They are about different systems: {} and {}."},
        {Kind::kLanguage, Rule::kLanguage, "They are about different languages or countries: {} and {}."},
        {Kind::kFormat, Rule::kFormat, "They ask for different forms: {} and {}."},
        {Kind::kLength, Rule::kFormat, "They ask for different lengths: {} and {}."},
        {Kind::kAudience, Rule::kAudience, "They are for different people: {} and {}."},
        {Kind::kTone, Rule::kFormat, "They ask for different tones: {} and {}."}};
    for (const Row& row : kRows) {
      const Two two = unmatched([&row](const Word& word) { return word.kind == row.kind && word.form != "list"; });
      if (two.any()) return refuse(row.rule, two, row.both, "Only one of them says {}.");
    }
    return false;
  }

  bool person() {
    const Two two = unmatched([](const Word& word) { return word.kind == Kind::kPronoun; });
    return two.both() && refuse(Rule::kPerson, two, "They are about different people: {} and {}.", "");
  }

  // Has this sentence a question or a task? Others tell the facts.
  static bool asks(const Side& side, std::uint16_t sentence) {
    for (const Word& word : side.words->words) {
      if (word.sentence == sentence && (word.kind == Kind::kQuestion || word.kind == Kind::kTask)) return true;
    }
    return false;
  }

  bool sentences() {
    if (a_.words->sentences < 2 && b_.words->sentences < 2) return false;
    for (const bool of_a : {true, false}) {
      const Side& side = of_a ? a_ : b_;
      for (std::uint32_t i = 0; i < side.partner.size(); ++i) {
        const Word& word = side.words->words[i];
        // What tells the facts is not reworded: similar words count as different ones.
        const bool differs = side.partner[i] == kNoPartner || side.match[i] <= Match::kSynonym;
        if (side.dropped[i] || !differs || weight_of(word) < 0.7F || asks(side, word.sentence)) continue;
        return refuse(Rule::kSentence, fill("One sentence differs: {} is in one of them only.", {quoted(word, of_a)}));
      }
    }
    return false;
  }

  bool constraint() {
    const auto content = [](const Side& side, const std::vector<std::uint32_t>& left, bool& bound,
                            std::uint32_t& first) {
      int count = 0;
      for (const std::uint32_t i : left) {
        const Word& word = side.words->words[i];
        if (word.kind == Kind::kPreposition && strong_preposition(word.form)) bound = true;
        if (weight_of(word) < 0.7F) continue;
        if (count == 0) first = i;
        ++count;
        if (!word.role.empty()) bound = true;
      }
      return count;
    };
    bool bound_a = false;
    bool bound_b = false;
    std::uint32_t first_a = kNoPartner;
    std::uint32_t first_b = kNoPartner;
    const int of_a = content(a_, findings_.left_a, bound_a, first_a);
    const int of_b = content(b_, findings_.left_b, bound_b, first_b);
    if ((of_a > 0) == (of_b > 0)) return false;
    const bool in_first = of_a > 0;
    if (!(in_first ? bound_a : bound_b) && of_a + of_b < 2) return false;
    return refuse(Rule::kConstraint, fill("Only one of them asks for {}.",
                                          {in_first ? quoted(in_a(first_a), true) : quoted(in_b(first_b), false)}));
  }

  bool wording() {
    for (const Side* side : {&a_, &b_}) {
      float all = 0;
      float shared = 0;
      for (std::size_t i = 0; i < side->partner.size(); ++i) {
        const float weight = weight_of(side->words->words[i]);
        all += weight;
        if (side->partner[i] != kNoPartner) shared += weight;
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

bool weak_scope(std::string_view form) { return has_word("some still already good main best even exactly", form); }

bool strong_preposition(std::string_view form) {
  return has_word(
      "if because although instead based than against before after until since during between under behind "
      "when where like",
      form);
}

bool in_the_past(const Side& side, bool by_helper) {
  const auto& words = side.words->words;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (side.dropped[i] || words[i].literal) continue;
    if (by_helper) {
      if (words[i].kind == Kind::kTense && words[i].form == "past") return true;
    } else if (words[i].past && words[i].kind == Kind::kContent) {
      if (!participle(words, i)) return true;
    }
  }
  return false;
}

}  // namespace tierwise::guard
