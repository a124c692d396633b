#include "embed/pooling.h"

#include <algorithm>
#include <cmath>

namespace tierwise::embed {

void pool(const float* vectors, std::size_t tokens, std::size_t dimensions, float* out) {
  if (tokens == 0) {
    std::fill_n(out, dimensions, 0.0f);
    return;
  }
  if (out != vectors) std::copy_n(vectors, dimensions, out);
  for (std::size_t token = 1; token < tokens; ++token) {
    const float* row = vectors + token * dimensions;
    for (std::size_t i = 0; i < dimensions; ++i) out[i] += row[i];
  }
  // The mean's length makes no difference to its direction.
  to_unit_length(out, dimensions);
}

void to_unit_length(float* vector, std::size_t dimensions) {
  double squares = 0;
  for (std::size_t i = 0; i < dimensions; ++i) squares += static_cast<double>(vector[i]) * vector[i];
  const double length = std::sqrt(squares);
  if (!(length > 0) || !std::isfinite(length)) {
    std::fill_n(vector, dimensions, 0.0f);
    return;
  }
  const auto factor = static_cast<float>(1 / length);
  for (std::size_t i = 0; i < dimensions; ++i) vector[i] *= factor;
}

}  // namespace tierwise::embed
