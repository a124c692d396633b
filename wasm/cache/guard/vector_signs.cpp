#include "cache/guard/vector_signs.h"

#include <algorithm>
#include <cmath>

#include "base/rank.h"

namespace tierwise::guard {
namespace {

constexpr std::size_t kMaxTokens = 128;  // of each prompt; later ones are not looked at
constexpr std::size_t kMaxDoubts = 5;
constexpr std::uint32_t kNoLink = 0xffffffffU;

struct Token {
  ByteRange range;
  const std::int8_t* vector;
  float norm;
  std::uint32_t link = kNoLink;  // of the alignment; kNoLink: a light word, or a mark
  float best = -1;
  std::uint32_t best_at = 0;
};

float dot(const std::int8_t* a, const std::int8_t* b) {
  std::int32_t sum = 0;
  for (std::size_t i = 0; i < kTokenDimensions; ++i) sum += std::int32_t{a[i]} * b[i];
  return static_cast<float>(sum);
}

float ratio(float sum, float count, float none) { return count == 0 ? none : sum / count; }

class TokenMatches {
 public:
  TokenMatches(const Comparison& words, const TokenVectors& a, const TokenVectors& b) : words_(words) {
    collect(a, true, a_);
    collect(b, false, b_);
    table_.resize(a_.size() * b_.size());
    for (std::size_t i = 0; i < a_.size(); ++i) {
      for (std::size_t j = 0; j < b_.size(); ++j) {
        const float cosine = dot(a_[i].vector, b_[j].vector) / (a_[i].norm * b_[j].norm);
        table_[i * b_.size() + j] = cosine;
        if (cosine > a_[i].best) {
          a_[i].best = cosine;
          a_[i].best_at = static_cast<std::uint32_t>(j);
        }
        if (cosine > b_[j].best) {
          b_[j].best = cosine;
          b_[j].best_at = static_cast<std::uint32_t>(i);
        }
      }
    }
  }

  std::array<float, kVectorSignCount> signs(float cosine) {
    std::array<float, kVectorSignCount> out = {};
    out[kCosine] = cosine;
    if (a_.empty() || b_.empty()) return out;
    best_matches(out);
    contexts(out);
    left_pairs(out);
    out[kCrossing] = crossing();
    float mutual = 0;
    for (std::size_t i = 0; i < a_.size(); ++i) mutual += b_[a_[i].best_at].best_at == i ? 1.0F : 0.0F;
    const auto fewer = static_cast<float>(std::min(a_.size(), b_.size()));
    const auto more = static_cast<float>(std::max(a_.size(), b_.size()));
    out[kMutual] = mutual / more;
    out[kTokenRatio] = fewer / more;
    out[kTokens] = more;
    return out;
  }

  void doubts(std::vector<Doubt>& out) const {
    std::vector<Rank> ranks;
    for (const std::vector<Token>* side : {&a_, &b_}) {
      for (std::size_t i = 0; i < side->size(); ++i) {
        if ((*side)[i].link != kNoLink)
          ranks.push_back({(*side)[i].best, static_cast<std::uint32_t>(i + (side == &b_ ? a_.size() : 0))});
      }
    }
    sort_ranks(ranks);
    for (const Rank& rank : ranks) {
      if (out.size() == kMaxDoubts) break;
      const bool of_a = rank.place < a_.size();
      const Token& token = of_a ? a_[rank.place] : b_[rank.place - a_.size()];
      const Token& other = of_a ? b_[token.best_at] : a_[token.best_at];
      out.push_back({of_a ? token.range : other.range, of_a ? other.range : token.range, token.best});
    }
  }

 private:
  void collect(const TokenVectors& from, bool of_a, std::vector<Token>& out) const {
    for (std::size_t i = 0; i < from.count && out.size() < kMaxTokens; ++i) {
      Token token{from.ranges[i], from.data + i * kTokenDimensions, 0};
      if (token.range.begin >= token.range.end) continue;
      token.norm = std::sqrt(dot(token.vector, token.vector));
      if (token.norm == 0) continue;
      for (std::size_t k = 0; k < words_.alignment.size(); ++k) {
        const ByteRange& range = of_a ? words_.alignment[k].a : words_.alignment[k].b;
        if (token.range.begin < range.end && range.begin < token.range.end) {
          token.link = static_cast<std::uint32_t>(k);
          // Of links for the same bytes an unmatched one says more.
          if (words_.alignment[k].relation == Relation::kUnmatched) break;
        }
      }
      out.push_back(token);
    }
  }

  bool left(const Token& token) const {
    return token.link != kNoLink && words_.alignment[token.link].relation == Relation::kUnmatched;
  }

  void best_matches(std::array<float, kVectorSignCount>& out) const {
    std::vector<Rank> meaning;
    float weighted = 0;
    float weights = 0;
    float light = 0;
    float lights = 0;
    float low_light = 1;
    float lefts = 0;
    float left_sum = 0;
    float left_low = 1;
    float lower_mean = 1;
    float all = 0;
    for (const std::vector<Token>* side : {&a_, &b_}) {
      float sum = 0;
      for (const Token& token : *side) {
        sum += token.best;
        const float weight = token.link == kNoLink ? 0.2F : left(token) ? 2.0F : 1.0F;
        weighted += weight * token.best;
        weights += weight;
        if (token.link == kNoLink) {
          light += token.best;
          lights += 1;
          low_light = std::min(low_light, token.best);
        } else {
          meaning.push_back({token.best, 0});
        }
        if (left(token)) {
          left_sum += token.best;
          lefts += 1;
          left_low = std::min(left_low, token.best);
        }
      }
      all += sum;
      lower_mean = std::min(lower_mean, sum / static_cast<float>(side->size()));
    }
    sort_ranks(meaning);
    const std::size_t three = std::min<std::size_t>(3, meaning.size());
    float lowest = 0;
    for (std::size_t i = 0; i < three; ++i) lowest += static_cast<float>(meaning[i].key);
    out[kLowest] = meaning.empty() ? 1 : static_cast<float>(meaning[0].key);
    out[kThreeLowest] = ratio(lowest, static_cast<float>(three), 1);
    out[kMean] = all / static_cast<float>(a_.size() + b_.size());
    out[kWeightedMean] = weighted / weights;
    out[kLeftLowest] = left_low;
    out[kLeftMean] = ratio(left_sum, lefts, 1);
    out[kLightMean] = ratio(light, lights, 1);
    out[kLightLowest] = low_light;
    out[kBothMeansLow] = lower_mean;
  }

  // Words matched with each other, token by token.
  void contexts(std::array<float, kVectorSignCount>& out) const {
    float same_low = 1;
    float same_sum = 0;
    float sames = 0;
    float similar_low = 1;
    for (std::size_t i = 0; i < a_.size(); ++i) {
      if (a_[i].link == kNoLink || left(a_[i])) continue;
      const Relation relation = words_.alignment[a_[i].link].relation;
      float best = -1;
      for (std::size_t j = 0; j < b_.size(); ++j) {
        const ByteRange& range = words_.alignment[a_[i].link].b;
        if (b_[j].range.begin < range.end && range.begin < b_[j].range.end)
          best = std::max(best, table_[i * b_.size() + j]);
      }
      if (best < -0.99F) continue;
      if (relation == Relation::kSimilar) {
        similar_low = std::min(similar_low, best);
      } else {
        same_low = std::min(same_low, best);
        same_sum += best;
        sames += 1;
      }
    }
    out[kContextLowest] = same_low;
    out[kContextMean] = ratio(same_sum, sames, 1);
    out[kSimilarLowest] = similar_low;
  }

  void left_pairs(std::array<float, kVectorSignCount>& out) const {
    float sum = 0;
    float count = 0;
    float lowest = 1;
    std::array<float, kTokenDimensions> sums[2] = {};
    bool any[2] = {};
    for (const bool of_a : {true, false}) {
      const std::vector<Token>& side = of_a ? a_ : b_;
      const std::vector<Token>& other = of_a ? b_ : a_;
      for (std::size_t i = 0; i < side.size(); ++i) {
        if (!left(side[i])) continue;
        any[of_a ? 0 : 1] = true;
        for (std::size_t d = 0; d < kTokenDimensions; ++d)
          sums[of_a ? 0 : 1][d] += static_cast<float>(side[i].vector[d]) / side[i].norm;
        float best = -1;
        for (std::size_t j = 0; j < other.size(); ++j) {
          if (left(other[j])) best = std::max(best, of_a ? table_[i * b_.size() + j] : table_[j * b_.size() + i]);
        }
        if (best < -0.99F) best = 0;  // nothing on the other side
        sum += best;
        count += 1;
        lowest = std::min(lowest, best);
      }
    }
    out[kLeftPairsMean] = ratio(sum, count, 1);
    out[kLeftPairsLowest] = lowest;
    out[kLeftSums] = any[0] || any[1] ? 0.0F : 1.0F;
    if (any[0] && any[1]) {
      float product = 0;
      float squares[2] = {};
      for (std::size_t d = 0; d < kTokenDimensions; ++d) {
        product += sums[0][d] * sums[1][d];
        squares[0] += sums[0][d] * sums[0][d];
        squares[1] += sums[1][d] * sums[1][d];
      }
      const float both = std::sqrt(squares[0] * squares[1]);
      out[kLeftSums] = both == 0 ? 0 : product / both;
    }
  }

  float crossing() const {
    float crossed = 0;
    float pairs = 0;
    for (std::size_t i = 0; i < a_.size(); ++i) {
      if (a_[i].link == kNoLink) continue;
      for (std::size_t k = i + 1; k < a_.size(); ++k) {
        if (a_[k].link == kNoLink || a_[i].best_at == a_[k].best_at) continue;
        pairs += 1;
        crossed += a_[i].best_at > a_[k].best_at ? 1.0F : 0.0F;
      }
    }
    return ratio(crossed, pairs, 0);
  }

  const Comparison& words_;
  std::vector<Token> a_;
  std::vector<Token> b_;
  std::vector<float> table_;
};

}  // namespace

std::array<float, kVectorSignCount> vector_signs(const Comparison& words, const TokenVectors& a, const TokenVectors& b,
                                                 float cosine, std::vector<Doubt>* doubts) {
  TokenMatches match(words, a, b);
  if (doubts != nullptr) match.doubts(*doubts);
  return match.signs(cosine);
}

}  // namespace tierwise::guard
