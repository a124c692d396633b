// A vector index as bytes and back, piece by piece, so that neither side holds a second copy of it.
//
// Format, little-endian: a header of 32 bytes (magic "TWVI", version, dimensions, rows, partitions, ids ever given out,
// and the length of all as 64 bits); for each partition its key and number of rows, then for each 1,024 of its rows the
// columns ids, tags, scales, coarse and fine codes (vector_code.h); at the end the XXH64 of all before it. Signs are
// made again. Version 1 fixes the rotation of VectorCoder with it.
//
// What is read is not trusted: torn, altered or foreign bytes are refused with "invalid-snapshot" and leave the index
// as it was. Memory is taken chunk by chunk as the bytes come, but for the table of ids, 8 MB at most. "out-of-memory".
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "base/checksum.h"
#include "base/result.h"
#include "embed/vector_index.h"

namespace tierwise::embed {

struct SnapshotHeader {
  std::uint32_t magic;
  std::uint32_t version;
  std::uint32_t dimensions;
  std::uint32_t rows;
  std::uint32_t partitions;
  std::uint32_t ids;
  std::uint64_t bytes;
};

// The index must stay as it is meanwhile.
class VectorSnapshotWriter {
 public:
  explicit VectorSnapshotWriter(const VectorIndex& index);

  std::uint64_t bytes() const { return header_.bytes; }
  // The next bytes, as many as there is room for; fewer at the end, then none.
  std::size_t write(std::span<char> room);

 private:
  std::string_view next_segment();

  const VectorIndex& index_;
  SnapshotHeader header_;
  std::array<std::uint32_t, 2> partition_header_ = {};
  std::uint64_t sum_ = 0;
  Checksum checksum_;
  std::string_view segment_;
  std::size_t partition_ = 0;
  std::size_t chunk_ = 0;
  std::size_t step_ = 0;
};

class VectorSnapshotReader {
 public:
  // For an index of as many dimensions.
  explicit VectorSnapshotReader(std::size_t dimensions) : index_(dimensions) {}

  // Takes the next piece, of any size. After an error nothing more is to be given.
  Result<Done> read(std::string_view piece);
  // Once all was given; then `index` is what was read.
  Result<Done> finish(VectorIndex& index);

 private:
  OwnedError end_of_segment();
  OwnedError begin_partition();
  OwnedError begin_chunk();
  OwnedError end_of_chunk();

  VectorIndex index_;
  SnapshotHeader header_ = {};
  std::array<std::uint32_t, 2> partition_header_ = {};
  std::uint64_t sum_ = 0;
  Checksum checksum_;
  // Where bytes go to now.
  std::span<char> segment_ = {reinterpret_cast<char*>(&header_), sizeof header_};
  enum class Part { kHeader, kPartition, kColumns, kSum, kOver } part_ = Part::kHeader;
  std::size_t column_ = 0;
  std::uint32_t partitions_left_ = 0;
  std::uint32_t partition_ = 0;
  std::size_t rows_left_ = 0;  // of the partition
};

}  // namespace tierwise::embed
