// Numbers digests from 0 up and finds their numbers: a flat hash table (open addressing, linear probing, at
// most half full, deletion by shifting back). The number of a digest that was removed is given out again.
// Digests are taken as evenly spread, which SHA-256 makes them; crafted ones cost time, never correctness.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "base/hash.h"

namespace tierwise::cache {

class DigestTable {
 public:
  static constexpr std::uint32_t kNone = std::numeric_limits<std::uint32_t>::max();

  // kNone when it is not there.
  std::uint32_t find(const Digest& digest) const;
  // Must not be there yet.
  std::uint32_t add(const Digest& digest);
  void remove(std::uint32_t number);

  const Digest& operator[](std::uint32_t number) const { return digests_[number]; }
  std::size_t size() const { return digests_.size() - free_.size(); }

 private:
  std::size_t next(std::size_t cell) const { return (cell + 1) & (cells_.size() - 1); }
  // Where `digest` would best stand.
  std::size_t home(const Digest& digest) const;
  void place(std::uint32_t number);

  std::vector<Digest> digests_;
  std::vector<std::uint32_t> free_;
  std::vector<std::uint32_t> cells_;  // numbers; a power of two of them, or none
};

}  // namespace tierwise::cache
