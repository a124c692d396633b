#include "embed/light_table.h"

#include <algorithm>
#include <cstring>

#include "embed/pooling.h"

namespace tierwise::embed {
namespace {

constexpr std::string_view kMagic = "TWLT";
constexpr std::uint32_t kVersion = 1;
constexpr std::size_t kHeader = 16;
constexpr std::size_t kMostRows = 1 << 18;
constexpr std::size_t kMostDimensions = 1024;
constexpr std::int32_t kPad = 0;
constexpr std::int32_t kClassify = 101;
constexpr std::int32_t kSeparate = 102;

std::uint32_t whole_at(std::string_view bytes, std::size_t at) {
  std::uint32_t number = 0;
  std::memcpy(&number, bytes.data() + at, sizeof number);
  return number;
}

// IEEE 754 binary16, normal or subnormal.
float half_at(const char* bytes) {
  std::uint16_t bits = 0;
  std::memcpy(&bits, bytes, sizeof bits);
  const std::uint32_t exponent = (bits >> 10) & 31;
  const auto fraction = static_cast<float>(bits & 1023);
  const float value = exponent == 0 ? fraction * 0x1p-24f : (1024 + fraction) * 0x1p-25f * static_cast<float>(1u << exponent);
  return (bits & 0x8000) != 0 ? -value : value;
}

}  // namespace

Result<LightTable> LightTable::read(std::string bytes) {
  if (bytes.size() < kHeader || std::string_view(bytes).substr(0, 4) != kMagic || whole_at(bytes, 4) != kVersion) {
    return make_error("invalid-file", "This is no light table of this version: copy light.bin from the package.");
  }
  const std::size_t rows = whole_at(bytes, 8);
  const std::size_t dimensions = whole_at(bytes, 12);
  if (rows > kMostRows || dimensions == 0 || dimensions > kMostDimensions || dimensions % 2 != 0 ||
      bytes.size() != kHeader + rows * 2 + rows * dimensions / 2) {
    return make_error("invalid-file", "The light table is not whole: copy light.bin from the package.");
  }
  return LightTable(std::move(bytes), rows, dimensions);
}

void LightTable::embed(const std::int32_t* ids, std::size_t count, float* out) const {
  std::fill_n(out, dimensions_, 0.0f);
  const char* scales = bytes_.data() + kHeader;
  const auto* values = reinterpret_cast<const std::uint8_t*>(scales + rows_ * 2);
  for (std::size_t i = 0; i < count; ++i) {
    const std::int32_t id = ids[i];
    if (id < 0 || static_cast<std::size_t>(id) >= rows_ || id == kPad || id == kClassify || id == kSeparate) continue;
    const auto row = static_cast<std::size_t>(id);
    const float scale = half_at(scales + row * 2);
    const std::uint8_t* pairs = values + row * dimensions_ / 2;
    for (std::size_t d = 0; d < dimensions_; d += 2) {
      out[d] += scale * static_cast<float>((pairs[d / 2] & 15) - 8);
      out[d + 1] += scale * static_cast<float>((pairs[d / 2] >> 4) - 8);
    }
  }
  to_unit_length(out, dimensions_);
}

}  // namespace tierwise::embed
