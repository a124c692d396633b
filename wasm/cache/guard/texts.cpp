#include "cache/guard/texts.h"

#include <algorithm>

namespace tierwise::guard {

std::string_view Texts::keep(std::string_view text) {
  constexpr std::size_t kBlockBytes = 4096;
  const std::size_t size = text.size();
  if (size > left_) {
    left_ = std::max(size, kBlockBytes);
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
