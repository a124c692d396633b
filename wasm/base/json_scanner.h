// What every reader of JSON text has in common, whatever it makes of the values: the grammar, the limits and the errors
// that json.h states for parse_json.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/result.h"

namespace tierwise {

class JsonScanner {
 public:
  // Null when the text was well-formed so far.
  OwnedError error() const;

 protected:
  // A byte order mark is skipped.
  JsonScanner(std::string_view text, std::size_t most_values);

  enum class Trouble : std::uint8_t { kNone, kMalformed, kTooDeep, kTooLarge };
  // What comes first counts: everything read after it fails for the lack of text.
  void fail(Trouble trouble = Trouble::kMalformed) {
    if (trouble_ == Trouble::kNone) trouble_ = trouble;
    at_ = end_;
  }
  bool failed() const { return trouble_ != Trouble::kNone; }

  // The first character of what follows, '\0' at the end; peek() skips white space before it.
  char front() const { return at_ == end_ ? '\0' : *at_; }
  char peek() {
    while (at_ != end_ && (*at_ == ' ' || *at_ == '\n' || *at_ == '\r' || *at_ == '\t')) ++at_;
    return front();
  }
  void expect(std::string_view word);
  // Nothing but white space may follow.
  void end() {
    peek();
    if (at_ != end_) fail();
  }

  // A value begins: its first character. A bracket is taken.
  char begin_value(std::size_t depth);
  // Behind an opening bracket: whether there is an element. Behind an element: whether one more follows.
  bool has_element(char close);
  bool goes_on(char close);
  // To the colon of a member, which is taken.
  void expect_colon() {
    peek();
    expect(":");
  }

  // Characters that stand for themselves in a string.
  std::string_view take_plain();
  // The rest of a string, the quotation mark that ends it too: written to `place`, which has room for text_left() bytes;
  // the end of what was written. All strings that follow take rest_left() at most.
  char* read_text(char* place);
  std::size_t text_left() const;
  std::size_t rest_left() const { return static_cast<std::size_t>(end_ - at_); }

  // Anything but a string or what has brackets.
  struct Scalar {
    enum Type : std::uint8_t { kNull, kBoolean, kWhole, kReal } type = kNull;
    bool truth = false;
    std::int64_t whole = 0;
    double real = 0;
  };
  Scalar read_scalar();

 private:
  char take();
  char* read_escape(char* place);
  std::uint32_t read_unit();
  void read_number(Scalar& value);
  const char* skip_digits(const char* at) const;

  const char* at_;
  const char* end_;
  // That may still be read.
  std::size_t values_left_;
  std::size_t most_values_;
  Trouble trouble_ = Trouble::kNone;
};

}  // namespace tierwise
