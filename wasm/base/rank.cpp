#include "base/rank.h"

#include <algorithm>

namespace tierwise {

void sort_ranks(std::vector<Rank>& ranks) {
  const auto before = [](const Rank& left, const Rank& right) {
    return left.key < right.key || (left.key == right.key && left.place < right.place);
  };
  // A heap: the smallest code of those that never take quadratic time.
  std::make_heap(ranks.begin(), ranks.end(), before);
  std::sort_heap(ranks.begin(), ranks.end(), before);
}

}  // namespace tierwise
