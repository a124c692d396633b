// The rows of one partition of the vector index: codes, ids and tags, without gaps, in chunks of up to 1,024 rows.
//
// The first chunk begins with 4 rows and doubles, the others grow by 256; one that is three quarters empty shrinks. So
// a partition of 3 rows takes the room of 4, and one of many wastes less than a chunk. A chunk is one piece of memory,
// column by column, so that a search reads each column as one stream. Signs are kept from 128 rows of room on: fewer
// are compared code by code.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <vector>

#include "embed/vector_code.h"

namespace tierwise::embed {

inline constexpr std::size_t kChunkRows = 1024;

struct FreeMemory {
  void operator()(std::uint8_t* memory) const { std::free(memory); }
};
using Memory = std::unique_ptr<std::uint8_t, FreeMemory>;

// Where the columns of a chunk with room for so many rows begin.
struct ChunkShape {
  ChunkShape(const VectorCoder& coder, std::size_t room);

  std::size_t room;
  bool has_signs;
  std::size_t coarse, fine, scales, ids, tags, factors;  // the signs are first
  std::size_t bytes;
};

struct Chunk {
  Memory memory;
  std::size_t room = 0;
};

// One row, where it lies.
struct Row {
  VectorCode code;
  std::uint32_t* id;
  std::uint32_t* tags;
};

// A chunk's columns, `rows` of its first rows being used. No signs or factors where there is little room.
struct Columns {
  std::size_t rows;
  std::uint8_t* signs;
  std::int8_t* coarse;
  std::uint8_t* fine;
  float* scales;
  std::uint32_t* ids;
  std::uint32_t* tags;
  std::int16_t* factors;
};

class VectorRows {
 public:
  std::size_t size() const { return size_; }
  std::size_t bytes() const { return bytes_; }
  std::size_t chunks() const { return chunks_.size(); }
  Columns columns(const VectorCoder& coder, std::size_t chunk) const;
  Row row(const VectorCoder& coder, std::size_t row) const;

  // One more, with nothing in it; or `count` more, at the beginning of a chunk. False when there is no memory for them.
  bool append(const VectorCoder& coder, std::size_t count = 1);
  // Once its code is there, or was changed.
  void write_signs(const VectorCoder& coder, std::size_t row);
  void copy(const VectorCoder& coder, std::size_t from, std::size_t to);
  void remove_last(const VectorCoder& coder);

 private:
  bool resize_last(const VectorCoder& coder, std::size_t room, std::size_t rows);
  std::size_t rows_of(std::size_t chunk) const;

  std::vector<Chunk> chunks_;
  std::size_t size_ = 0;
  std::size_t bytes_ = 0;
};

}  // namespace tierwise::embed
