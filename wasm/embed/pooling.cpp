#include "embed/pooling.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace tierwise::embed {
namespace {

using Four = float __attribute__((vector_size(16)));
// As many as stay in registers.
constexpr std::size_t kFours = 12;
constexpr std::size_t kBlock = kFours * 4;

// The sums of `kBlock` columns, which are read before one is written.
void add_block(const float* column, std::size_t tokens, std::size_t dimensions, float* out) {
  Four sums[kFours] = {};
  for (std::size_t token = 0; token < tokens; ++token, column += dimensions) {
    for (std::size_t i = 0; i < kFours; ++i) {
      Four four;
      std::memcpy(&four, column + i * 4, sizeof four);
      sums[i] += four;
    }
  }
  std::memcpy(out, sums, sizeof sums);
}

}  // namespace

void pool(const float* vectors, std::size_t tokens, std::size_t dimensions, float* out) {
  if (tokens == 0) {
    std::fill_n(out, dimensions, 0.0f);
    return;
  }
  std::size_t i = 0;
  for (; i + kBlock <= dimensions; i += kBlock) add_block(vectors + i, tokens, dimensions, out + i);
  for (; i < dimensions; ++i) {
    float sum = 0;
    for (std::size_t token = 0; token < tokens; ++token) sum += vectors[token * dimensions + i];
    out[i] = sum;
  }
  // The mean's length makes no difference to its direction.
  to_unit_length(out, dimensions);
}

void to_unit_length(float* vector, std::size_t dimensions) {
  // Four sums that do not wait for one another.
  double squares[4] = {};
  for (std::size_t i = 0; i < dimensions; ++i) squares[i % 4] += static_cast<double>(vector[i]) * vector[i];
  const double length = std::sqrt(squares[0] + squares[1] + squares[2] + squares[3]);
  if (!(length > 0) || !std::isfinite(length)) {
    std::fill_n(vector, dimensions, 0.0f);
    return;
  }
  const auto factor = static_cast<float>(1 / length);
  for (std::size_t i = 0; i < dimensions; ++i) vector[i] *= factor;
}

}  // namespace tierwise::embed
