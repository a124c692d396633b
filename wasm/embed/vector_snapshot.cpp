#include "embed/vector_snapshot.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <utility>

namespace tierwise::embed {
namespace {

constexpr std::uint32_t kMagic = 0x49565754;  // "TWVI"
constexpr std::uint32_t kVersion = 1;
constexpr std::size_t kColumnCount = 5;

std::uint64_t length_of(const VectorCoder& coder, std::uint64_t rows, std::uint64_t partitions) {
  const std::uint64_t row = 3 * sizeof(std::uint32_t) + coder.places() + coder.fine_bytes();
  return sizeof(SnapshotHeader) + partitions * 2 * sizeof(std::uint32_t) + rows * row + sizeof(std::uint64_t);
}

std::span<char> column(const VectorCoder& coder, const Columns& columns, std::size_t number) {
  const std::size_t rows = columns.rows;
  const auto words = rows * sizeof(std::uint32_t);
  switch (number) {
    case 0: return {reinterpret_cast<char*>(columns.ids), words};
    case 1: return {reinterpret_cast<char*>(columns.tags), words};
    case 2: return {reinterpret_cast<char*>(columns.scales), words};
    case 3: return {reinterpret_cast<char*>(columns.coarse), rows * coder.places()};
    default: return {reinterpret_cast<char*>(columns.fine), rows * coder.fine_bytes()};
  }
}

template <typename T>
std::span<char> bytes_of(T& object) {
  return {reinterpret_cast<char*>(&object), sizeof object};
}
std::string_view text_of(std::span<const char> bytes) { return {bytes.data(), bytes.size()}; }

OwnedError damaged(std::string_view what) { return refusal("invalid-snapshot", "from", what); }
OwnedError altered() { return damaged("is damaged: its parts do not agree."); }

}  // namespace

VectorSnapshotWriter::VectorSnapshotWriter(const VectorIndex& index)
    : index_(index),
      header_{kMagic,
              kVersion,
              static_cast<std::uint32_t>(index.dimensions()),
              static_cast<std::uint32_t>(index.size()),
              static_cast<std::uint32_t>(index.partitions()),
              static_cast<std::uint32_t>(index.places_.size()),
              length_of(index.coder_, index.size(), index.partitions())},
      segment_(text_of(bytes_of(header_))) {}

// `step_`: 0 the header of a partition, then the columns of its chunks; beyond the partitions the sum, then nothing.
std::string_view VectorSnapshotWriter::next_segment() {
  const auto& partitions = index_.partitions_;
  while (partition_ < partitions.size() && partitions[partition_].rows.size() == 0) ++partition_;
  if (partition_ == partitions.size()) {
    if (step_++ > 0) return {};
    sum_ = checksum_.value();
    return text_of(bytes_of(sum_));
  }
  const VectorIndex::Partition& partition = partitions[partition_];
  if (step_ == 0) {
    step_ = 1;
    partition_header_ = {partition.key, static_cast<std::uint32_t>(partition.rows.size())};
    return text_of(bytes_of(partition_header_));
  }
  const std::string_view segment =
      text_of(column(index_.coder_, partition.rows.columns(index_.coder_, chunk_), step_ - 1));
  if (++step_ > kColumnCount) {
    step_ = 1;
    if (++chunk_ == partition.rows.chunks()) {
      chunk_ = step_ = 0;
      ++partition_;
    }
  }
  return segment;
}

std::size_t VectorSnapshotWriter::write(std::span<char> room) {
  std::size_t written = 0;
  while (written < room.size()) {
    const std::size_t taken = segment_.copy(room.data() + written, room.size() - written);
    checksum_.update(segment_.substr(0, taken));
    segment_.remove_prefix(taken);
    written += taken;
    if (segment_.empty()) {
      segment_ = next_segment();
      if (segment_.empty()) break;
    }
  }
  return written;
}

Result<Done> VectorSnapshotReader::read(std::string_view piece) {
  while (!piece.empty()) {
    if (part_ == Part::kOver) return damaged("is damaged: there is more than its length says.");
    const std::size_t taken = piece.copy(segment_.data(), segment_.size());
    if (part_ != Part::kSum) checksum_.update(piece.substr(0, taken));
    piece.remove_prefix(taken);
    segment_ = segment_.subspan(taken);
    if (!segment_.empty()) continue;
    if (OwnedError error = end_of_segment()) return error;
  }
  return Done();
}

OwnedError VectorSnapshotReader::end_of_segment() {
  switch (part_) {
    case Part::kHeader:
      if (header_.magic != kMagic) return damaged("is no snapshot of a vector index.");
      if (header_.version != kVersion) return damaged("is of another version of this package.");
      if (header_.dimensions != index_.dimensions()) return damaged("is of vectors with another number of dimensions.");
      if (header_.rows > header_.ids || header_.ids > kMostRows || header_.partitions > header_.rows ||
          (header_.rows > 0 && header_.partitions == 0) ||
          header_.bytes != length_of(index_.coder_, header_.rows, header_.partitions)) {
        return altered();
      }
      index_.places_.assign(header_.ids, {VectorIndex::kNone, VectorIndex::kNone});
      partitions_left_ = header_.partitions;
      return begin_partition();
    case Part::kPartition: {
      const auto [key, rows] = partition_header_;
      // The partitions still to come have a row each, at least.
      if (rows == 0 || std::uint64_t{rows} + partitions_left_ > header_.rows - index_.size_ ||
          index_.find(key) != VectorIndex::kNone) {
        return altered();
      }
      partition_ = index_.partition(key);
      rows_left_ = rows;
      return begin_chunk();
    }
    case Part::kColumns: {
      if (++column_ == kColumnCount) return end_of_chunk();
      const VectorRows& rows = index_.partitions_[partition_].rows;
      segment_ = column(index_.coder_, rows.columns(index_.coder_, rows.chunks() - 1), column_);
      return {};
    }
    case Part::kSum:
      if (sum_ != checksum_.value()) return damaged("is damaged: its checksum is another.");
      part_ = Part::kOver;
      return {};
    case Part::kOver: break;
  }
  return {};
}

OwnedError VectorSnapshotReader::begin_partition() {
  if (partitions_left_ == 0) {
    if (index_.size_ != header_.rows) return altered();
    part_ = Part::kSum;
    segment_ = bytes_of(sum_);
  } else {
    --partitions_left_;
    part_ = Part::kPartition;
    segment_ = bytes_of(partition_header_);
  }
  return {};
}

OwnedError VectorSnapshotReader::begin_chunk() {
  VectorRows& rows = index_.partitions_[partition_].rows;
  const std::size_t count = std::min(rows_left_, kChunkRows);
  if (!rows.append(index_.coder_, count)) {
    return make_error("out-of-memory", "There is no memory left for the vectors of this snapshot.", "from");
  }
  rows_left_ -= count;
  part_ = Part::kColumns;
  column_ = 0;
  segment_ = column(index_.coder_, rows.columns(index_.coder_, rows.chunks() - 1), 0);
  return {};
}

OwnedError VectorSnapshotReader::end_of_chunk() {
  VectorRows& rows = index_.partitions_[partition_].rows;
  const std::size_t chunk = rows.chunks() - 1;
  const Columns columns = rows.columns(index_.coder_, chunk);
  for (std::size_t i = 0; i < columns.rows; ++i) {
    const std::uint32_t id = columns.ids[i];
    const float scale = columns.scales[i];
    if (id >= header_.ids || index_.contains(id) || !(scale > 0) || !std::isfinite(scale)) return altered();
    const std::size_t row = chunk * kChunkRows + i;
    index_.places_[id] = {partition_, static_cast<std::uint32_t>(row)};
    rows.write_signs(index_.coder_, row);
  }
  index_.size_ += columns.rows;
  return rows_left_ > 0 ? begin_chunk() : begin_partition();
}

Result<Done> VectorSnapshotReader::finish(VectorIndex& index) {
  if (part_ != Part::kOver) return damaged("is cut off: there is less than its length says.");
  for (std::size_t id = index_.places_.size(); id-- > 0;) {
    if (!index_.contains(static_cast<std::uint32_t>(id))) index_.free_id(static_cast<std::uint32_t>(id));
  }
  index = std::move(index_);
  return Done();
}

}  // namespace tierwise::embed
