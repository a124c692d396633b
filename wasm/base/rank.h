// Sorting, once for all: what is to be sorted is ranked by a number each, and only the ranks are moved.
// Equals keep their order.
#pragma once

#include <cstdint>
#include <vector>

namespace tierwise {

struct Rank {
  double key;
  std::uint32_t place;  // where it stood
};

// By key, the smallest first, equals by place. Keys are no NaN.
void sort_ranks(std::vector<Rank>& ranks);

}  // namespace tierwise
