// The light embedding: one vector per token of the vocabulary, from models/all-MiniLM-L6-v2/light.bin (what its rows are
// and how the file is laid out: models/build/all-MiniLM-L6-v2/light_table.py). The vector of a text is the sum of its
// tokens' rows, made to length 1.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"

namespace tierwise::embed {

class LightTable {
 public:
  // Without rows.
  LightTable() = default;
  // Takes the file's bytes over: nothing is unpacked. Error `invalid-file`.
  static Result<LightTable> read(std::string bytes);

  std::size_t dimensions() const { return dimensions_; }
  std::size_t rows() const { return rows_; }

  // Adds up the rows of `ids` and makes the sum a unit vector; all 0 when nothing is left. What is no row is left out,
  // and so are the tokens that stand in every text: [PAD], [CLS] and [SEP].
  void embed(const std::int32_t* ids, std::size_t count, float* out) const;

 private:
  LightTable(std::string bytes, std::size_t rows, std::size_t dimensions)
      : bytes_(std::move(bytes)), rows_(rows), dimensions_(dimensions) {}

  std::string bytes_;
  std::size_t rows_ = 0;
  std::size_t dimensions_ = 0;
};

}  // namespace tierwise::embed
