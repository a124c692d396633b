// What makes one vector of the vectors of a text's tokens: their mean, made to length 1.
#pragma once

#include <cstddef>

namespace tierwise::embed {

// The mean over `tokens` rows of `dimensions` floats, divided by its length, in `out`. The sum is taken row by row in
// float32, in groups of four dimensions; the same on every machine. Of no tokens, or where the mean is 0 or not finite,
// all of `out` is 0. `out` may be the first row of `vectors`.
void pool(const float* vectors, std::size_t tokens, std::size_t dimensions, float* out);

// Divides a vector by its length; all 0 where that is 0 or not finite.
void to_unit_length(float* vector, std::size_t dimensions);

}  // namespace tierwise::embed
