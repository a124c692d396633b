#include "embed/pooling.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace tierwise::embed {
namespace {

using Four = float __attribute__((vector_size(16)));
constexpr std::size_t kFour = sizeof(Four) / sizeof(float);
// At once: the sums are read and written once for so many.
constexpr std::size_t kRows = 4;

template <std::size_t kCount>
void add_rows(const float* rows, std::size_t dimensions, float* sums) {
  std::size_t i = 0;
  for (; i + kFour <= dimensions; i += kFour) {
    Four sum;
    std::memcpy(&sum, sums + i, sizeof sum);
#pragma GCC unroll 4
    for (std::size_t row = 0; row < kCount; ++row) {
      Four four;
      std::memcpy(&four, rows + row * dimensions + i, sizeof four);
      sum += four;
    }
    std::memcpy(sums + i, &sum, sizeof sum);
  }
  for (; i < dimensions; ++i) {
    for (std::size_t row = 0; row < kCount; ++row) sums[i] += rows[row * dimensions + i];
  }
}

}  // namespace

void pool(const float* vectors, std::size_t tokens, std::size_t dimensions, float* out) {
  if (tokens == 0) {
    std::fill_n(out, dimensions, 0.0f);
    return;
  }
  std::memmove(out, vectors, dimensions * sizeof *out);
  std::size_t token = 1;
  for (; token + kRows <= tokens; token += kRows) add_rows<kRows>(vectors + token * dimensions, dimensions, out);
  for (; token < tokens; ++token) add_rows<1>(vectors + token * dimensions, dimensions, out);
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
