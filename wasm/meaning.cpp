#include "meaning.h"

#include <utility>

#include "embed/pooling.h"

namespace tierwise {
namespace {

constexpr std::size_t kKeepLines = 1 << 14;

template <typename T>
Result<std::string> taken(Result<T> read, T& place) {
  if (!read) return read.take_error();
  place = std::move(read).value();
  return std::string();
}

}  // namespace

Result<std::string> Meaning::load_vocabulary(std::string_view vocabulary, std::size_t expected) {
  auto loaded = reading_.pieces.load(vocabulary, expected);
  if (!loaded) return loaded.take_error();
  return std::string();
}

std::string Meaning::token_texts() const {
  std::string texts;
  for (const std::int32_t id : reading_.pieces.ids()) {
    if (!texts.empty()) texts += '\n';
    texts += reading_.pieces.token(id);
  }
  return texts;
}

Result<std::string> Meaning::load_light(std::string_view bytes) {
  auto read = embed::LightTable::read(std::string(bytes));
  if (!read) return read.take_error();
  if (read.value().dimensions() != cache::Questions::kLightDimensions) {
    return make_error("invalid-file", "The light table has vectors of another size: copy light.bin from the package.");
  }
  light_vector_.resize(cache::Questions::kLightDimensions);
  return taken(std::move(read), reading_.light);
}

Result<std::string> Meaning::load_words(std::string_view bytes) {
  // Questions hold views into what is there.
  if (!reading_.lexicon.empty()) return std::string();
  return taken(guard::Lexicon::read(bytes), reading_.lexicon);
}

Result<std::string> Meaning::load_judge(std::string_view bytes) { return taken(guard::Judge::read(bytes), reading_.judge); }

const std::vector<float>& Meaning::light_vector() {
  reading_.light.embed(reading_.pieces.ids().data(), reading_.pieces.ids().size(), light_vector_.data());
  return light_vector_;
}

float* Meaning::room(std::size_t floats) {
  const std::size_t lines = floats / (sizeof(Line) / sizeof(float)) + 1;
  if (room_.size() < lines || (room_.size() > kKeepLines && lines <= kKeepLines)) std::vector<Line>().swap(room_);
  if (room_.size() < lines) room_.resize(lines);
  return room_.data()->floats;
}

float* Meaning::pool(std::size_t first, std::size_t tokens, std::size_t dimensions) {
  float* row = room_.data()->floats + first * dimensions;
  embed::pool(row, tokens, dimensions, row);
  return row;
}

}  // namespace tierwise
