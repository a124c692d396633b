// The guard for models/build/guard, so that training and evaluation are the code that ships. The first
// argument says what is done with each line of the input, the second names the words file, the third the
// judge's.
//
//   stem      the number of a language, a blank, a word -> the word respelled, TAB, its base, TAB, 1 for a
//   past form words     a prompt -> its words: form, kind and role, for people compare   two prompts, TAB
//   between -> verdict, rule, reason, the signs features  two prompts with their vectors, binary
//   (read_prompt), and two cosines -> verdict and rule, a byte each, and the
//             signs, those of the words and those of the vectors, as floats
//   judge     the same -> two doubles: the judge's probability, the light judge's
//   speed     the same -> microseconds of a comparison and of a judgement, for people
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>
#include <vector>

#include "base/words.h"
#include "cache/guard/compare.h"
#include "cache/guard/judge.h"
#include "cache/guard/spelling.h"
#include "cache/guard/vector_signs.h"

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
    std::cout << " | " << word.form << '/' << word.base << ' '
              << "CLnqUtdDNSMQTPOJXGFEAVWIZ"[static_cast<int>(word.kind)];
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
  std::cout << static_cast<int>(out.verdict) << '\t'
            << tierwise::word_at(guard::kRuleNames, static_cast<std::size_t>(out.rule)) << '\t' << out.reason;
  for (const float sign : out.signs) std::cout << '\t' << sign;
  std::cout << '\n';
}

struct Prompt {
  std::string text;
  std::vector<guard::ByteRange> ranges;
  std::vector<std::int8_t> vectors;
  guard::TokenVectors tokens() const { return {vectors.data(), ranges.data(), ranges.size()}; }
};

template <typename T>
bool read_rows(std::vector<T>& rows, std::size_t count) {
  rows.resize(count);
  std::cin.read(reinterpret_cast<char*>(rows.data()), static_cast<std::streamsize>(count * sizeof(T)));
  return static_cast<bool>(std::cin);
}

// Size of the text and number of tokens, 32 bits each; the text, the tokens' ranges, their vectors.
bool read_prompt(Prompt& prompt) {
  std::vector<std::uint32_t> sizes;
  std::vector<char> text;
  if (!read_rows(sizes, 2) || !read_rows(text, sizes[0]) || !read_rows(prompt.ranges, sizes[1])) return false;
  prompt.text.assign(text.begin(), text.end());
  return read_rows(prompt.vectors, sizes[1] * guard::kTokenDimensions);
}

void write_bytes(const void* data, std::size_t size) {
  std::cout.write(static_cast<const char*>(data), static_cast<std::streamsize>(size));
}

template <typename Work>
double microseconds(std::size_t count, const Work& work) {
  const auto begin = std::chrono::steady_clock::now();
  for (int round = 0; round < 20; ++round) work();
  return std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - begin).count() / 20 /
         static_cast<double>(count);
}

void show_speed(const guard::Lexicon& lexicon, const guard::Judge& judge) {
  struct Pair {
    Prompt a;
    Prompt b;
    guard::Comparison words;
  };
  std::vector<Pair> pairs(1);
  std::vector<float> cosines;
  while (read_prompt(pairs.back().a) && read_prompt(pairs.back().b) && read_rows(cosines, 2)) pairs.emplace_back();
  pairs.pop_back();
  double sum = 0;
  const double compared = microseconds(pairs.size(), [&] {
    for (Pair& pair : pairs) pair.words = guard::compare(lexicon, pair.a.text, pair.b.text);
  });
  std::size_t open = 0;
  for (const Pair& pair : pairs) open += pair.words.verdict == guard::Verdict::kUndecided ? 1 : 0;
  const double judged = microseconds(std::max<std::size_t>(open, 1), [&] {
    for (const Pair& pair : pairs) sum += judge.judge(pair.words, pair.a.tokens(), pair.b.tokens(), 0.9, 0.9);
  });
  std::vector<float> vector(guard::kModelDimensions, 0.5F);
  std::int8_t kept[guard::kTokenDimensions];
  const double projected = microseconds(1000, [&] {
    for (int i = 0; i < 1000; ++i) judge.project(vector.data(), kept);
  });
  std::cout << pairs.size() << " pairs: compare " << compared << " us, judge " << judged << " us (" << open
            << " undecided), project " << projected << " us a token" << (sum < 0 ? "!" : "") << '\n';
}

void judge_all(const guard::Lexicon& lexicon, const guard::Judge* judge) {
  Prompt a;
  Prompt b;
  std::vector<float> cosines;
  while (read_prompt(a) && read_prompt(b) && read_rows(cosines, 2)) {
    const guard::Comparison words = guard::compare(lexicon, a.text, b.text);
    if (judge != nullptr) {
      const double out[] = {judge->judge(words, a.tokens(), b.tokens(), cosines[0], cosines[1]),
                            judge->judge_light(words, cosines[1])};
      write_bytes(out, sizeof out);
      continue;
    }
    const std::uint8_t head[] = {static_cast<std::uint8_t>(words.verdict), static_cast<std::uint8_t>(words.rule)};
    auto more = guard::vector_signs(words, a.tokens(), b.tokens(), cosines[0], nullptr);
    more[guard::kLightCosine] = cosines[1];
    write_bytes(head, sizeof head);
    write_bytes(words.signs.data(), sizeof words.signs);
    write_bytes(more.data(), sizeof more);
  }
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
  if (what == "features") {
    judge_all(lexicon.value(), nullptr);
    return 0;
  }
  if (what == "judge" || what == "speed") {
    const auto judge = guard::Judge::read(file(count > 3 ? arguments[3] : ""));
    if (!judge) {
      std::cerr << judge.error().message << '\n';
      return 1;
    }
    if (what == "speed")
      show_speed(lexicon.value(), judge.value());
    else
      judge_all(lexicon.value(), &judge.value());
    return 0;
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
