// SHA-256 (FIPS 180-4) and hexadecimal digits.
//
// What is hashed here identifies cached replies, so it must be collision-proof; it is no password hash and no MAC.
// Runs of four blocks get their message schedules side by side in one vector (Gueron and Krasnov, "Parallelizing
// message schedules to accelerate the computations of hash functions", 2012), which WebAssembly SIMD carries out.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tierwise {

using Digest = std::array<std::uint8_t, 32>;

class Sha256 {
 public:
  static constexpr std::size_t kBlockBytes = 64;

  // Where a hash stands between two blocks: hashing on from a copy spares hashing a common beginning again.
  struct Midstate {
    std::array<std::uint32_t, 8> words;
    std::uint64_t bytes;
  };

  Sha256();
  explicit Sha256(const Midstate& midstate) : words_(midstate.words), bytes_(midstate.bytes) {}

  void update(std::string_view data);
  // Only when a whole number of blocks has gone in.
  Midstate midstate() const { return {words_, bytes_}; }
  // Ends the hash: the object must not be used again.
  Digest finish();

 private:
  std::array<std::uint32_t, 8> words_;
  std::uint64_t bytes_ = 0;
  std::array<std::uint8_t, kBlockBytes> pending_;  // the first bytes_ % kBlockBytes of it
};

Digest sha256(std::string_view data);

inline std::string_view as_text(const Digest& digest) {
  return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

// 64 lower-case digits.
std::string to_hex(const Digest& digest);
void append_hex(std::string& text, const Digest& digest);
// Nothing unless `text` is exactly 64 lower-case hexadecimal digits.
std::optional<Digest> digest_from_hex(std::string_view text);

}  // namespace tierwise
