// Step 4 of a request: which stored question may the new one be another wording of? The light vector finds candidates, the
// guard's rules refuse most of them, the transformer's vectors of both let the guard's judge decide on the rest.
//
// Questions belong to scopes: partition, target, model, parameters, system prompt, history, context - all that must be
// the same, as a digest. A question is only ever compared with those of its own scope.
//
// A question has a number from `ask`, `open` or `restore` on until it is dropped; those that are kept (their replies are
// stored) are what others are compared with.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/hash.h"
#include "base/result.h"
#include "cache/digest_table.h"
#include "cache/guard/compare.h"
#include "cache/guard/judge.h"
#include "cache/guard/lexicon.h"
#include "cache/guard/normalise.h"
#include "embed/light_table.h"
#include "embed/vector_index.h"
#include "embed/wordpiece.h"

namespace tierwise::cache {

// What questions are read with; each may be empty until its file is there.
struct Reading {
  embed::WordPiece pieces;
  embed::LightTable light;
  guard::Lexicon lexicon;
  guard::Judge judge;
};

class Questions {
 public:
  // Longer ones are only asked as they are.
  static constexpr std::size_t kMostBytes = 16 * 1024;
  static constexpr std::size_t kMostTokens = 256;
  static constexpr std::size_t kLightDimensions = 128;
  // Twice what a cache may hold (js/config.ts): some are only asked.
  static constexpr std::size_t kMostQuestions = 200'000;
  // How many of the nearest questions the guard looks at. Among 10,000 that differ in a word or two, another wording of
  // one is among the five nearest in 99.3 of 100 cases (tests/bench/in-page/questions.mjs, the ways to ask exchanged).
  static constexpr std::size_t kCandidates = 5;
  // Light cosine below which no two questions are the same in practice, and the probability of the light judge below which
  // no transformer is asked (docs/SEMANTIC_CACHE.md says what both cost).
  static constexpr float kLeastLight = 0.5f;
  static constexpr double kLeastLikely[] = {2, 0.15, 0.36};  // off, balanced, strict
  // Light cosine of the one word in which two questions differ, below which these do not stand for each other.
  static constexpr float kLeastAlike = 0.5f;

  explicit Questions(Reading& reading) : reading_(reading), index_(kLightDimensions) {}

  // Errors: too-large, too-many.
  Result<std::uint32_t> open(const Digest& scope, std::string_view text);
  // Kept from an earlier page: `vectors` is what `vectors_of` gave, or empty. Without turns it may lean on anything. Errors:
  // as open; left-out (cache/takes_part.h), invalid-data.
  Result<std::uint32_t> restore(const Digest& scope, std::string_view text, std::string_view vectors,
                                std::size_t turns = 0);

  // Opens it and finds what may be the same:
  // {"question"?,"candidates":[{"question","light","same"}],"refused":[{"question","light","rule","reason"}]}, the nearest
  // first. It stays open, as "question", only where there are candidates. Errors: as open; left-out.
  Result<std::string> ask(const Digest& scope, std::string_view text, std::size_t turns, guard::Policy policy);
  // What the transformer is to be given for it.
  const std::vector<std::int32_t>& tokens(std::uint32_t number);
  // The transformer's vectors of those tokens, guard::kModelDimensions each.
  void set_vectors(std::uint32_t number, const float* vectors, std::size_t tokens);
  bool has_vectors(std::uint32_t number) const { return !questions_[number].sentence.empty(); }
  // To be kept beside the reply.
  std::string vectors_of(std::uint32_t number) const;
  // {"same","by","probability","least","cosine","rule"?,"reason"?,"doubts":[[a,b,c,d]],"alignment":[[a,b,c,d,relation]]}:
  // places are those of the candidate and then of the question, from and to, in UTF-16 units. "by" says what decided:
  // "words", "minilm", or, without the transformer's vectors of one of them, "light". `least` is the probability wanted,
  // below 0 that of the policy.
  std::string judge(std::uint32_t number, std::uint32_t candidate, guard::Policy policy, double least);

  // From now on others may be answered by it.
  void keep(std::uint32_t number);
  void drop(std::uint32_t number);

 private:
  static constexpr std::uint32_t kNone = 0xFFFFFFFF;

  struct Question {
    std::uint32_t scope = 0;
    std::uint32_t row = kNone;  // in the index, when it is kept
    std::string text;
    guard::Words words;  // of one that is asked, and of a short one that is kept
    std::vector<float> light;
    std::vector<std::int8_t> tokens;  // the guard's vectors
    std::vector<guard::ByteRange> ranges;
    std::vector<std::int8_t> sentence;  // the transformer's vector of the whole, times 127 / its largest number
  };

  std::uint32_t scope_of(const Digest& digest);
  void leave_scope(std::uint32_t scope);
  void light_vector(std::string_view text, std::vector<float>& vector);
  const guard::Words& words_of(const Question& question, guard::Words& made) const;
  guard::Comparison compare(const Question& stored, const Question& asked);

  Reading& reading_;
  embed::VectorIndex index_;
  DigestTable scopes_;
  std::vector<std::uint32_t> in_scope_;  // questions by scope
  std::vector<Question> questions_;
  std::vector<std::uint32_t> free_;
  std::vector<std::uint32_t> by_row_;  // questions by row of the index
};

}  // namespace tierwise::cache
