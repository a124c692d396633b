#include "cache/guard/judge.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "cache/guard/vector_signs.h"

namespace tierwise::guard {
namespace {

constexpr std::string_view kMagic = "TWJ3";

using Four = float __attribute__((vector_size(16)));

// e to the power of x, within two units of the last digit: the C library's comes with a table of 2 KB.
double exponential(double x) {
  constexpr double kBits[] = {0x1.62e42fee00000p-1, 0x1.a39ef35793c76p-33};  // ln 2
  x = x > -700 ? x : -700;
  x = x < 700 ? x : 700;
  const double steps = std::nearbyint(x * 0x1.71547652b82fep+0);
  const double rest = (x - steps * kBits[0]) - steps * kBits[1];
  double sum = 1;
  for (int i = 14; i > 0; --i) sum = 1 + sum * rest / i;
  const std::uint64_t bits = static_cast<std::uint64_t>(1023 + static_cast<std::int64_t>(steps)) << 52U;
  double scale = 0;
  std::memcpy(&scale, &bits, sizeof scale);
  return sum * scale;
}

// Is it a cosine?
bool sound(double cosine) { return cosine >= -2 && cosine <= 2; }

}  // namespace

// A node: its split, left, right.
constexpr std::size_t kNode = 3;

bool Judge::Trees::read(ByteReader& reader) {
  slope = reader.real();
  offset = reader.real();
  for (float& threshold : thresholds) threshold = reader.real();
  for (std::size_t left = reader.number(2); left > 0 && !reader.bad; --left) {
    const auto feature = static_cast<std::uint8_t>(reader.number(1));
    if (feature >= kFeatureCount) return false;
    splits.push_back({feature, reader.real()});
  }
  const std::size_t leaf_count = reader.number(2);
  unit = reader.real();
  leaves = reader.wholes(leaf_count);
  roots = reader.wholes(reader.number(2));
  nodes = reader.wholes(kNode * reader.number(2));
  if (reader.bad) return false;
  const std::size_t count = nodes.size() / kNode;
  for (const std::int16_t root : roots) {
    if (static_cast<std::uint16_t>(root) >= count) return false;
  }
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    const std::int16_t value = nodes[i];
    if (i % kNode == 0) {
      if (static_cast<std::uint16_t>(value) >= splits.size()) return false;
    } else if (value < 0) {
      if (static_cast<std::size_t>(-1 - value) >= leaves.size()) return false;
    } else if (static_cast<std::size_t>(value) <= i / kNode || static_cast<std::size_t>(value) >= count) {
      // A child stands behind its parent: every walk ends.
      return false;
    }
  }
  return true;
}

Result<Judge> Judge::read(std::string_view bytes) {
  ByteReader reader = ByteReader::of_file(bytes, kMagic);
  Judge judge;
  bool right =
      reader.number(2) == kModelDimensions && reader.number(2) == kTokenDimensions && reader.number(2) == kFeatureCount;
  if (right) {
    for (std::size_t i = 0; i < kModelDimensions; ++i) judge.mean_.push_back(reader.real());
    for (std::size_t i = 0; i < kTokenDimensions; ++i) judge.scales_.push_back(reader.real());
    const std::string_view matrix = reader.block(kModelDimensions * kTokenDimensions);
    judge.matrix_.resize(matrix.size());
    for (std::size_t i = 0; i < matrix.size(); ++i) judge.matrix_[i] = static_cast<std::int8_t>(matrix[i]);
    right = judge.trees_.read(reader) && judge.light_.read(reader) && reader.done();
  }
  if (!right) {
    return make_error("invalid-file",
                      "This is no judge file of this version, or it is damaged: copy judge.bin from the package.");
  }
  return judge;
}

void Judge::project(const float* token, std::int8_t* kept) const {
  std::array<float, kTokenDimensions> sums = {};
  if (mean_.empty()) {
    std::fill(kept, kept + kTokenDimensions, std::int8_t{0});
    return;
  }
  Four fours[kTokenDimensions / 4] = {};
  for (std::size_t i = 0; i < kModelDimensions; ++i) {
    const float value = token[i] - mean_[i];
    const float* row = matrix_.data() + i * kTokenDimensions;
    for (std::size_t k = 0; k < kTokenDimensions / 4; ++k) {
      Four four;
      std::memcpy(&four, row + k * 4, sizeof four);
      fours[k] += value * four;
    }
  }
  std::memcpy(sums.data(), fours, sizeof fours);
  float most = 0;
  // No number: what such a vector came from was broken; it matches nothing.
  bool sound = true;
  for (std::size_t d = 0; d < kTokenDimensions; ++d) {
    sums[d] *= scales_[d];
    sound = sound && std::fabs(sums[d]) < 1e30F;
    most = std::max(most, std::fabs(sums[d]));
  }
  sound = sound && most > 0;
  for (std::size_t d = 0; d < kTokenDimensions; ++d) {
    kept[d] = sound ? static_cast<std::int8_t>(std::lrint(sums[d] / most * 127)) : std::int8_t{0};
  }
}

double Judge::Trees::score(const Features& features) const {
  float sum = 0;
  for (const std::int16_t root : roots) {
    std::int32_t at = static_cast<std::uint16_t>(root);
    while (at >= 0) {
      const std::int16_t* node = &nodes[kNode * static_cast<std::size_t>(at)];
      const Split& split = splits[static_cast<std::uint16_t>(node[0])];
      at = features[split.feature] <= split.threshold ? node[1] : node[2];
    }
    const float leaf = unit * static_cast<float>(leaves[static_cast<std::size_t>(-1 - at)]);
    sum += leaf;
  }
  return 1 / (1 + exponential(-static_cast<double>(slope * sum + offset)));
}

double Judge::judge(const Comparison& words, const TokenVectors& a, const TokenVectors& b, double cosine, double light,
                    std::vector<Doubt>* doubts) const {
  if (words.verdict != Verdict::kUndecided) return words.verdict == Verdict::kSame ? 1 : 0;
  if (a.count == 0 || b.count == 0 || !sound(cosine) || !sound(light)) return 0;
  Features features = {};
  std::copy(words.signs.begin(), words.signs.end(), features.begin());
  const auto more = vector_signs(words, a, b, static_cast<float>(cosine), doubts);
  std::copy(more.begin(), more.end(), features.begin() + kSignCount);
  features[kSignCount + kLightCosine] = static_cast<float>(light);
  return trees_.score(features);
}

double Judge::judge_light(const Comparison& words, double light) const {
  if (words.verdict != Verdict::kUndecided) return words.verdict == Verdict::kSame ? 1 : 0;
  if (!sound(light)) return 0;
  Features features = {};
  std::copy(words.signs.begin(), words.signs.end(), features.begin());
  features[kSignCount + kLightCosine] = static_cast<float>(light);
  return light_.score(features);
}

double Judge::threshold(Policy policy, bool light) const {
  if (policy == Policy::kOff) return 2;
  return (light ? light_ : trees_).thresholds[policy == Policy::kStrict ? 1 : 0];
}

}  // namespace tierwise::guard
