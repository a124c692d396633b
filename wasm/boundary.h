// What the boundaries of both programs to JavaScript share (bindings.cpp, meaning_bindings.cpp); js/boundary.ts is the
// other side. Only numbers cross: JavaScript asks for the address of the input, writes into it and calls a function
// with the length; the answer lies at `output`, its length is the function's result. A negative length marks an error
// envelope {"code","message","place"?,"field"?} of that many bytes. Objects cross as their address.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "base/json_writer.h"
#include "base/result.h"

namespace tierwise {

inline double address(const void* memory) { return static_cast<double>(reinterpret_cast<std::uintptr_t>(memory)); }
template <typename T>
T& at(double address_of) {
  return *reinterpret_cast<T*>(static_cast<std::uintptr_t>(address_of));
}

class Boundary {
 public:
  // The address of room for so many bytes; what was there is void.
  double input(double bytes) {
    const auto size = static_cast<std::size_t>(bytes);
    // A buffer that once held a giant request is given back before the next one. One that grows is not copied.
    if (input_.size() < size || (input_.size() > kKeepBytes && size <= kKeepBytes)) std::string().swap(input_);
    if (input_.size() < size) input_.resize(size);
    return address(input_.data());
  }
  double output() const { return address(output_.data()); }

  // The first `n` bytes of the input. What was asked before is answered: a giant answer is not kept beside the next.
  std::string_view text(double n) {
    if (output_.size() > kKeepBytes) std::string().swap(output_);
    return std::string_view(input_).substr(0, static_cast<std::size_t>(n));
  }
  // The first `count` numbers of the input.
  std::span<const float> floats(std::size_t count) const {
    return {reinterpret_cast<const float*>(input_.data()), count};
  }

  // Results of functions.
  double answer(std::string text) {
    output_ = std::move(text);
    return static_cast<double>(output_.size());
  }
  double answer(Result<std::string> result) {
    return result ? answer(std::move(result).value()) : refuse(result.error());
  }
  // `place`: of what was refused, among several that were given.
  double refuse(const Error& error, double place = -1) {
    JsonWriter envelope;
    envelope.open('{').text("code", error.code).text("message", error.message);
    if (place >= 0) envelope.number("place", place);
    if (!error.field.empty()) envelope.text("field", error.field);
    return -answer(envelope.close('}').take());
  }

 private:
  // js/boundary.ts knows it too.
  static constexpr std::size_t kKeepBytes = 1 << 20;

  std::string input_;
  std::string output_;
};

}  // namespace tierwise
