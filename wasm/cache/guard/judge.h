// The guard's third layer: how likely is it that two prompts the rules left undecided ask the same? Boosted
// trees over what the alignment told (compare.h) and over the vectors of MiniLM's tokens, calibrated on
// pairs people wrote to a probability. Weights and the projection of token vectors: models/guard/judge.bin, made
// by models/build/guard.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "cache/guard/byte_reader.h"
#include "cache/guard/compare.h"

namespace tierwise::guard {

// What of a token's vector is kept with a stored prompt: 64 bytes instead of 1,536.
inline constexpr std::size_t kTokenDimensions = 64;
inline constexpr std::size_t kModelDimensions = 384;

// Projected vectors of a prompt's tokens, [CLS] and [SEP] left out. `ranges` are bytes of the prompt.
struct TokenVectors {
  const std::int8_t* data = nullptr;  // count * kTokenDimensions
  const ByteRange* ranges = nullptr;  // count
  std::size_t count = 0;
};

enum class Policy : std::uint8_t { kOff, kBalanced, kStrict };
// In the order of Policy.
inline constexpr std::string_view kPolicyNames = "off balanced strict";

// Words the judge doubts, for `explain`: bytes of a, of b, and how well they match at best, -1 to 1.
struct Doubt {
  ByteRange a;
  ByteRange b;
  float match = 0;
};

// What the judge sees: the signs of a Comparison, then what the vectors tell (vector_signs.h).
inline constexpr std::size_t kVectorSignCount = 21;
inline constexpr std::size_t kFeatureCount = kSignCount + kVectorSignCount;
using Features = std::array<float, kFeatureCount>;

class Judge {
 public:
  Judge() = default;
  // Error code "invalid-file" when `bytes` are no judge file of this version or its checksum is wrong.
  static Result<Judge> read(std::string_view bytes);

  bool empty() const { return mean_.empty(); }

  // The vector MiniLM gives for one token (kModelDimensions floats) as it is kept: kTokenDimensions whole
  // numbers.
  void project(const float* token, std::int8_t* kept) const;

  // Probability that both ask the same: 1 of kSame and 0 of kRefused. `cosine` is that of MiniLM's two
  // sentence vectors, `light` that of the static ones. `doubts`, when given, receives up to five words, the most
  // doubtful first.
  double judge(const Comparison& words, const TokenVectors& a, const TokenVectors& b, double cosine, double light,
               std::vector<Doubt>* doubts = nullptr) const;
  // Without token vectors. Stricter: it sees less.
  double judge_light(const Comparison& words, double light) const;

  // The least probability at which `policy` lets a cached answer through; above 1 for kOff.
  double threshold(Policy policy, bool light) const;

 private:
  struct Split {
    std::uint8_t feature;
    float threshold;
  };
  // Boosted trees: their nodes one after another, a tree's root first. A node is three numbers: its split, and where
  // it goes to the left and to the right, which below 0 is a leaf.
  struct Trees {
    std::vector<std::int16_t> roots;
    std::vector<std::int16_t> nodes;
    std::vector<std::int16_t> leaves;
    std::vector<Split> splits;
    float unit = 0;  // of the leaves
    float slope = 0;
    float offset = 0;
    float thresholds[2] = {2, 2};  // balanced, strict
    bool read(ByteReader& reader);
    double score(const Features& features) const;
  };

  std::vector<float> mean_;
  std::vector<float> matrix_;  // kModelDimensions rows of whole numbers
  std::vector<float> scales_;  // of its columns
  Trees trees_;
  Trees light_;
};

}  // namespace tierwise::guard
