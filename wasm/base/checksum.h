// XXH64 (Yann Collet, xxHash specification 0.1.1, seed 0): tells whether bytes came back as they were written. No
// defence against who forges them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace tierwise {

class Checksum {
 public:
  Checksum();
  // Pieces of any size give what the whole gives.
  void update(std::string_view data);
  std::uint64_t value() const;

 private:
  static constexpr std::size_t kStripe = 32;

  std::array<std::uint64_t, 4> lanes_;
  std::array<char, kStripe> pending_;  // the first bytes_ % kStripe of it
  std::uint64_t bytes_ = 0;
};

}  // namespace tierwise
