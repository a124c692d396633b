// How the vector index stores a vector and compares a query with many of them.
//
// A vector is made a unit vector, turned by a fixed random rotation (signs and Walsh-Hadamard transforms, which spreads
// what lies in few places over all of them and leaves cosines alone), and coded in eleven bits a place with a scale of
// its own: eight bits (coarse) and three more (fine). The scale is such that a vector has cosine 1 with its own code.
// For the scan of many rows the signs of the code lie apart, 64 rows interleaved: a query's table holds, for each four
// places, what each of the sixteen patterns of signs adds (André, Kermarrec and Le Scouarnec, "Cache locality is not
// enough: High-performance nearest neighbor search with product quantization fast scan", 2015). The sum estimates the
// cosine without bias (Gao and Long, "RaBitQ", 2024), with a known spread.
//
// Everything after the codes is integers: natively and in WebAssembly the same code gives the same bits.
//
// Accuracy of a cosine, 384 places: the standard error is 3e-5; at most max|x| / 2046 * sqrt(places), max|x| of the
// turned vector, about 0.0016, for a query made to be wrong. Estimates: see error().
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace tierwise::embed {

inline constexpr std::size_t kLeastDimensions = 2;
inline constexpr std::size_t kMostDimensions = 4096;
inline constexpr std::size_t kBlockRows = 64;

// Where a code begins.
struct VectorCode {
  std::int8_t* coarse;
  std::uint8_t* fine;
  float* scale;
};

class VectorCoder {
 public:
  explicit VectorCoder(std::size_t dimensions);

  std::size_t dimensions() const { return dimensions_; }
  // Places, and so bytes, of the coarse half: the next multiple of 16.
  std::size_t places() const { return places_; }
  std::size_t fine_bytes() const;
  // Of kBlockRows rows.
  std::size_t sign_block_bytes() const { return places_ / 8 * kBlockRows; }

  // As a unit vector, turned: places() numbers. False when it has no direction: zero, or not finite.
  bool turn(std::span<const float> vector, float* turned) const;
  void encode(const float* turned, const VectorCode& code) const;

  // Row `row` of a block gets the signs of a code, and what its estimates are multiplied by.
  std::int16_t write_signs(const std::int8_t* coarse, float scale, std::uint8_t* block, std::size_t row) const;

 private:
  std::size_t dimensions_;
  std::size_t places_;
  std::size_t span_;  // the largest power of two up to places_
  std::vector<float> signs_;
};

// A query ready to be compared with any number of codes.
class CodedQuery {
 public:
  // `turned` by this coder.
  CodedQuery(const VectorCoder& coder, const float* turned, bool for_scan);

  // Of the coarse half of a code: most() is the cosine that any fine half could make of it, cosine() what its own does.
  std::int64_t compare(const std::int8_t* coarse) const;
  float most(std::int64_t compared, float scale) const { return score(compared + most_fine_, scale); }
  float cosine(std::int64_t compared, const std::uint8_t* fine, float scale) const;

  // One estimate for each row of `blocks` blocks, in units of unit().
  void estimate(const std::uint8_t* signs, const std::int16_t* factors, std::size_t blocks,
                std::int16_t* estimates) const;
  double unit() const { return unit_; }
  // Four standard errors of the estimate of a row whose cosine is `cosine`, in cosine.
  double error(double cosine) const;

 private:
  void make_tables(const float* turned);
  float score(std::int64_t sum, float scale) const;

  std::size_t places_;
  std::vector<std::int16_t> codes_;
  double scale_;
  std::int64_t most_fine_ = 0;
  std::vector<std::uint8_t> tables_;
  std::int16_t middle_ = 0;
  int shift_ = 0;
  double unit_ = 0;
  double table_variance_ = 0;
};

// Which of 32 numbers are above `threshold`: bit 0 for the first.
std::uint32_t above(const std::int16_t* numbers, std::int16_t threshold);

}  // namespace tierwise::embed
