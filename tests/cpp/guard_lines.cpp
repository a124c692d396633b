// The guard for models/build/guard, so that training and evaluation are the code that ships. The first argument says
// what is done with each line of the input, the second names the words file, the third the judge's.
//
//   stem      the number of a language, a blank, a word -> the word respelled, TAB, its base, TAB, 1 for a past form
//   words     a prompt -> its words: form, kind and role, for people
//   compare   two prompts, TAB between -> verdict, rule, reason, the signs
//   features  two prompts and their vectors (binary, see Frame) -> verdict, rule, features (binary floats)
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>

#include "base/words.h"
#include "cache/guard/compare.h"
#include "cache/guard/judge.h"
#include "cache/guard/spelling.h"

namespace guard = tierwise::guard;

namespace {

std::string file(const char* path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

void show_words(const guard::Lexicon& lexicon, const std::string& line) {
  const guard::Words words = guard::normalise(lexicon, line);
  std::cout << static_cast<int>(words.language) << ' ' << words.sentences;
  for (const guard::Word& word : words.words) {
    if (word.kind == guard::Kind::kLight) continue;
    std::cout << " | " << word.form << '/' << word.base << ' ' << "CLnqUtdDNSMQTPOJXGFEAVWIZ"[static_cast<int>(word.kind)];
    if (!word.role.empty()) std::cout << '(' << word.role << ')';
    if (word.past) std::cout << "<";
    if (word.capital) std::cout << "^";
    if (!word.known) std::cout << "?";
    if (word.literal) std::cout << "=";
  }
  std::cout << '\n';
}

void show_comparison(const guard::Lexicon& lexicon, const std::string& line) {
  const std::size_t tab = line.find('\t');
  const guard::Comparison out = guard::compare(lexicon, line.substr(0, tab), line.substr(tab + 1));
  std::cout << static_cast<int>(out.verdict) << '\t' << tierwise::word_at(guard::kRuleNames, static_cast<std::size_t>(out.rule)) << '\t' << out.reason;
  for (const float sign : out.signs) std::cout << '\t' << sign;
  std::cout << '\n';
}

}  // namespace

int main(int count, char** arguments) {
  std::ios::sync_with_stdio(false);
  const std::string what = count > 1 ? arguments[1] : "";
  auto lexicon = guard::Lexicon::read(file(count > 2 ? arguments[2] : ""));
  if (!lexicon) {
    std::cerr << lexicon.error().message << '\n';
    return 1;
  }
  for (std::string line; std::getline(std::cin, line);) {
    if (what == "stem") {
      const auto language = static_cast<guard::Language>(line[0] - '0');
      line.erase(0, 2);
      if (language == guard::Language::kEnglish) guard::respell(line);
      bool past = false;
      const std::string base = guard::stem_of(lexicon.value(), language, line, past);
      std::cout << line << '\t' << base << '\t' << past << '\n';
    } else if (what == "words") {
      show_words(lexicon.value(), line);
    } else if (what == "compare") {
      show_comparison(lexicon.value(), line);
    }
  }
}
