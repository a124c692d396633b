#include "base/json_writer.h"

#include <cstddef>
#include <utility>

#include "base/number.h"
#include "base/text.h"

namespace tierwise {

void JsonWriter::separate() {
  if (!text_.empty() && std::string_view("{[:").find(text_.back()) == std::string_view::npos) text_ += ',';
}

JsonWriter& JsonWriter::open(char bracket) {
  separate();
  text_ += bracket;
  return *this;
}

JsonWriter& JsonWriter::close(char bracket) {
  text_ += bracket;
  return *this;
}

JsonWriter& JsonWriter::name(std::string_view name) {
  text(name);
  text_ += ':';
  return *this;
}

JsonWriter& JsonWriter::text(std::string_view value) {
  constexpr std::string_view kEscaped = "\"\\\b\f\n\r\t";
  constexpr std::string_view kLetters = "\"\\bfnrt";
  constexpr std::string_view kDigits = "0123456789abcdef";
  separate();
  text_ += '"';
  while (true) {
    const std::size_t plain = plain_bytes(value);
    text_ += value.substr(0, plain);
    value.remove_prefix(plain);
    if (value.empty()) break;
    const char c = value.front();
    std::size_t size = 1;
    if (const std::size_t escape = kEscaped.find(c); escape != std::string_view::npos) {
      text_ += '\\';
      text_ += kLetters[escape];
    } else if (static_cast<unsigned char>(c) < 0x20) {
      text_ += "\\u00";
      text_ += kDigits[static_cast<std::size_t>(c) >> 4];
      text_ += kDigits[static_cast<std::size_t>(c) & 15];
    } else {
      size = character_bytes(value);
      text_ += size == 0 ? kReplacementCharacter : value.substr(0, size);
    }
    value.remove_prefix(size == 0 ? 1 : size);
  }
  text_ += '"';
  return *this;
}

JsonWriter& JsonWriter::number(double value) {
  separate();
  append_number(text_, value);
  return *this;
}

JsonWriter& JsonWriter::flag(bool value) {
  separate();
  text_ += value ? "true" : "false";
  return *this;
}

JsonWriter& JsonWriter::text(std::string_view of, std::string_view value) { return name(of).text(value); }
JsonWriter& JsonWriter::text(std::string_view of, const std::string& value) { return name(of).text(value); }
JsonWriter& JsonWriter::number(std::string_view of, double value) { return name(of).number(value); }
JsonWriter& JsonWriter::number(std::string_view of, const std::optional<double>& value) {
  return value ? number(of, *value) : *this;
}
JsonWriter& JsonWriter::flag(std::string_view of, bool value) { return name(of).flag(value); }

std::string JsonWriter::take() { return std::move(text_); }

}  // namespace tierwise
