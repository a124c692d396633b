// Template text -> tokens, as Jinja2 3.1 cuts it with trim_blocks and lstrip_blocks (jinja2/lexer.py).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "prompt/arena.h"
#include "prompt/value.h"

namespace tierwise::prompt {

enum class TokenType : std::uint8_t {
  kData,
  kVariableBegin,
  kVariableEnd,
  kBlockBegin,
  kBlockEnd,
  kName,
  kText,
  kNumber,
  kOperator,
  kEnd,
};

// Operators of two characters.
enum : char { kDoubleSlash = 'A', kDoubleStar, kEqualSigns, kUnequal, kAtLeast, kAtMost };
inline constexpr std::string_view kDoubleOperators = "//**==!=>=<=";

struct Token {
  TokenType type = TokenType::kEnd;
  // Of operators: the character, or of two the one above.
  char op = '\0';
  // Byte offset into the source, for messages.
  std::uint32_t at = 0;
  // Of data, names, texts (unescaped) and operators.
  std::string_view text;
  // Of numbers.
  Value number;

  bool is(char other) const { return op == other; }
  bool names(std::string_view name) const { return type == TokenType::kName && text == name; }
};

inline constexpr std::size_t kMaxTemplateBytes = 1 << 20;
inline constexpr std::size_t kMostTokens = 1 << 18;
inline constexpr std::size_t kMaxNameBytes = 1000;
inline constexpr std::string_view kTooLarge = "The template is too large.";

// `source` with line ends as \n and without the last one: what offsets count in.
std::string normal_lines(std::string_view source);

// Error "template-error", whose field is "line:column", both from 1. `source` must outlive the tokens; what had to be
// unescaped lies in `arena`. Ends with kEnd.
OwnedError lex(std::string_view source, Arena& arena, std::vector<Token>& tokens);

// Longer messages are cut.
inline constexpr std::size_t kMaxMessageBytes = 1000;
// "line:column" of an offset; columns are code points.
std::string place(std::string_view source, std::size_t at);
OwnedError template_error(std::string_view source, std::size_t at, std::string_view message);

}  // namespace tierwise::prompt
