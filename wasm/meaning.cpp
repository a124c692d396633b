#include "meaning.h"

namespace tierwise {

Result<std::string> Meaning::load_vocabulary(std::string_view vocabulary, std::size_t expected) {
  auto loaded = pieces_.load(vocabulary, expected);
  if (!loaded) return loaded.take_error();
  return std::string();
}

std::string Meaning::token_texts() const {
  std::string texts;
  for (const std::int32_t id : pieces_.ids()) {
    if (!texts.empty()) texts += '\n';
    texts += pieces_.token(id);
  }
  return texts;
}

}  // namespace tierwise
