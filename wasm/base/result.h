// Errors are values: every fallible function of the core returns Result<T>.
// An Error's code is a stable kebab-case word programs may switch on; its message is a sentence for
// people that says what to change; field names the offending part of the input ("messages[2].role").
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <variant>

namespace tierwise {

struct Error {
  std::string code;
  std::string message;
  std::string field = {};
};

template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::move(value)) {}
  Result(Error error) : state_(std::move(error)) {}

  explicit operator bool() const { return std::holds_alternative<T>(state_); }
  const T& value() const& { return std::get<T>(state_); }
  T& value() & { return std::get<T>(state_); }
  T value() && { return std::get<T>(std::move(state_)); }
  const Error& error() const { return std::get<Error>(state_); }

 private:
  std::variant<T, Error> state_;
};

// For operations that yield nothing but success.
struct Done {};

}  // namespace tierwise
