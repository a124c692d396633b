#include "embed/vector_rows.h"

#include <algorithm>
#include <cstring>

namespace tierwise::embed {
namespace {

constexpr std::size_t kFirstRoom = 4;
constexpr std::size_t kLaterRoom = 256;
constexpr std::size_t kRoomForSigns = 128;

std::size_t least_room(bool first) { return first ? kFirstRoom : kLaterRoom; }

std::size_t room_for(std::size_t rows, bool first) {
  if (!first) return (rows + kLaterRoom - 1) / kLaterRoom * kLaterRoom;
  std::size_t room = kFirstRoom;
  while (room < rows) room *= 2;
  return room;
}

}  // namespace

ChunkShape::ChunkShape(const VectorCoder& coder, std::size_t room_given)
    : room(room_given),
      has_signs(room >= kRoomForSigns),
      coarse(has_signs ? room / kBlockRows * coder.sign_block_bytes() : 0),
      fine(coarse + room * coder.places()),
      scales(fine + room * coder.fine_bytes()),
      ids(scales + room * sizeof(float)),
      tags(ids + room * sizeof(std::uint32_t)),
      factors(tags + room * sizeof(std::uint32_t)),
      bytes(factors + (has_signs ? room * sizeof(std::int16_t) : 0)) {}

std::size_t VectorRows::rows_of(std::size_t chunk) const { return std::min(size_ - chunk * kChunkRows, kChunkRows); }

Columns VectorRows::columns(const VectorCoder& coder, std::size_t chunk) const {
  const ChunkShape shape(coder, chunks_[chunk].room);
  std::uint8_t* memory = chunks_[chunk].memory.get();
  return {rows_of(chunk),
          shape.has_signs ? memory : nullptr,
          reinterpret_cast<std::int8_t*>(memory + shape.coarse),
          memory + shape.fine,
          reinterpret_cast<float*>(memory + shape.scales),
          reinterpret_cast<std::uint32_t*>(memory + shape.ids),
          reinterpret_cast<std::uint32_t*>(memory + shape.tags),
          shape.has_signs ? reinterpret_cast<std::int16_t*>(memory + shape.factors) : nullptr};
}

Row VectorRows::row(const VectorCoder& coder, std::size_t row) const {
  const Columns all = columns(coder, row / kChunkRows);
  const std::size_t at = row % kChunkRows;
  return {{all.coarse + at * coder.places(), all.fine + at * coder.fine_bytes(), all.scales + at},
          all.ids + at,
          all.tags + at};
}

// Room for a new last chunk's rows, or another room for the old one's.
bool VectorRows::resize_last(const VectorCoder& coder, std::size_t room, std::size_t rows) {
  const ChunkShape shape(coder, room);
  Memory memory(static_cast<std::uint8_t*>(std::malloc(shape.bytes)));
  if (memory == nullptr) return false;
  const std::size_t last = chunks_.size() - 1;
  const ChunkShape old(coder, chunks_[last].room);
  const std::uint8_t* from = chunks_[last].memory.get();
  std::uint8_t* to = memory.get();
  if (rows > 0) {
    std::memcpy(to + shape.coarse, from + old.coarse, rows * coder.places());
    std::memcpy(to + shape.fine, from + old.fine, rows * coder.fine_bytes());
    std::memcpy(to + shape.scales, from + old.scales, rows * sizeof(float));
    std::memcpy(to + shape.ids, from + old.ids, rows * sizeof(std::uint32_t));
    std::memcpy(to + shape.tags, from + old.tags, rows * sizeof(std::uint32_t));
  }
  if (shape.has_signs) {
    // Rows not yet there have a factor of 0, and so an estimate of 0.
    std::memset(to, 0, shape.coarse);
    std::memset(to + shape.factors, 0, room * sizeof(std::int16_t));
  }
  if (shape.has_signs && old.has_signs && rows > 0) {
    std::memcpy(to, from, std::min(shape.coarse, old.coarse));
    std::memcpy(to + shape.factors, from + old.factors, rows * sizeof(std::int16_t));
  }
  bytes_ += shape.bytes - (chunks_[last].memory == nullptr ? 0 : old.bytes);
  chunks_[last] = {std::move(memory), room};
  if (shape.has_signs && !old.has_signs) {
    for (std::size_t i = 0; i < rows; ++i) write_signs(coder, last * kChunkRows + i);
  }
  return true;
}

bool VectorRows::append(const VectorCoder& coder, std::size_t count) {
  const std::size_t used = size_ % kChunkRows;
  const bool is_new = used == 0;
  if (is_new) chunks_.emplace_back();
  const std::size_t last = chunks_.size() - 1;
  if (used + count > chunks_[last].room && !resize_last(coder, room_for(used + count, last == 0), used)) {
    if (is_new) chunks_.pop_back();
    return false;
  }
  size_ += count;
  return true;
}

void VectorRows::write_signs(const VectorCoder& coder, std::size_t row) {
  const Columns all = columns(coder, row / kChunkRows);
  if (all.signs == nullptr) return;
  const std::size_t at = row % kChunkRows;
  all.factors[at] = coder.write_signs(all.coarse + at * coder.places(), all.scales[at],
                                      all.signs + at / kBlockRows * coder.sign_block_bytes(), at % kBlockRows);
}

void VectorRows::copy(const VectorCoder& coder, std::size_t from, std::size_t to) {
  const Row source = row(coder, from);
  const Row target = row(coder, to);
  std::memcpy(target.code.coarse, source.code.coarse, coder.places());
  std::memcpy(target.code.fine, source.code.fine, coder.fine_bytes());
  *target.code.scale = *source.code.scale;
  *target.id = *source.id;
  *target.tags = *source.tags;
  write_signs(coder, to);
}

void VectorRows::remove_last(const VectorCoder& coder) {
  size_ -= 1;
  const std::size_t last = chunks_.size() - 1;
  const std::size_t left = size_ - last * kChunkRows;
  const std::size_t room = chunks_[last].room;
  if (left == 0) {
    bytes_ -= ChunkShape(coder, room).bytes;
    chunks_.pop_back();
    return;
  }
  const Columns all = columns(coder, last);
  if (all.factors != nullptr) all.factors[left] = 0;
  // Without memory for the smaller one, the larger one stays.
  if (left <= room / 4 && room > least_room(last == 0)) {
    (void)resize_last(coder, room_for(2 * left, last == 0), left);
  }
}

}  // namespace tierwise::embed
