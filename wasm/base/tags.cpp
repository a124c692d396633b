#include "base/tags.h"

#include <cstddef>

#include "base/ascii.h"
#include "base/text.h"
#include "base/words.h"

namespace tierwise {
namespace {

constexpr std::string_view kTags =
    "a abbr b big body br center code div em font h1 h2 h3 head hr html i img li meta ol p pre span strong table td tr "
    "ul";

// Whether `text`, from a bracket to the end, would be a tag if a > followed.
bool opens_tag(std::string_view text) {
  if (text.front() != '<') return false;
  text.remove_prefix(text.substr(1, 1) == "/" ? 2 : 1);
  std::size_t end = 0;
  while (end < text.size() && is_alphanumeric(text[end])) ++end;
  return has_word(kTags, lower_case(text.substr(0, end)));
}

}  // namespace

std::string without_tags(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (true) {
    const std::size_t close = text.find('>');
    out += text.substr(0, close);
    if (close == std::string_view::npos) return out;
    text.remove_prefix(close + 1);
    const std::size_t bracket = out.find_last_of("<>");
    if (bracket != std::string::npos && opens_tag(std::string_view(out).substr(bracket))) {
      out.resize(bracket);
    } else {
      out += '>';
    }
  }
}

}  // namespace tierwise
