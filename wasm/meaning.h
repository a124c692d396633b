// The second program, beside the core: what texts mean. It owns the parts of embedding and comparing texts, which pages
// without embeddings do not load.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.h"
#include "embed/wordpiece.h"

namespace tierwise {

class Meaning {
 public:
  embed::WordPiece& pieces() { return pieces_; }

  // The vocabulary of a model (embed/wordpiece.h). The answer is empty.
  Result<std::string> load_vocabulary(std::string_view vocabulary, std::size_t expected);
  // The tokens of the last text, one a line.
  std::string token_texts() const;

 private:
  embed::WordPiece pieces_;
};

}  // namespace tierwise
