// Memory of one parse or one render: given out front to back, given back all at once.
//
// Small pieces are always granted; whoever runs the template asks `over()` from step to step and ends the work. What
// may be large asks `grant` first. One block is kept between renders, so that most allocate nothing.
// The limit counts whole blocks: what is taken from the system, not what is used of it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace tierwise::prompt {

class Arena {
 public:
  static constexpr std::size_t kBlockBytes = 32 * 1024;

  explicit Arena(std::size_t limit) : limit_(limit) {}
  ~Arena() { release(nullptr); }
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  // Aligned for any value.
  void* allocate(std::size_t bytes);
  // Whether so many bytes more stay within the limit.
  bool grant(std::size_t bytes) const {
    return bytes <= static_cast<std::size_t>(end_ - next_) || (bytes <= limit_ && used_ <= limit_ - bytes);
  }
  // What it holds of the system's memory.
  std::size_t bytes() const { return used_; }
  bool over() const { return used_ > limit_; }
  // For who was not granted what the work cannot go on without.
  void give_up() { used_ = limit_ + 1; }
  // All that was given out is void.
  void reset();

  template <typename T>
  T* make() {
    return new (allocate(sizeof(T))) T();
  }
  template <typename T>
  T* array(std::size_t count) {
    return static_cast<T*>(allocate(count * sizeof(T)));
  }
  std::string_view copy(std::string_view text);

  // `text` with `more` behind it: in place where `text` is the last thing that was given out, or the large text that
  // was extended last. To be granted before.
  std::string_view extend(std::string_view text, std::string_view more);

 private:
  // Begins a piece of the system's memory; aligned as that.
  struct alignas(8) Block {
    Block* before;
  };

  char* take_block(std::size_t size);
  // Gives back all blocks that were taken after `kept`.
  void release(Block* kept);

  Block* blocks_ = nullptr;
  // The first, where it is one of the usual size.
  Block* first_ = nullptr;
  char* next_ = nullptr;
  char* end_ = nullptr;
  // A block of its own, for a large text that grows.
  char* text_next_ = nullptr;
  char* text_end_ = nullptr;
  std::size_t used_ = 0;
  std::size_t limit_;
};

}  // namespace tierwise::prompt
