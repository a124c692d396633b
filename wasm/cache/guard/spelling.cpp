#include "cache/guard/spelling.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/words.h"

namespace tierwise::guard {
namespace {

bool ends(std::string_view word, std::string_view ending) {
  return word.size() >= ending.size() && word.substr(word.size() - ending.size()) == ending;
}

bool vowel(char c) { return std::string_view("aeiouy").find(c) != std::string_view::npos; }

int vowel_groups(std::string_view word) {
  int groups = 0;
  for (std::size_t i = 0; i < word.size(); ++i) groups += vowel(word[i]) && (i == 0 || !vowel(word[i - 1])) ? 1 : 0;
  return groups;
}

void replace_end(std::string& word, std::size_t cut, std::string_view with) {
  word.resize(word.size() - cut);
  word += with;
}

// What a verb was before -ing or -ed was put to it.
std::string bare(const Lexicon& lexicon, std::string word) {
  const std::size_t size = word.size();
  const char last = word[size - 1];
  if (size >= 3 && last == word[size - 2] && !vowel(last)) {
    // stopped, planned, traveled; but called, passed, filled.
    if (std::string_view("lszf").find(last) != std::string_view::npos && vowel_groups(word) < 2) return word;
    if (last == 's' || last == 'z') return word;
    word.pop_back();
    return word;
  }
  const std::string longer = word + 'e';
  if (lexicon.known(longer)) {
    const bool short_syllable = vowel_groups(word) == 1 && size >= 2 && !vowel(last) && vowel(word[size - 2]) &&
                                (size < 3 || !vowel(word[size - 3])) &&
                                std::string_view("wxy").find(last) == std::string_view::npos;
    if (short_syllable || !lexicon.known(word)) return longer;
  }
  return word;
}

std::string english_stem(const Lexicon& lexicon, std::string_view word, bool& past) {
  const Lexicon::Irregular irregular = lexicon.irregular(word);
  if (!irregular.base.empty()) {
    past = irregular.past;
    return std::string(irregular.base);
  }
  std::string stem(word);
  const std::size_t size = stem.size();
  if (size >= 5 && ends(stem, "ies")) {
    replace_end(stem, 3, "y");
  } else if (size >= 5 && (ends(stem, "sses") || ends(stem, "shes") || ends(stem, "ches") || ends(stem, "xes") ||
                           ends(stem, "zzes") || ends(stem, "toes"))) {
    stem.resize(size - 2);
  } else if (size >= 4 && ends(stem, "s") && !ends(stem, "ss") && !ends(stem, "us") && !ends(stem, "is")) {
    stem.pop_back();
  } else if (size >= 5 && ends(stem, "ing") && vowel_groups(std::string_view(stem).substr(0, size - 3)) > 0) {
    if (!lexicon.known(word) || lexicon.known(std::string_view(stem).substr(0, size - 3)) ||
        lexicon.known(bare(lexicon, stem.substr(0, size - 3)))) {
      return bare(lexicon, stem.substr(0, size - 3));
    }
  } else if (size >= 5 && ends(stem, "ied")) {
    past = true;
    replace_end(stem, 3, "y");
  } else if (size >= 4 && ends(stem, "ed") && !ends(stem, "eed") &&
             vowel_groups(std::string_view(stem).substr(0, size - 2)) > 0) {
    std::string base = bare(lexicon, stem.substr(0, size - 2));
    if (lexicon.known(base) || !lexicon.known(word)) {
      past = true;
      return base;
    }
  }
  return stem;
}

// Endings taken off words long enough, the longest first, once.
std::string without_ending(std::string_view word, std::string_view endings, std::size_t least) {
  for (std::string_view rest = endings; !rest.empty();) {
    const std::string_view ending = rest.substr(0, rest.find(' '));
    rest.remove_prefix(std::min(ending.size() + 1, rest.size()));
    if (word.size() >= least + ending.size() && ends(word, ending)) {
      return std::string(word.substr(0, word.size() - ending.size()));
    }
  }
  return std::string(word);
}

}  // namespace

void respell(std::string& word) {
  const std::size_t size = word.size();
  if (size < 5) {
    if (word == "tyre") word = "tire";
    if (word == "grey") word = "gray";
    return;
  }
  for (const char c : word) {
    if (c < 'a' || c > 'z') return;
  }
  const std::size_t our = word.find("our", 2);
  if (our != std::string::npos && size >= 6 &&
      (our + 3 == size || std::string_view("nctghk").find(word[our + 3]) == std::string_view::npos)) {
    word.erase(our + 1, 1);
  }
  const auto swap = [&word](std::string_view from, std::string_view to) {
    const std::size_t at = word.rfind(from);
    if (at == std::string::npos || at < 2 || at + from.size() + 3 < word.size()) return;
    word.replace(at, from.size(), to);
  };
  static constexpr std::string_view kEndings[][2] = {
      {"isation", "ization"}, {"ise", "ize"},           {"ising", "izing"},     {"isab", "izab"},
      {"yse", "yze"},         {"ysing", "yzing"},       {"ogue", "og"},         {"ence", "ense"},
      {"paed", "ped"},        {"haem", "hem"},          {"oeuv", "euv"},        {"plough", "plow"},
      {"mould", "mold"},      {"programme", "program"}, {"sceptic", "skeptic"}, {"jeweller", "jewelr"}};
  for (const auto& [from, to] : kEndings) swap(from, to);
  if (ends(word, "tre") || ends(word, "bre")) replace_end(word, 2, "er");
  if (ends(word, "tres") || ends(word, "bres")) replace_end(word, 3, "ers");
  for (const std::string_view from : {"aes", "oes", "aem", "oed"}) {
    // anaesthetic, oesophagus, anaemia, oedema
    if (const std::size_t at = word.find(from); at != std::string::npos && at + 3 < word.size()) word.erase(at, 1);
  }
  // travelling, cancelled, modelling: but calling, filled.
  for (const std::string_view ending : {"lling", "lled", "ller", "llers"}) {
    const std::string_view head = std::string_view(word).substr(0, word.size() - std::min(word.size(), ending.size()));
    if (ends(word, ending) && vowel_groups(head) >= 2) word.erase(word.size() - ending.size(), 1);
  }
  if (ends(word, "lful")) {
    const std::size_t at = word.size() - 4;
    if (at > 0 && word[at - 1] != 'l' && vowel(word[at - 1])) word.insert(at, 1, 'l');
  }
}

void take_apart(RawWords& words, Language language) {
  std::vector<RawWord> apart;
  apart.reserve(words.words.size() + 8);
  for (RawWord& word : words.words) {
    apart.push_back(word);
    const std::size_t at = word.literal ? std::string_view::npos : word.text.rfind('\'');
    if (at == std::string_view::npos || at == 0) continue;
    RawWord& first = apart.back();
    std::string_view head = word.text.substr(0, at);
    std::string_view tail = word.text.substr(at + 1);
    if (language == Language::kFrench) {
      if (word.text == "aujourd'hui") continue;
    } else if (tail == "t" && head.size() > 1 && head.back() == 'n') {
      tail = "not";
      const std::size_t odd = word_position("can won shan ain", head);
      head = odd == kNoWord ? head.substr(0, head.size() - 1) : word_at("can will shall is", odd);
    } else if (tail == "s" && has_word("what who where when why how that there here it he she", head)) {
      tail = "is";
    } else if (tail == "s" && head == "let") {
      tail = "us";
    } else if (tail == "s") {
      first.text = head;
      first.owner = true;
      continue;
    } else {
      const std::size_t which = word_position("re ve ll d m", tail);
      if (which == kNoWord) continue;
      tail = word_at("are have will would am", which);
    }
    first.text = head;
    first.pause = Pause::kNone;
    word.text = tail;
    word.starts = word.capital = false;
    apart.push_back(word);
  }
  words.words.swap(apart);
}

std::string stem_of(const Lexicon& lexicon, Language language, std::string_view word, bool& past) {
  past = false;
  switch (language) {
    case Language::kEnglish: return english_stem(lexicon, word, past);
    case Language::kGerman: return without_ending(word, "est en er em es et st e n s t", 4);
    case Language::kFrench: return without_ending(word, "ent er ez es e s x", 4);
    case Language::kSpanish: return without_ending(word, "amos emos ar er ir as es os a e o s", 4);
    case Language::kOther: break;
  }
  return std::string(word);
}

bool one_slip(std::string_view a, std::string_view b) {
  if (a.size() > b.size()) std::swap(a, b);
  if (b.size() - a.size() > 1) return false;
  std::size_t head = 0;
  while (head < a.size() && a[head] == b[head]) ++head;
  if (a.size() != b.size()) return a.substr(head) == b.substr(head + 1);
  if (head == a.size()) return true;
  if (a.substr(head + 1) == b.substr(head + 1)) return true;
  return head + 1 < a.size() && a[head] == b[head + 1] && a[head + 1] == b[head] &&
         a.substr(head + 2) == b.substr(head + 2);
}

}  // namespace tierwise::guard
