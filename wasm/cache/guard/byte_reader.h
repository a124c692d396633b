// Little-endian numbers and blocks, one after another, of the guard's data files.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

#include "base/hash.h"

namespace tierwise::guard {

class ByteReader {
 public:
  explicit ByteReader(std::string_view bytes) : rest_(bytes) {}

  // Of a file: `magic`, the first eight bytes of the SHA-256 of what follows, and that. Nothing is left when
  // it is wrong.
  static ByteReader of_file(std::string_view bytes, std::string_view magic) {
    constexpr std::size_t kDigestBytes = 8;
    ByteReader reader({});
    reader.bad = true;
    const std::size_t head = magic.size() + kDigestBytes;
    if (bytes.size() < head || bytes.substr(0, magic.size()) != magic) return reader;
    const Digest digest = sha256(bytes.substr(head));
    if (as_text(digest).substr(0, kDigestBytes) != bytes.substr(magic.size(), kDigestBytes)) return reader;
    return ByteReader(bytes.substr(head));
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
