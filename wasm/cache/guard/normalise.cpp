#include "cache/guard/normalise.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/ascii.h"
#include "base/text.h"
#include "base/words.h"
#include "cache/guard/numbers.h"
#include "cache/guard/spelling.h"

namespace tierwise::guard {
namespace {

constexpr std::size_t kMaxFronted = 16;  // words of a fronted adverbial or clause
constexpr std::size_t kMaxCorrections = 8;
constexpr std::size_t kMinPasted = 4;  // words behind a colon that count as pasted

constexpr Kinds kTellLanguage = {Kind::kLight,       Kind::kNegation, Kind::kScope,       Kind::kModal, Kind::kQuestion,
                                 Kind::kPreposition, Kind::kPronoun,  Kind::kConjunction, Kind::kTense};

// By the function words of each language; English when nothing speaks for another.
Language language_of(const Lexicon& lexicon, const RawWords& raw) {
  if (raw.foreign * 10 > raw.letters * 3) return Language::kOther;
  std::array<int, 5> votes = {};
  std::size_t looked_at = 0;
  for (const RawWord& word : raw.words) {
    if (word.literal || word.symbol) continue;
    if (++looked_at > 150) break;
    const std::size_t apostrophe = word.text.find('\'');
    for (std::size_t i = 0; i < votes.size(); ++i) {
      const auto language = static_cast<Language>(i);
      const std::string_view text = word.text.substr(0, language == Language::kFrench ? apostrophe : word.text.size());
      if (kTellLanguage.has(lexicon.kind_of(language, text))) votes[i] += 2;
      // Letters of one language.
      constexpr std::string_view kOwn[] = {"", "äöüß", "çèêœûîàù", "ñ¿¡", "ãõąęłżźśćčřšžåøæğışő"};
      for (std::size_t at = 0; at + 1 < text.size(); ++at) {
        if (static_cast<unsigned char>(text[at]) >= 0xc3 && kOwn[i].find(text.substr(at, 2)) != std::string_view::npos)
          votes[i] += 2;
      }
    }
    if (word.text.size() >= 4 && lexicon.known(word.text)) ++votes[0];
    // n't, 's, 'll: nobody else has them behind so many letters.
    if (apostrophe != std::string::npos && apostrophe >= 2 && word.text.size() - apostrophe <= 3 &&
        word.text != "aujourd'hui")
      votes[0] += 2;
  }
  const auto best = std::max_element(votes.begin(), votes.end());
  if (*best == 0) return Language::kEnglish;
  return static_cast<Language>(best - votes.begin());
}

bool is_roman(std::string_view letters, int& value) {
  value = 0;
  int before = 0;
  for (std::size_t i = letters.size(); i-- > 0;) {
    const int one = letters[i] == 'I' ? 1 : letters[i] == 'V' ? 5 : letters[i] == 'X' ? 10 : 0;
    if (one == 0) return false;
    value += one < before ? -one : one;
    before = std::max(before, one);
  }
  return letters.size() >= 2 && letters.size() <= 5;
}

class Normaliser {
 public:
  Normaliser(const Lexicon& lexicon, std::string_view text, const std::vector<Correction>& corrections)
      : lexicon_(lexicon), text_(text), corrections_(corrections) {}

  Words run() {
    RawWords raw = read_words(text_, kMaxGuardBytes, kMaxGuardWords);
    out_.cut = raw.cut;
    out_.language = language_of(lexicon_, raw);
    take_apart(raw, out_.language);
    out_.texts = std::move(raw.texts);
    prepare(raw.words);
    out_.words.reserve(words_.size());
    for (std::size_t at = 0; at < words_.size();) {
      const std::size_t before = at;
      if (begins_sentence(at)) begin_sentence(at);
      at += words_[at].literal || pasted_ ? literal(at) : word(at);
      const Pause pause = words_[at - 1].pause;
      if (!out_.words.empty() && emitted_) out_.words.back().pause = std::max(out_.words.back().pause, pause);
      if (pause != Pause::kNone) role_ = {};
      if (pause == Pause::kColon && asked_ && words_.size() - at >= kMinPasted && !quick_) pasted_ = true;
      if (pause >= Pause::kEnd || at == words_.size()) end_sentence(pause);
      if (at == before) ++at;
    }
    return std::move(out_);
  }

 private:
  // words_ of `words`: units apart, corrected, respelled.
  void prepare(std::vector<RawWord>& words) {
    split_units(lexicon_, out_.language, words);
    std::size_t capitals = 0;
    std::size_t candidates = 0;
    for (RawWord word : words) {
      if (!word.starts && !word.symbol && !is_digit(word.text[0])) {
        ++candidates;
        capitals += word.capital ? 1 : 0;
      }
      if (!word.literal) {
        for (const Correction& correction : corrections_) {
          if (correction.begin == word.begin) word.text = correction.text;
        }
        if (out_.language == Language::kEnglish) word.text = respelled(word.text);
        target_.clear();
        if (lexicon_.kind_of(out_.language, word.text) == Kind::kRespell) {
          const std::string_view text = word.text;
          lexicon_.phrase(
              out_.language, 1, false, 1, [text](std::size_t) { return text; }, target_);
        }
        for (std::size_t i = 0; i < target_.size(); ++i) {
          if (i > 0) {
            const Pause pause = std::exchange(word.pause, Pause::kNone);
            words_.push_back(word);
            word.pause = pause;
            word.starts = word.capital = word.odd = false;
          }
          word.text = target_[i].form;
        }
      }
      words_.push_back(word);
    }
    // Where most words have capitals they tell nothing; nor do they in German.
    capitals_tell_ = out_.language != Language::kGerman && capitals * 10 <= candidates * 6;
  }

  std::string_view respelled(std::string_view word) {
    scratch_ = word;
    respell(scratch_);
    return scratch_ == word ? word : out_.texts.keep(scratch_);
  }
  std::string_view stem(std::string_view word, bool& past) {
    scratch_ = stem_of(lexicon_, out_.language, word, past);
    return scratch_ == word ? word : out_.texts.keep(scratch_);
  }

  bool begins_sentence(std::size_t at) const { return at == 0 || words_[at - 1].pause >= Pause::kEnd; }

  void begin_sentence(std::size_t at) {
    first_ = out_.words.size();
    starts_ = true;
    polite_ = false;
    role_ = {};
    asks_ = 0;
    if (pasted_ || words_[at].literal) return;
  }

  // Has the sentence had nothing but greetings?
  bool nothing_yet() const {
    const std::string_view greetings = lexicon_.text(Text::kGreetings);
    return std::all_of(out_.words.begin() + static_cast<std::ptrdiff_t>(first_), out_.words.end(),
                       [greetings](const Word& word) { return word.is(Kind::kLight, greetings); });
  }

  // May this word begin a question that is answered with yes or no?
  bool may_ask(std::size_t at) const {
    const auto row = static_cast<std::size_t>(out_.language);
    if (row > 3 || !has_word(lexicon_.text(Text::kFirstOfQuestions, row), words_[at].text)) return false;
    if (!has_word("do have need", words_[at].text)) return true;
    return at + 1 < words_.size() && has_word(lexicon_.text(Text::kPeopleAsked), words_[at + 1].text);
  }

  Word made_of(std::size_t from, std::size_t count) const {
    Word word;
    word.begin = words_[from].begin;
    word.end = words_[from + count - 1].end;
    for (std::size_t i = from; i < from + count; ++i) word.end = std::max(word.end, words_[i].end);
    word.sentence = out_.sentences;
    return word;
  }

  void emit(Word& word) {
    if (word.base.empty()) word.base = word.form;
    word.stem = hash_word(word.base);
    if (word.kind == Kind::kPreposition) {
      out_.words.push_back(word);
      emitted_ = true;
      return;
    }
    if (word.kind == Kind::kQuestion || word.kind == Kind::kTask || word.kind == Kind::kTense) role_ = {};
    if (word.kind != Kind::kLight && word.kind != Kind::kScope && word.kind != Kind::kNegation && word.role.empty() &&
        role_left_ > 0) {
      word.role = role_;
      if (--role_left_ == 0) role_ = {};
    }
    emitted_ = true;
    out_.words.push_back(word);
  }

  std::size_t literal(std::size_t at) {
    Word word = made_of(at, 1);
    word.form = words_[at].text;
    word.literal = true;
    emit(word);
    starts_ = false;
    return 1;
  }

  // How many words of a phrase may begin at `at`: up to the next pause.
  std::size_t reach(std::size_t at) const {
    std::size_t count = 1;
    while (at + count < words_.size() && words_[at + count - 1].pause == Pause::kNone && !words_[at + count].literal &&
           count < 12)
      ++count;
    return count;
  }

  std::size_t word(std::size_t at) {
    emitted_ = false;
    const auto word_at = [this, at](std::size_t i) { return words_[at + i].text; };
    if (starts_ && !polite_ && nothing_yet() && may_ask(at)) asks_ = 1;
    std::vector<Canonical>& target = target_;
    const std::size_t count = reach(at);
    if (const std::size_t used = lexicon_.phrase(out_.language, count, starts_, 2, word_at, target); used > 0) {
      return canonical(at, used);
    }
    if (const std::size_t used = money(at); used > 0) return used;
    const NumberRead number = read_number(lexicon_, out_.language, words_, at);
    if (number.words > 0) {
      Word word = made_of(at, number.words);
      word.form = out_.texts.keep(number.form);
      word.kind = number.kind;
      emit(word);
      starts_ = false;
      return number.words;
    }
    int roman = 0;
    if (is_roman(text_.substr(words_[at].begin, words_[at].end - words_[at].begin), roman)) {
      Word word = made_of(at, 1);
      word.form = out_.texts.keep(digits(roman));
      word.kind = Kind::kNumber;
      emit(word);
      starts_ = false;
      return 1;
    }
    // "column A"
    if (out_.language == Language::kEnglish && words_[at].text == "a" && words_[at].capital && !words_[at].starts)
      return content(at);
    if (lexicon_.phrase(out_.language, 1, starts_, 1, word_at, target) > 0) return canonical(at, 1);
    return content(at);
  }

  // "$20"
  std::size_t money(std::size_t at) {
    if (!words_[at].symbol || at + 1 >= words_.size() ||
        lexicon_.kind_of(out_.language, words_[at].text) != Kind::kUnit)
      return 0;
    if (!is_digit(words_[at + 1].text[0])) return 0;
    std::vector<Canonical> unit;
    lexicon_.phrase(
        out_.language, 1, false, 1, [&](std::size_t) { return words_[at].text; }, unit);
    const NumberRead number = read_number(lexicon_, out_.language, words_, at + 1);
    if (number.words == 0 || number.kind != Kind::kNumber || unit.size() != 1) return 0;
    Word word = made_of(at, 1 + number.words);
    word.kind = Kind::kQuantity;
    scratch_ = number.form;
    scratch_ += ' ';
    scratch_ += unit[0].form;
    word.form = out_.texts.keep(scratch_);
    emit(word);
    starts_ = false;
    return 1 + number.words;
  }

  std::size_t canonical(std::size_t at, std::size_t used) {
    bool only_light = true;
    // Kept: emit() may look phrases up.
    const std::vector<Canonical> target = target_;
    for (const Canonical& one : target) {
      Word word = made_of(at, used);
      word.kind = one.kind;
      word.form = one.form;
      if (one.kind != Kind::kLight) only_light = false;
      // "up to 5", but "up the hill"; "about 20", but "about bees".
      if (used == 1 && word.is(Kind::kScope, "about more-than less-than") &&
          (at + 1 >= words_.size() || read_number(lexicon_, out_.language, words_, at + 1).words == 0)) {
        word.kind = Kind::kPreposition;
        word.form = words_[at].text;
        if (one.form == "about") word.form = "about";
      }
      if (word.kind == Kind::kPreposition) {
        role_ = one.form;
        role_left_ = 4;
      }
      if (one.kind == Kind::kTask || (word.is("tell") && has_word("explain describe", words_[at].text))) asked_ = true;
      if (one.kind == Kind::kLight) {
        word.form = used == 1 ? words_[at].text : "...";
        if (starts_ && used > 1) {
          polite_ = true;
          asks_ = 0;
        }
      }
      if (one.kind == Kind::kContent) {
        word.base = word.form;
        if (used == 1) stem(words_[at].text, word.past);
        // "Who painted", "who was the painter of": long ago. "Who is the author of" stands for "who wrote"
        // too.
        word.past = word.past || (used > 1 && target[0].form == "who" && one.form != "author");
      }
      emit(word);
    }
    if (words_[at + used - 1].owner) owner();
    if (!only_light || (used == 1 && asks_ > 0)) starts_ = false;
    quick_ = only_light && used > 1;
    return used;
  }

  void owner() {
    if (!out_.words.empty() && out_.words.back().role.empty()) out_.words.back().role = "of";
  }

  std::size_t content(std::size_t at) {
    const RawWord raw = words_[at];
    Word word = made_of(at, 1);
    word.form = raw.text;
    bool past = false;
    word.base = raw.symbol ? raw.text : stem(raw.text, past);
    word.past = past;
    word.kind = raw.symbol ? Kind::kSymbol : Kind::kContent;
    word.known = raw.symbol || lexicon_.known(raw.text) || lexicon_.known(word.base);
    word.capital = raw.odd || (raw.capital && !raw.starts && capitals_tell_);
    quick_ = false;
    if (!raw.symbol && word.base != raw.text) {
      // "would you mind explaining ...", "reduced": as the word without its inflection.
      const auto base = [&](std::size_t i) { return i == 0 ? word.base : words_[at + i].text; };
      const std::size_t used = lexicon_.phrase(out_.language, starts_ ? reach(at) : 1, starts_, 1, base, target_);
      if (used > 0 && (starts_ || target_[0].kind == Kind::kContent || target_[0].kind == Kind::kTask)) {
        const std::size_t first = out_.words.size();
        canonical(at, used);
        if (past && first < out_.words.size()) out_.words[first].past = true;
        return used;
      }
    }
    if (out_.language == Language::kEnglish && !raw.symbol && !word.capital) {
      // "unhealthy": not, healthy.
      // At most one of them fits.
      for (std::size_t prefix = 2; prefix < 4; ++prefix) {
        if (word.base.size() < prefix + 4 || !has_word("un in im il ir dis non", word.base.substr(0, prefix))) continue;
        const std::string_view base = word.base.substr(prefix);
        const bool opposite = lexicon_.related(PairSet::kAntonym, hash_word(word.base), hash_word(base));
        if (!opposite || !lexicon_.known(base)) continue;
        Word negation = word;
        negation.kind = Kind::kNegation;
        negation.form = negation.base = "not";
        negation.past = false;
        emit(negation);
        word.base = base;
        word.form = base;
        word.known = true;
        break;
      }
    }
    emit(word);
    if (raw.owner) owner();
    starts_ = false;
    return 1;
  }

  void end_sentence(Pause pause) {
    cancel_negations();
    questions(pause);
    if (!pasted_) turn_front();
    ++out_.sentences;
    starts_ = true;
    role_left_ = 0;
  }

  // Not impossible: possible.
  void cancel_negations() {
    std::size_t before = out_.words.size();
    for (std::size_t i = first_; i < out_.words.size(); ++i) {
      Word& word = out_.words[i];
      if (word.literal || word.kind == Kind::kLight) continue;
      if (word.is(Kind::kNegation, "not")) {
        if (before < out_.words.size()) {
          make_light(out_.words[before]);
          make_light(word);
          before = out_.words.size();
        } else {
          before = i;
        }
      } else {
        before = out_.words.size();
      }
    }
  }

  static void make_light(Word& word) {
    word.kind = Kind::kLight;
    word.role = {};
  }

  static void set_form(Word& word, std::string_view form) {
    word.form = word.base = form;
    word.stem = hash_word(form);
  }

  void questions(Pause pause) {
    std::size_t tell = out_.words.size();
    std::size_t strong = 0;
    bool task = false;
    bool after_and = false;
    for (std::size_t i = first_; i < out_.words.size(); ++i) {
      Word& word = out_.words[i];
      if (word.literal) continue;
      if (word.kind == Kind::kTask) task = true;
      if (word.kind == Kind::kQuestion) {
        if (word.is("tell")) {
          if (tell == out_.words.size())
            tell = i;
          else
            make_light(word);
        } else if ((strong > 0 && !after_and) || (task && i > first_ && !word.is("yesno how"))) {
          // Inside a question: a relative clause, or a condition.
          if (word.is("what who yesno"))
            make_light(word);
          else
            word.kind = Kind::kPreposition;
        } else {
          ++strong;
        }
      }
      if (word.kind != Kind::kLight) after_and = word.kind == Kind::kConjunction;
    }
    // "How do they differ?" asks for what "What is the difference?" asks for.
    bool difference = false;
    for (std::size_t i = first_; i < out_.words.size(); ++i)
      difference |= !out_.words[i].literal && out_.words[i].is("difference");
    for (std::size_t i = first_; i < out_.words.size() && difference; ++i) {
      if (out_.words[i].is(Kind::kQuestion, "how")) set_form(out_.words[i], "what");
    }
    if (tell < out_.words.size()) {
      Word& word = out_.words[tell];
      if (strong > 0 || task) {
        make_light(word);
      } else {
        set_form(word, "what");
      }
    } else if (strong == 0 && !task && out_.words.size() > first_ &&
               (asks_ > 0 || (pause == Pause::kQuestion && !polite_))) {
      Word word;
      word.begin = word.end = out_.words[first_].begin;
      word.sentence = out_.sentences;
      word.kind = Kind::kQuestion;
      // "Is tea or coffee cheaper?" is answered with one of them.
      const bool choice = std::any_of(out_.words.begin() + static_cast<std::ptrdiff_t>(first_), out_.words.end(),
                                      [](const Word& its) { return its.is(Kind::kConjunction, "or"); });
      set_form(word, choice ? "what" : "yesno");
      out_.words.push_back(word);
      std::rotate(out_.words.begin() + static_cast<std::ptrdiff_t>(first_), out_.words.end() - 1, out_.words.end());
      asked_ = true;
    }
  }

  // "In Python, how do I ...", "If it rains, what ...", "Java: convert ...": what stands in front is put
  // behind.
  void turn_front() {
    std::size_t first = first_;
    while (first < out_.words.size() && out_.words[first].kind == Kind::kLight) ++first;
    const std::size_t size = out_.words.size();
    if (first >= size || size - first < 3) return;
    const Word& front = out_.words[first];
    const bool question = front.is(Kind::kQuestion, "when where");
    if (front.literal || (front.kind != Kind::kPreposition && front.kind != Kind::kTechnology &&
                          front.kind != Kind::kCalendar && !question))
      return;
    std::size_t comma = size;
    for (std::size_t i = first; i + 1 < size && i - first < kMaxFronted; ++i) {
      if (out_.words[i].pause != Pause::kComma && out_.words[i].pause != Pause::kColon) continue;
      std::size_t next = i + 1;
      while (next + 1 < size && out_.words[next].kind == Kind::kLight) ++next;
      const Kind kind = out_.words[next].kind;
      const bool asks = kind == Kind::kQuestion || kind == Kind::kTask || kind == Kind::kModal ||
                        kind == Kind::kTense || kind == Kind::kPreposition;
      if (comma == size || (asks && kind != Kind::kPreposition)) comma = i;
      if (asks) break;
    }
    if (comma == size) return;
    if (question) out_.words[first].kind = Kind::kPreposition;
    if (front.kind == Kind::kTechnology && front.role.empty()) out_.words[first].role = "in";
    out_.words[comma].pause = Pause::kNone;
    std::rotate(out_.words.begin() + static_cast<std::ptrdiff_t>(first),
                out_.words.begin() + static_cast<std::ptrdiff_t>(comma) + 1, out_.words.end());
    // The question may have been taken for a part of the condition.
    for (std::size_t i = first; i < size; ++i) {
      Word& word = out_.words[i];
      if (question && word.is(Kind::kPreposition, "how when where why how-much how-many how-long")) {
        word.kind = Kind::kQuestion;
        break;
      }
      if (word.kind == Kind::kQuestion || word.kind == Kind::kTask) break;
    }
  }

  const Lexicon& lexicon_;
  std::string_view text_;
  const std::vector<Correction>& corrections_;
  std::vector<RawWord> words_;
  std::string scratch_;
  std::vector<Canonical> target_;
  Words out_;
  std::size_t first_ = 0;  // word of the sentence
  std::string_view role_;
  int role_left_ = 0;
  int asks_ = 0;
  bool starts_ = true;
  bool polite_ = false;  // the sentence began with a phrase of politeness
  bool asked_ = false;   // a question or a task was seen
  bool pasted_ = false;  // from here on
  bool quick_ = false;   // "quick question:"
  bool emitted_ = false;
  bool capitals_tell_ = true;
};

}  // namespace

bool Word::is(std::string_view forms) const { return has_word(forms, form); }

Words normalise(const Lexicon& lexicon, std::string_view text, const std::vector<Correction>& corrections) {
  return Normaliser(lexicon, text, corrections).run();
}

std::vector<Correction> corrections(const Lexicon& lexicon, const Words& words, std::string_view text,
                                    std::string_view other) {
  std::vector<Correction> out;
  RawWords theirs;
  for (const Word& word : words.words) {
    if (word.known || word.capital || word.literal || word.kind != Kind::kContent || word.form.size() < 5 ||
        out.size() == kMaxCorrections)
      continue;
    if (theirs.words.empty()) theirs = read_words(other, kMaxGuardBytes, kMaxGuardWords);
    const std::string mine = lower_case(text.substr(word.begin, word.end - word.begin));
    for (const RawWord& its : theirs.words) {
      if (its.literal || its.text == mine || its.text[0] != mine[0] || its.text.size() < 5 || !one_slip(mine, its.text))
        continue;
      std::string spelled(its.text);
      respell(spelled);
      bool past = false;
      if (!lexicon.known(spelled) && !lexicon.known(stem_of(lexicon, words.language, spelled, past))) continue;
      out.push_back({word.begin, std::string(its.text)});
      break;
    }
  }
  return out;
}

}  // namespace tierwise::guard
