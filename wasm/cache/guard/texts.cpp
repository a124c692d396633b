#include "cache/guard/texts.h"

#include <algorithm>

namespace tierwise::guard {

namespace {

constexpr std::size_t kFirstBytes = 128;
constexpr std::size_t kMostDoublings = 5;

}  // namespace

std::string_view Texts::keep(std::string_view text) {
  const std::size_t size = text.size();
  if (size > left_) {
    // A short prompt needs one small block.
    left_ = std::max(size, kFirstBytes << std::min(blocks_.size(), kMostDoublings));
    blocks_.emplace_back(new char[left_]);
    next_ = blocks_.back().get();
  }
  char* place = next_;
  std::copy(text.begin(), text.end(), place);
  next_ += size;
  left_ -= size;
  return {place, size};
}

}  // namespace tierwise::guard
