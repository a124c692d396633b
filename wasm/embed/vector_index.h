// An exact index of vectors by cosine: every row of a partition is considered by every search of it, and no other row
// is.
//
// Vectors of 2 to 4,096 dimensions, made unit vectors on their way in; one without a direction (zero, NaN, infinite) is
// refused. A row has an id, given here and kept until it is removed (then given out again), a partition key and 32
// tags, both the caller's.
//
// Search. Up to 64 rows are compared code by code (vector_code.h). More are first estimated from their signs; the best
// estimates are compared, and then every row whose estimate, four standard errors added, reaches the worst result so
// far. So the rows that are best by the codes are found (a row is missed with a probability of 1 in 30,000), and those
// are the best by the vectors themselves but for scores within the codes' error, 3e-5. Equal scores: the smaller id
// first.
//
// Removing moves the last row of the partition into the gap: there are no tombstones, and memory goes back at once.
// Adding, changing and removing take a time that does not depend on the number of rows; a search is linear in the rows
// of its partition.
//
// Errors: "invalid-vector"; "too-many-rows" beyond kMostRows; "out-of-memory", when the index is as it was before;
// "unknown-row".
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/result.h"
#include "embed/vector_code.h"
#include "embed/vector_rows.h"

namespace tierwise::embed {

inline constexpr std::size_t kMostRows = 1'000'000;

class VectorIndex {
 public:
  struct Search {
    std::uint32_t partition = 0;
    std::size_t k = 10;
    float min_score = -1;
    std::uint32_t tags = 0;  // only rows that have all of them
  };
  struct Hit {
    std::uint32_t id;
    float score;
    bool operator==(const Hit&) const = default;
  };

  // `dimensions` from kLeastDimensions to kMostDimensions.
  explicit VectorIndex(std::size_t dimensions) : coder_(dimensions), turned_(coder_.places()) {}

  std::size_t dimensions() const { return coder_.dimensions(); }
  std::size_t size() const { return size_; }
  std::size_t partitions() const { return partitions_.size() - free_partitions_.size(); }
  std::size_t rows_of(std::uint32_t partition) const;
  // Of memory held: codes, tables and room not yet used.
  std::size_t bytes() const;

  // `vector` holds dimensions() numbers. The answer of add is the row's id.
  Result<std::uint32_t> add(std::uint32_t partition, std::span<const float> vector, std::uint32_t tags = 0);
  // Without tags it keeps those it has.
  Result<Done> update(std::uint32_t id, std::span<const float> vector, std::optional<std::uint32_t> tags = {});
  bool remove(std::uint32_t id);
  // How many rows went.
  std::size_t drop(std::uint32_t partition);
  bool contains(std::uint32_t id) const { return id < places_.size() && places_[id].partition != kNone; }

  // The best first.
  Result<std::vector<Hit>> search(std::span<const float> vector, const Search& search) const;

 private:
  friend class VectorSnapshotWriter;
  friend class VectorSnapshotReader;

  static constexpr std::uint32_t kNone = 0xFFFFFFFF;

  struct Partition {
    std::uint32_t key;
    VectorRows rows;
  };
  // Where an id's row lies; of an id that is free, kNone and the next free one.
  struct Place {
    std::uint32_t partition;
    std::uint32_t row;
  };

  std::size_t home(std::uint32_t key) const;
  // The cell that names the partition, or the empty one where it would stand.
  std::size_t cell(std::uint32_t key) const;
  std::uint32_t find(std::uint32_t key) const;
  // Finds or makes it.
  std::uint32_t partition(std::uint32_t key);
  void remove_partition(std::uint32_t number);
  void grow_cells();
  std::uint32_t take_id();
  void free_id(std::uint32_t id);

  VectorCoder coder_;
  std::vector<float> turned_;
  std::vector<Partition> partitions_;
  std::vector<std::uint32_t> free_partitions_;
  std::vector<std::uint32_t> cells_;  // numbers of partitions by key: a power of two of them, at most half full
  std::vector<Place> places_;         // by id
  std::uint32_t free_id_ = kNone;
  std::size_t size_ = 0;
};

}  // namespace tierwise::embed
