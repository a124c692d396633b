// The guard: any two texts, a NUL between, and the readers of its files when the first byte says so. Words
// and links lie inside their prompts; a prompt is the same as itself; what is refused has a reason; comparing
// the other way round gives the same verdict for equal texts; the judge gives a probability whatever the
// vectors.
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "cache/guard/judge.h"

namespace {

namespace guard = tierwise::guard;

void require(bool holds) {
  if (!holds) std::abort();
}

// Of the folder the target is run in, or of TIERWISE_MODELS; without them the texts meet an empty lexicon.
std::string file(const std::string& name) {
  const char* folder = std::getenv("TIERWISE_MODELS");
  std::ifstream in(std::string(folder == nullptr ? "models" : folder) + "/guard/" + name, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

void judge(const guard::Comparison& words, std::string_view a, std::string_view b, const guard::Judge& judge) {
  const auto tokens = [](std::string_view text, std::vector<guard::ByteRange>& ranges, std::vector<std::int8_t>& data) {
    for (std::uint32_t i = 0; i < text.size() && i < 200; i += 3) {
      ranges.push_back({i, i + 3});
      for (std::size_t d = 0; d < guard::kTokenDimensions; ++d)
        data.push_back(static_cast<std::int8_t>(text[(i + d) % text.size()]));
    }
    return guard::TokenVectors{data.data(), ranges.data(), ranges.size()};
  };
  std::vector<guard::ByteRange> ranges[2];
  std::vector<std::int8_t> data[2];
  std::vector<guard::Doubt> doubts;
  const auto of_a = tokens(a, ranges[0], data[0]);
  const auto of_b = tokens(b, ranges[1], data[1]);
  for (const double p :
       {judge.judge(words, of_a, of_b, 0.9, 0.9, &doubts), judge.judge_light(words, 0.9), judge.judge_light(words, NAN)}) {
    require(p >= 0 && p <= 1);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  static const auto kLexicon = guard::Lexicon::read(file("words.bin"));
  static const auto kJudge = guard::Judge::read(file("judge.bin"));
  if (size == 0) return 0;
  const std::string_view input(reinterpret_cast<const char*>(bytes) + 1, size - 1);
  if (bytes[0] == 1) {
    (void)guard::Lexicon::read(input);
    (void)guard::Judge::read(input);
    return 0;
  }
  const std::size_t end = std::min(input.find('\0'), input.size());
  const std::string_view a = input.substr(0, end);
  const std::string_view b = input.substr(std::min(end + 1, input.size()));
  for (const std::string_view text : {a, b}) {
    if (!kLexicon) break;
    for (const guard::Word& word : guard::normalise(kLexicon.value(), text).words)
      require(word.begin <= word.end && word.end <= text.size());
  }
  const guard::Lexicon none;
  const guard::Lexicon& lexicon = kLexicon ? kLexicon.value() : none;
  const guard::Comparison words = guard::compare(lexicon, a, b);
  require(guard::compare(lexicon, a, a).verdict == guard::Verdict::kSame);
  require((words.verdict == guard::Verdict::kRefused) == (words.rule != guard::Rule::kNone));
  require(words.reason.empty() == (words.rule == guard::Rule::kNone));
  for (const guard::Link& link : words.alignment)
    require(link.a.begin <= link.a.end && link.a.end <= a.size() && link.b.begin <= link.b.end &&
            link.b.end <= b.size());
  if (kJudge) judge(words, a, b, kJudge.value());
  return 0;
}
