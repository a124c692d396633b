// Errors are values: every fallible function of the core returns Result<T>.
// An Error's code is a stable kebab-case word programs may switch on; its message is a sentence for
// people that says what to change; field names the offending part of the input ("messages[2].role").
// A Result costs a pointer more than its value: the rare Error lies on the heap.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace tierwise {

struct Error {
  std::string_view code;
  std::string message;
  std::string field;
};

struct DeleteError {
  void operator()(const Error* error) const;
};
// Null: no error.
using OwnedError = std::unique_ptr<const Error, DeleteError>;

// `code` is kept as a view: a literal.
OwnedError make_error(std::string_view code, std::string_view message, std::string_view field = {});
// With the message "{field} {complaint}".
OwnedError refusal(std::string_view code, std::string_view field, std::string_view complaint);

// T needs a default value, which stands in while there is an error.
template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : value_(std::move(value)) {}
  Result(OwnedError error) : error_(std::move(error)) {}

  explicit operator bool() const { return error_ == nullptr; }
  const T& value() const& { return value_; }
  T& value() & { return value_; }
  T value() && { return std::move(value_); }
  const Error& error() const { return *error_; }
  // To pass it on.
  OwnedError take_error() { return std::move(error_); }

 private:
  T value_ = {};
  OwnedError error_;
};

// For operations that yield nothing but success.
struct Done {};

}  // namespace tierwise
