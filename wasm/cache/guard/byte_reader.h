// Little-endian numbers and blocks, one after another, of the guard's data files.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

#include "base/checksum.h"

namespace tierwise::guard {

class ByteReader {
 public:
  explicit ByteReader(std::string_view bytes) : rest_(bytes) {}

  // Of a file: `magic`, the XXH64 of what follows, and that. Nothing is left when it is wrong.
  static ByteReader of_file(std::string_view bytes, std::string_view magic) {
    ByteReader reader(bytes);
    const bool known = reader.block(magic.size()) == magic;
    const std::uint64_t low = reader.number(4);
    const std::uint64_t sum = low | std::uint64_t{reader.number(4)} << 32U;
    Checksum checksum;
    checksum.update(reader.rest_);
    reader.bad = reader.bad || !known || checksum.value() != sum;
    if (reader.bad) reader.rest_ = {};
    return reader;
  }

  // Of `size` bytes, at most 4.
  std::uint32_t number(std::size_t size) {
    const std::string_view bytes = block(size);
    std::uint32_t value = 0;
    for (std::size_t i = bytes.size(); i-- > 0;) value = value << 8U | static_cast<unsigned char>(bytes[i]);
    return value;
  }
  float real() {
    const std::uint32_t bits = number(4);
    float value = 0;
    std::memcpy(&value, &bits, sizeof value);
    return value;
  }
  // `count` of two bytes each.
  std::vector<std::int16_t> wholes(std::size_t count) {
    const std::string_view bytes = block(2 * count);
    std::vector<std::int16_t> out(bytes.size() / 2);
    if (!out.empty()) std::memcpy(out.data(), bytes.data(), bytes.size());
    return out;
  }
  std::string_view block(std::size_t size) {
    if (size > rest_.size()) {
      bad = true;
      return {};
    }
    const std::string_view taken = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return taken;
  }
  // A number of bytes and a text of that size: lines, each with its end.
  std::vector<std::string_view> lines() {
    std::string_view text = block(number(4));
    std::vector<std::string_view> out;
    for (std::size_t end; (end = text.find('\n')) != std::string_view::npos; text.remove_prefix(end + 1)) {
      out.push_back(text.substr(0, end));
    }
    return out;
  }
  bool done() const { return rest_.empty() && !bad; }

  bool bad = false;  // something was missing

 private:
  std::string_view rest_;
};

}  // namespace tierwise::guard
