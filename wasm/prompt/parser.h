// Tokens -> tree, by the grammar of Jinja2 3.1 (jinja2/parser.py) with its loop controls and Transformers'
// {% generation %}. Not supported, and refused: extends, block, include, import, from, do, trans, autoescape, debug.
#pragma once

#include <memory>
#include <string_view>

#include "base/result.h"
#include "prompt/ast.h"

namespace tierwise::prompt {

// Brackets, blocks and operators inside each other; a bracket counts about five times.
inline constexpr int kMaxParseDepth = 500;

// Error codes "too-large" (kMaxTemplateBytes) and "template-error", whose field is "line:column". Invalid UTF-8 is
// taken as U+FFFD.
Result<std::unique_ptr<const Template>> parse(std::string_view source);

}  // namespace tierwise::prompt
