// Finds small numbers by digest: a flat hash table (open addressing, linear probing, at most half full, deletion by
// shifting back) that holds the numbers only. The digest of a number is asked of the caller, who has it anyway.
// Digests are taken as evenly spread, which SHA-256 makes them; crafted ones cost time, never correctness.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <vector>

#include "base/hash.h"

namespace tierwise::cache {

class DigestTable {
 public:
  static constexpr std::uint32_t kNone = std::numeric_limits<std::uint32_t>::max();

  // `digest_of(number)` gives the digest of a number in the table, in all of these.
  template <typename DigestOf>
  std::uint32_t find(const Digest& digest, const DigestOf& digest_of) const {
    if (cells_.empty()) return kNone;
    for (std::size_t at = home(digest);; at = next(at)) {
      if (cells_[at] == kNone || digest_of(cells_[at]) == digest) return cells_[at];
    }
  }

  // `digest` must not be in the table.
  template <typename DigestOf>
  void insert(const Digest& digest, std::uint32_t number, const DigestOf& digest_of) {
    if (2 * (count_ + 1) > cells_.size()) grow(digest_of);
    place(digest, number);
    ++count_;
  }

  // `digest` must be in the table.
  template <typename DigestOf>
  void erase(const Digest& digest, const DigestOf& digest_of) {
    std::size_t gap = home(digest);
    while (digest_of(cells_[gap]) != digest) gap = next(gap);
    for (std::size_t at = next(gap); cells_[at] != kNone; at = next(at)) {
      // What lies between its home and `at` may only move to a gap between the two.
      const std::size_t wanted = home(digest_of(cells_[at]));
      if (((at - wanted) & mask()) >= ((at - gap) & mask())) {
        cells_[gap] = cells_[at];
        gap = at;
      }
    }
    cells_[gap] = kNone;
    --count_;
  }

  std::size_t size() const { return count_; }

 private:
  static constexpr std::size_t kFirstCells = 16;

  std::size_t mask() const { return cells_.size() - 1; }
  std::size_t next(std::size_t at) const { return (at + 1) & mask(); }
  std::size_t home(const Digest& digest) const {
    std::uint32_t bits;
    std::memcpy(&bits, digest.data(), sizeof bits);
    return bits & mask();
  }

  void place(const Digest& digest, std::uint32_t number) {
    std::size_t at = home(digest);
    while (cells_[at] != kNone) at = next(at);
    cells_[at] = number;
  }

  template <typename DigestOf>
  void grow(const DigestOf& digest_of) {
    std::vector<std::uint32_t> old(cells_.empty() ? kFirstCells : 2 * cells_.size(), kNone);
    old.swap(cells_);
    for (const std::uint32_t number : old) {
      if (number != kNone) place(digest_of(number), number);
    }
  }

  std::vector<std::uint32_t> cells_;
  std::size_t count_ = 0;
};

}  // namespace tierwise::cache
