#include "cache/digest_table.h"

#include <cstring>

namespace tierwise::cache {

std::size_t DigestTable::home(const Digest& digest) const {
  std::uint32_t bits;
  std::memcpy(&bits, digest.data(), sizeof bits);
  return bits & (cells_.size() - 1);
}

std::uint32_t DigestTable::find(const Digest& digest) const {
  if (cells_.empty()) return kNone;
  for (std::size_t at = home(digest);; at = next(at)) {
    if (cells_[at] == kNone || digests_[cells_[at]] == digest) return cells_[at];
  }
}

void DigestTable::place(std::uint32_t number) {
  std::size_t at = home(digests_[number]);
  while (cells_[at] != kNone) at = next(at);
  cells_[at] = number;
}

std::uint32_t DigestTable::add(const Digest& digest) {
  constexpr std::size_t kFirstCells = 16;
  if (2 * (size() + 1) > cells_.size()) {
    std::vector<std::uint32_t> old(cells_.empty() ? kFirstCells : 2 * cells_.size(), kNone);
    old.swap(cells_);
    for (const std::uint32_t number : old) {
      if (number != kNone) place(number);
    }
  }
  auto number = static_cast<std::uint32_t>(digests_.size());
  if (free_.empty()) {
    digests_.push_back(digest);
  } else {
    number = free_.back();
    free_.pop_back();
    digests_[number] = digest;
  }
  place(number);
  return number;
}

void DigestTable::remove(std::uint32_t number) {
  std::size_t gap = home(digests_[number]);
  while (cells_[gap] != number) gap = next(gap);
  const std::size_t mask = cells_.size() - 1;
  for (std::size_t at = next(gap); cells_[at] != kNone; at = next(at)) {
    // What lies between its home and `at` may only move to a gap between the two.
    const std::size_t wanted = home(digests_[cells_[at]]);
    if (((at - wanted) & mask) >= ((at - gap) & mask)) {
      cells_[gap] = cells_[at];
      gap = at;
    }
  }
  cells_[gap] = kNone;
  free_.push_back(number);
}

}  // namespace tierwise::cache
