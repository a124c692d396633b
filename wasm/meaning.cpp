#include "meaning.h"

#include "embed/pooling.h"

namespace tierwise {
namespace {

constexpr std::size_t kKeepFloats = 1 << 18;

}  // namespace

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

Result<std::string> Meaning::load_light(std::string_view bytes) {
  auto read = embed::LightTable::read(std::string(bytes));
  if (!read) return read.take_error();
  light_ = std::move(read).value();
  light_vector_.resize(light_.dimensions());
  return std::string();
}

const std::vector<float>& Meaning::light_vector() {
  light_.embed(pieces_.ids().data(), pieces_.ids().size(), light_vector_.data());
  return light_vector_;
}

float* Meaning::room(std::size_t floats) {
  if (room_.size() < floats || (room_.size() > kKeepFloats && floats <= kKeepFloats)) std::vector<float>().swap(room_);
  if (room_.size() < floats) room_.resize(floats);
  return room_.data();
}

float* Meaning::pool(std::size_t first, std::size_t tokens, std::size_t dimensions) {
  float* row = room_.data() + first * dimensions;
  embed::pool(row, tokens, dimensions, row);
  return row;
}

}  // namespace tierwise
