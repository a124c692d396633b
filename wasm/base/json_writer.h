// Writes JSON text from front to back, without a tree: how every answer of the core is made.
// Commas and colons come by themselves; the caller opens, names and closes in an order that makes JSON.
// The text is always valid UTF-8: what is not becomes U+FFFD. Numbers that are not finite become null.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace tierwise {

class JsonWriter {
 public:
  // '{' or '[', '}' or ']'.
  JsonWriter& open(char bracket);
  JsonWriter& close(char bracket);

  // Of the member whose value comes next.
  JsonWriter& name(std::string_view name);

  JsonWriter& text(std::string_view value);
  JsonWriter& number(double value);
  JsonWriter& flag(bool value);

  // Members of the object that is open. One without a value is left out.
  JsonWriter& text(std::string_view name, std::string_view value);
  JsonWriter& text(std::string_view name, const std::string& value);
  JsonWriter& text(std::string_view name, const char* value) { return text(name, std::string_view(value)); }
  JsonWriter& number(std::string_view name, double value);
  JsonWriter& number(std::string_view name, const std::optional<double>& value);
  JsonWriter& flag(std::string_view name, bool value);

  std::string take();

 private:
  void separate();

  std::string text_;
};

}  // namespace tierwise
