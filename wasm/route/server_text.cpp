#include "route/server_text.h"

#include <array>

#include "base/ascii.h"
#include "base/tags.h"
#include "base/text.h"
#include "base/words.h"

namespace tierwise::route {
namespace {

constexpr std::string_view kRedacted = "[redacted]";

bool is_token(char c) { return is_alphanumeric(c) || c == '-' || c == '_' || c == '.'; }

bool begins(std::string_view text, std::size_t at, std::string_view with, bool any_case = false) {
  if (text.size() - at < with.size()) return false;
  for (std::size_t i = 0; i < with.size(); ++i) {
    const char c = any_case ? lower_case(text[at + i]) : text[at + i];
    if (c != with[i]) return false;
  }
  return true;
}

struct TokenShape {
  std::string_view prefix;
  std::size_t least;    // characters after the prefix
  bool whole_word;      // the character before must not be part of a word ("task-management" is no "sk-" key)
  bool letters_digits;  // of letters and digits only; else also - _ .
};

constexpr std::array<TokenShape, 4> kTokenShapes = {{
    {"hf_", 6, false, true},
    {"sk-", 6, true, false},
    {"sb_secret_", 6, false, false},
    {"eyJ", 10, true, false},  // a JSON Web Token: base64 of {"
}};

constexpr std::array<std::string_view, 2> kSchemes = {"bearer", "basic"};
constexpr std::size_t kLeastSchemeSecret = 6;
// Words that follow a scheme in prose about authentication.
constexpr std::string_view kSchemeProse = "token tokens authentication authorization header scheme settings";

constexpr std::array<std::string_view, 6> kSecretParameters = {
    "__sign=", "token=", "access_token=", "api_key=", "apikey=", "key="};

// Length of the credential at `at`, or 0.
std::size_t credential_length(std::string_view text, std::size_t at) {
  const bool in_word = at > 0 && is_alphanumeric(text[at - 1]);
  for (const TokenShape& shape : kTokenShapes) {
    if ((shape.whole_word && in_word) || !begins(text, at, shape.prefix)) continue;
    std::size_t end = at + shape.prefix.size();
    while (end < text.size() && (shape.letters_digits ? is_alphanumeric(text[end]) : is_token(text[end]))) ++end;
    if (end - at - shape.prefix.size() >= shape.least) return end - at;
  }
  for (const std::string_view scheme : kSchemes) {
    if (in_word || !begins(text, at, scheme, true)) continue;
    std::size_t begin = at + scheme.size();
    while (begin < text.size() && is_white(text[begin])) ++begin;
    std::size_t end = begin;
    while (end < text.size() && !is_white(text[end]) && text[end] != '"' && text[end] != '\'' && text[end] != '<') {
      ++end;
    }
    std::size_t word_end = begin;
    while (word_end < end && is_letter(text[word_end])) ++word_end;
    const std::string word = lower_case(text.substr(begin, word_end - begin));
    bool prose = end - begin < kLeastSchemeSecret || begin == at + scheme.size();
    prose = prose || (end - word_end <= 1 && has_word(kSchemeProse, word));
    if (!prose) return end - at;
  }
  return 0;
}

// Length of "name=" when a URL parameter that holds a secret begins at `at`, or 0.
std::size_t secret_parameter_length(std::string_view text, std::size_t at) {
  if (at == 0 || (text[at - 1] != '?' && text[at - 1] != '&')) return 0;
  for (const std::string_view name : kSecretParameters) {
    if (begins(text, at, name, true)) return name.size();
  }
  return 0;
}

}  // namespace

std::string redact(std::string_view text) {
  std::string clean;
  clean.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    if (const std::size_t length = credential_length(text, at); length > 0) {
      clean += kRedacted;
      at += length;
    } else if (const std::size_t name = secret_parameter_length(text, at); name > 0) {
      clean += text.substr(at, name);
      clean += kRedacted;
      at += name;
      while (at < text.size() && !is_white(text[at]) && text[at] != '&' && text[at] != '"' && text[at] != '\'') {
        ++at;
      }
    } else {
      clean += text[at++];
    }
  }
  return clean;
}

std::string quotable(std::string_view text, std::size_t most) {
  // In this order: a tag in the middle of a token would hide it.
  const std::string clean = redact(without_tags(text));
  std::string quoted;
  std::size_t characters = 0;
  bool gap = false;
  for (std::size_t at = 0; at < clean.size();) {
    const auto lead = static_cast<unsigned char>(clean[at]);
    std::size_t length = lead < 0x80U ? 1U : lead < 0xE0U ? 2U : lead < 0xF0U ? 3U : 4U;
    if (length > clean.size() - at) length = clean.size() - at;
    const std::string_view character = std::string_view(clean).substr(at, length);
    at += length;
    const auto second = static_cast<unsigned char>(length > 1 ? character[1] : 0);
    const auto third = static_cast<unsigned char>(length > 2 ? character[2] : 0);
    const bool control = lead < 0x20U || lead == 0x7FU || (lead == 0xC2U && second < 0xA0U) ||
                         (lead == 0xE2U && second == 0x80U && third >= 0xA8U && third <= 0xAEU) ||
                         (lead == 0xE2U && second == 0x81U && third >= 0xA6U && third <= 0xA9U);
    if (lead == ' ' || control) {
      gap = gap || is_white(static_cast<char>(lead)) || lead == 0xE2U;
      continue;
    }
    const std::size_t needed = gap && !quoted.empty() ? 2 : 1;
    if (characters + needed > most) return quoted.append("…");
    if (needed == 2) quoted += ' ';
    quoted += character;
    characters += needed;
    gap = false;
  }
  return quoted;
}

}  // namespace tierwise::route
