#include "cache/string_pool.h"

#include <utility>

namespace tierwise::cache {

std::size_t StringPool::position(std::string_view text) const {
  std::size_t first = 0;
  std::size_t last = sorted_.size();
  while (first < last) {
    const std::size_t middle = (first + last) / 2;
    if (texts_[sorted_[middle]] < text) {
      first = middle + 1;
    } else {
      last = middle;
    }
  }
  return first;
}

std::uint32_t StringPool::acquire(std::string_view text) {
  std::size_t at = position(text);
  if (at < sorted_.size() && texts_[sorted_[at]] == text) {
    ++users_[sorted_[at]];
    return sorted_[at];
  }
  auto number = static_cast<std::uint32_t>(texts_.size());
  if (free_.empty()) {
    texts_.emplace_back();
    users_.push_back(0);
  } else {
    number = free_.back();
    free_.pop_back();
  }
  texts_[number] = text;
  users_[number] = 1;
  std::uint32_t moving = number;
  for (; at < sorted_.size(); ++at) std::swap(moving, sorted_[at]);
  sorted_.push_back(moving);
  return number;
}

void StringPool::release(std::uint32_t number) {
  if (--users_[number] > 0) return;
  sorted_.erase(sorted_.begin() + static_cast<std::ptrdiff_t>(position(texts_[number])));
  texts_[number] = std::string();
  free_.push_back(number);
}

}  // namespace tierwise::cache
