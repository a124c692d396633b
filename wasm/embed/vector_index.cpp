#include "embed/vector_index.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace tierwise::embed {
namespace {

using Hit = VectorIndex::Hit;

constexpr std::size_t kComparedWhole = 64;
// The best estimates, compared first: enough that the bound they give is good.
constexpr std::size_t kFirstCompared = 12;
constexpr std::size_t kMostFetched = 12;
// Of the processor's cache.
constexpr std::size_t kLineBytes = 64;

bool better(const Hit& a, const Hit& b) { return a.score > b.score || (a.score == b.score && a.id < b.id); }

// The best `k` of what is offered, the worst of them on top of the heap.
template <typename Item, typename Better>
class Best {
 public:
  Best(std::size_t k, Better is_better) : k_(k), is_better_(is_better) { items_.reserve(k); }

  bool full() const { return items_.size() == k_; }
  const Item& worst() const { return items_.front(); }
  void offer(const Item& item) {
    if (!full()) {
      items_.push_back(item);
      std::push_heap(items_.begin(), items_.end(), is_better_);
    } else if (is_better_(item, worst())) {
      replace_worst(item);
    }
  }
  std::vector<Item> take() {
    std::sort_heap(items_.begin(), items_.end(), is_better_);
    return std::move(items_);
  }

 private:
  void replace_worst(const Item& item) {
    std::size_t at = 0;
    for (std::size_t child = 1; child < k_; child = 2 * at + 1) {
      if (child + 1 < k_ && is_better_(items_[child], items_[child + 1])) ++child;
      if (!is_better_(item, items_[child])) break;
      items_[at] = items_[child];
      at = child;
    }
    items_[at] = item;
  }

  std::size_t k_;
  Better is_better_;
  std::vector<Item> items_;
};

// Calls `visit(place)` for each of the `rows` estimates above `threshold`, which it may change.
template <typename Visit>
void for_each_above(const std::int16_t* estimates, std::size_t rows, const std::int16_t& threshold,
                    const Visit& visit) {
  constexpr std::size_t kBits = 32;
  for (std::size_t begin = 0; begin < rows; begin += kBits) {
    std::uint32_t bits = above(estimates + begin, threshold);
    if (rows - begin < kBits) bits &= (1U << (rows - begin)) - 1;
    for (; bits != 0; bits &= bits - 1) visit(begin + static_cast<std::size_t>(__builtin_ctz(bits)));
  }
}

// Compares rows of one partition with one query.
class Comparison {
 public:
  Comparison(const VectorCoder& coder, const VectorRows& rows, const CodedQuery& query,
             const VectorIndex::Search& search)
      : coder_(coder), rows_(rows), query_(query), search_(search), hits_(std::min(search.k, rows.size()), better) {}

  void all() {
    for (std::size_t i = 0; i < rows_.chunks(); ++i) {
      const Columns columns = rows_.columns(coder_, i);
      for (std::size_t row = 0; row < columns.rows; ++row) compare(columns, row);
    }
  }

  // `estimates` has room for one of each row, whole blocks of them.
  void by_estimates(std::int16_t* estimates) {
    const std::int16_t first = first_threshold(estimates);
    // Rows at the threshold itself are above this.
    std::int16_t upper = first == kLowest ? first : static_cast<std::int16_t>(first - 1);
    each_chunk(estimates, upper, [&](const Columns& columns, std::size_t row, std::int16_t) { fetch(columns, row); });
    compare_fetched();
    if (first == kLowest) return;
    std::int16_t lower = threshold();
    each_chunk(estimates, lower, [&](const Columns& columns, std::size_t row, std::int16_t estimate) {
      if (estimate > upper) return;
      if (fetch(columns, row)) lower = threshold();
    });
    compare_fetched();
  }

  std::vector<Hit> take() { return hits_.take(); }

 private:
  static constexpr std::int16_t kLowest = std::numeric_limits<std::int16_t>::min();

  bool wanted(const Columns& columns, std::size_t row) const {
    return search_.tags == 0 || (columns.tags[row] & search_.tags) == search_.tags;
  }

  void compare(const Columns& columns, std::size_t row) {
    if (!wanted(columns, row)) return;
    const float scale = columns.scales[row];
    const std::int64_t compared = query_.compare(columns.coarse + row * coder_.places());
    // Most rows need not be read any further.
    const float most = query_.most(compared, scale);
    if (most < search_.min_score || (hits_.full() && most < hits_.worst().score)) return;
    const float score = query_.cosine(compared, columns.fine + row * coder_.fine_bytes(), scale);
    if (score >= search_.min_score) hits_.offer({columns.ids[row], score});
  }

  // Rows lie far apart: several are asked of memory before the first is compared. True when they were compared.
  bool fetch(const Columns& columns, std::size_t row) {
    const std::int8_t* coarse = columns.coarse + row * coder_.places();
    for (std::size_t i = 0; i < coder_.places(); i += kLineBytes) {
      (void)*static_cast<const volatile std::int8_t*>(coarse + i);
    }
    fetched_[fetched_count_++] = {columns, row};
    if (fetched_count_ < kMostFetched) return false;
    compare_fetched();
    return true;
  }
  void compare_fetched() {
    for (std::size_t i = 0; i < fetched_count_; ++i) compare(fetched_[i].columns, fetched_[i].row);
    fetched_count_ = 0;
  }

  // Estimates all rows. So many wanted ones are at least as high as the answer that a good bound comes of comparing
  // them.
  std::int16_t first_threshold(std::int16_t* estimates) const {
    const auto higher = [](std::int16_t a, std::int16_t b) { return a > b; };
    Best<std::int16_t, decltype(higher)> best(std::min(std::max(search_.k, kFirstCompared), rows_.size()), higher);
    std::int16_t threshold = kLowest;
    for (std::size_t i = 0; i < rows_.chunks(); ++i, estimates += kChunkRows) {
      const Columns columns = rows_.columns(coder_, i);
      query_.estimate(columns.signs, columns.factors, (columns.rows + kBlockRows - 1) / kBlockRows, estimates);
      for_each_above(estimates, columns.rows, threshold, [&](std::size_t row) {
        if (!wanted(columns, row)) return;
        best.offer(estimates[row]);
        if (best.full()) threshold = best.worst();
      });
    }
    return threshold;
  }

  // A row not above it has no place among the hits.
  std::int16_t threshold() const {
    double cosine = search_.min_score;
    if (hits_.full()) cosine = std::max(cosine, static_cast<double>(hits_.worst().score));
    if (cosine <= -1) return kLowest;
    const double least = (cosine - query_.error(std::clamp(cosine, 0.0, 1.0))) / query_.unit() - 2;
    return static_cast<std::int16_t>(std::clamp(least, -32768.0, 32767.0));
  }

  template <typename Visit>
  void each_chunk(const std::int16_t* estimates, const std::int16_t& threshold, const Visit& visit) const {
    for (std::size_t i = 0; i < rows_.chunks(); ++i, estimates += kChunkRows) {
      const Columns columns = rows_.columns(coder_, i);
      for_each_above(estimates, columns.rows, threshold, [&](std::size_t row) { visit(columns, row, estimates[row]); });
    }
  }

  const VectorCoder& coder_;
  const VectorRows& rows_;
  const CodedQuery& query_;
  const VectorIndex::Search& search_;
  Best<Hit, decltype(&better)> hits_;
  // Compared soon.
  struct Place {
    Columns columns;
    std::size_t row;
  };
  Place fetched_[kMostFetched];
  std::size_t fetched_count_ = 0;
};

OwnedError no_direction() {
  return make_error("invalid-vector", "vector must have finite numbers, not all of them 0.", "vector");
}
OwnedError no_memory() {
  return make_error("out-of-memory", "There is no memory left for the vectors: remove some, or use fewer dimensions.");
}

}  // namespace

std::size_t VectorIndex::home(std::uint32_t key) const {
  // The upper half of a product: keys that count up spread.
  return static_cast<std::size_t>(key * 0x9E3779B97F4A7C15 >> 32) & (cells_.size() - 1);
}

std::size_t VectorIndex::cell(std::uint32_t key) const {
  std::size_t at = home(key);
  while (cells_[at] != kNone && partitions_[cells_[at]].key != key) at = (at + 1) & (cells_.size() - 1);
  return at;
}

std::uint32_t VectorIndex::find(std::uint32_t key) const { return cells_.empty() ? kNone : cells_[cell(key)]; }

[[gnu::cold]] void VectorIndex::grow_cells() {
  std::vector<std::uint32_t> old(cells_.empty() ? 8 : 2 * cells_.size(), kNone);
  old.swap(cells_);
  for (const std::uint32_t number : old) {
    if (number != kNone) cells_[cell(partitions_[number].key)] = number;
  }
}

std::uint32_t VectorIndex::partition(std::uint32_t key) {
  if (2 * (partitions() + 1) > cells_.size()) grow_cells();
  const std::size_t at = cell(key);
  if (cells_[at] != kNone) return cells_[at];
  auto number = static_cast<std::uint32_t>(partitions_.size());
  if (free_partitions_.empty()) {
    partitions_.push_back({key, {}});
  } else {
    number = free_partitions_.back();
    free_partitions_.pop_back();
    partitions_[number].key = key;
  }
  return cells_[at] = number;
}

[[gnu::cold]] void VectorIndex::remove_partition(std::uint32_t number) {
  std::size_t gap = cell(partitions_[number].key);
  const std::size_t mask = cells_.size() - 1;
  for (std::size_t at = (gap + 1) & mask; cells_[at] != kNone; at = (at + 1) & mask) {
    // What lies between its home and `at` may only move to a gap between the two.
    const std::size_t wanted = home(partitions_[cells_[at]].key);
    if (((at - wanted) & mask) < ((at - gap) & mask)) continue;
    cells_[gap] = cells_[at];
    gap = at;
  }
  cells_[gap] = kNone;
  partitions_[number].rows = {};
  free_partitions_.push_back(number);
}

std::uint32_t VectorIndex::take_id() {
  if (free_id_ == kNone) {
    // By an eighth, not by doubling: there are eight bytes for every row.
    if (places_.size() == places_.capacity()) places_.reserve(places_.size() + places_.size() / 8 + 16);
    places_.push_back({kNone, kNone});
    return static_cast<std::uint32_t>(places_.size() - 1);
  }
  const std::uint32_t id = free_id_;
  free_id_ = places_[id].row;
  return id;
}

void VectorIndex::free_id(std::uint32_t id) {
  places_[id] = {kNone, free_id_};
  free_id_ = id;
}

std::size_t VectorIndex::rows_of(std::uint32_t key) const {
  const std::uint32_t number = find(key);
  return number == kNone ? 0 : partitions_[number].rows.size();
}

std::size_t VectorIndex::bytes() const {
  std::size_t bytes = partitions_.capacity() * sizeof(Partition) + places_.capacity() * sizeof(Place) +
                      (cells_.capacity() + free_partitions_.capacity()) * sizeof(std::uint32_t);
  for (const Partition& partition : partitions_) {
    bytes += partition.rows.bytes() + partition.rows.chunks() * sizeof(Chunk);
  }
  return bytes;
}

Result<std::uint32_t> VectorIndex::add(std::uint32_t key, std::span<const float> vector, std::uint32_t tags) {
  if (size_ == kMostRows) {
    return refusal("too-many-rows", "vectors", "may be 1,000,000 at most: remove some first.");
  }
  if (!coder_.turn(vector, turned_.data())) return no_direction();
  const std::uint32_t number = partition(key);
  VectorRows& rows = partitions_[number].rows;
  if (!rows.append(coder_)) {
    if (rows.size() == 0) remove_partition(number);
    return no_memory();
  }
  const std::size_t place = rows.size() - 1;
  const Row row = rows.row(coder_, place);
  coder_.encode(turned_.data(), row.code);
  const std::uint32_t id = take_id();
  *row.id = id;
  *row.tags = tags;
  rows.write_signs(coder_, place);
  places_[id] = {number, static_cast<std::uint32_t>(place)};
  ++size_;
  return id;
}

Result<Done> VectorIndex::update(std::uint32_t id, std::span<const float> vector, std::optional<std::uint32_t> tags) {
  if (!contains(id)) return make_error("unknown-row", "There is no row with this id.", "id");
  if (!coder_.turn(vector, turned_.data())) return no_direction();
  VectorRows& rows = partitions_[places_[id].partition].rows;
  const Row row = rows.row(coder_, places_[id].row);
  coder_.encode(turned_.data(), row.code);
  if (tags) *row.tags = *tags;
  rows.write_signs(coder_, places_[id].row);
  return Done();
}

bool VectorIndex::remove(std::uint32_t id) {
  if (!contains(id)) return false;
  const Place place = places_[id];
  VectorRows& rows = partitions_[place.partition].rows;
  const std::size_t last = rows.size() - 1;
  if (place.row != last) {
    rows.copy(coder_, last, place.row);
    places_[*rows.row(coder_, place.row).id].row = place.row;
  }
  rows.remove_last(coder_);
  if (rows.size() == 0) remove_partition(place.partition);
  free_id(id);
  --size_;
  return true;
}

std::size_t VectorIndex::drop(std::uint32_t key) {
  const std::uint32_t number = find(key);
  if (number == kNone) return 0;
  const VectorRows& rows = partitions_[number].rows;
  const std::size_t dropped = rows.size();
  for (std::size_t i = 0; i < rows.chunks(); ++i) {
    const Columns columns = rows.columns(coder_, i);
    for (std::size_t row = 0; row < columns.rows; ++row) free_id(columns.ids[row]);
  }
  remove_partition(number);
  size_ -= dropped;
  return dropped;
}

Result<std::vector<Hit>> VectorIndex::search(std::span<const float> vector, const Search& search) const {
  std::vector<float> turned(coder_.places());
  if (!coder_.turn(vector, turned.data())) return no_direction();
  const std::uint32_t number = find(search.partition);
  if (number == kNone || search.k == 0) return std::vector<Hit>();
  const VectorRows& rows = partitions_[number].rows;
  const bool whole = rows.size() <= kComparedWhole;
  const CodedQuery query(coder_, turned.data(), !whole);
  Comparison comparison(coder_, rows, query, search);
  if (whole) {
    comparison.all();
  } else {
    // Not cleared: each is written before it is read.
    const Memory estimates(static_cast<std::uint8_t*>(std::malloc(rows.chunks() * kChunkRows * sizeof(std::int16_t))));
    if (estimates == nullptr) return no_memory();
    comparison.by_estimates(reinterpret_cast<std::int16_t*>(estimates.get()));
  }
  return comparison.take();
}

}  // namespace tierwise::embed
