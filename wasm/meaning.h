// The second program, beside the core: what texts mean. It owns the parts of embedding and comparing texts, which pages
// without embeddings do not load.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "cache/questions.h"

namespace tierwise {

class Meaning {
 public:
  embed::WordPiece& pieces() { return reading_.pieces; }
  // What questions are read with (cache/questions.h).
  cache::Reading& reading() { return reading_; }

  // The vocabulary of a model (embed/wordpiece.h). The answer is empty.
  Result<std::string> load_vocabulary(std::string_view vocabulary, std::size_t expected);
  // The tokens of the last text, one a line.
  std::string token_texts() const;

  // The light table of the same vocabulary (embed/light_table.h). The answer is empty.
  Result<std::string> load_light(std::string_view bytes);
  // The light vector of the last text; a table must be there. Holds until the next call.
  const std::vector<float>& light_vector();

  // The guard's files (cache/guard): words.bin and judge.bin. The answer is empty.
  Result<std::string> load_words(std::string_view bytes);
  Result<std::string> load_judge(std::string_view bytes);

  // Room for vectors from outside, for `pool` and a question's `set_vectors`. What was there is
  // void; a large room is given back with the next small one.
  float* room(std::size_t floats);
  const float* given() const { return room_.data()->floats; }
  // Makes one vector of `tokens` rows in the room, from row `first` on (embed/pooling.h), in the place of the first of them.
  float* pool(std::size_t first, std::size_t tokens, std::size_t dimensions);

 private:
  // Of the processor's cache: an array that begins between two of them is copied at half the speed.
  struct alignas(64) Line {
    float floats[16];
  };

  cache::Reading reading_;
  std::vector<float> light_vector_;
  std::vector<Line> room_;
};

}  // namespace tierwise
