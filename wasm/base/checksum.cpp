#include "base/checksum.h"

#include <algorithm>
#include <cstring>

namespace tierwise {
namespace {

constexpr std::uint64_t kPrime1 = 0x9E3779B185EBCA87;
constexpr std::uint64_t kPrime2 = 0xC2B2AE3D27D4EB4F;
constexpr std::uint64_t kPrime3 = 0x165667B19E3779F9;
constexpr std::uint64_t kPrime4 = 0x85EBCA77C2B2AE63;
constexpr std::uint64_t kPrime5 = 0x27D4EB2F165667C5;

std::uint64_t rotate_left(std::uint64_t x, int bits) { return (x << bits) | (x >> (64 - bits)); }

std::uint64_t round(std::uint64_t lane, std::uint64_t word) { return rotate_left(lane + word * kPrime2, 31) * kPrime1; }

template <typename Word>
std::uint64_t load(const char* bytes) {
  Word word;
  std::memcpy(&word, bytes, sizeof word);
  return word;
}

void take_stripe(std::array<std::uint64_t, 4>& lanes, const char* stripe) {
  for (std::size_t i = 0; i < lanes.size(); ++i) lanes[i] = round(lanes[i], load<std::uint64_t>(stripe + 8 * i));
}

}  // namespace

Checksum::Checksum() : lanes_{kPrime1 + kPrime2, kPrime2, 0, 0 - kPrime1} {}

void Checksum::update(std::string_view data) {
  const std::size_t held = bytes_ % kStripe;
  bytes_ += data.size();
  if (held > 0) {
    const std::size_t taken = std::min(data.size(), kStripe - held);
    data.copy(pending_.data() + held, taken);
    data.remove_prefix(taken);
    if (held + taken < kStripe) return;
    take_stripe(lanes_, pending_.data());
  }
  for (; data.size() >= kStripe; data.remove_prefix(kStripe)) take_stripe(lanes_, data.data());
  data.copy(pending_.data(), data.size());
}

std::uint64_t Checksum::value() const {
  std::uint64_t sum = kPrime5;
  if (bytes_ >= kStripe) {
    sum =
        rotate_left(lanes_[0], 1) + rotate_left(lanes_[1], 7) + rotate_left(lanes_[2], 12) + rotate_left(lanes_[3], 18);
    for (const std::uint64_t lane : lanes_) sum = (sum ^ round(0, lane)) * kPrime1 + kPrime4;
  }
  sum += bytes_;
  const char* at = pending_.data();
  const char* end = at + bytes_ % kStripe;
  for (; end - at >= 8; at += 8) sum = rotate_left(sum ^ round(0, load<std::uint64_t>(at)), 27) * kPrime1 + kPrime4;
  for (; end - at >= 4; at += 4) {
    sum = rotate_left(sum ^ load<std::uint32_t>(at) * kPrime1, 23) * kPrime2 + kPrime3;
  }
  for (; at < end; ++at) sum = rotate_left(sum ^ static_cast<std::uint8_t>(*at) * kPrime5, 11) * kPrime1;
  sum = (sum ^ sum >> 33) * kPrime2;
  sum = (sum ^ sum >> 29) * kPrime3;
  return sum ^ sum >> 32;
}

}  // namespace tierwise
