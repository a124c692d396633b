// The tokenizer. The first byte picks how many tokens are wanted and the vocabulary: a small one of ours, or the input
// itself before its first NUL. Ids are of the vocabulary, and the same with and without places; places are in order inside
// each token and within the text; what is cut is a beginning of the whole.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "embed/wordpiece.h"

namespace {

using tierwise::embed::WordPiece;

void require(bool holds) {
  if (!holds) std::abort();
}

void encode(WordPiece& pieces, std::string_view text, std::size_t most, bool special) {
  const bool was_cut = pieces.encode(text, {most, special, false});
  const auto ids = pieces.ids();
  require(ids.size() <= std::max<std::size_t>(most, special ? 2 : 0));
  for (const std::int32_t id : ids) require(id >= 0 && static_cast<std::size_t>(id) < pieces.vocabulary_size());
  require(pieces.encode(text, {most, special, true}) == was_cut && pieces.ids() == ids);
  require(pieces.offsets().size() == ids.size());
  for (const auto [begin, end] : pieces.offsets()) {
    require(begin >= 0 && begin <= end && static_cast<std::size_t>(end) <= 2 * text.size());
  }
  const bool whole_cut = pieces.encode(text, {std::size_t{1} << 30, special, false});
  require(!whole_cut && (was_cut ? pieces.ids().size() > ids.size() : pieces.ids() == ids));
  const auto last = static_cast<std::ptrdiff_t>(ids.size()) - (special ? 1 : 0);
  require(std::equal(ids.begin(), ids.begin() + last, pieces.ids().begin()));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static WordPiece kSmall = [] {
    WordPiece made;
    require(static_cast<bool>(made.load("[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\n##a\n##aa\nab\n##b\nthe\n##ing\n.\n[\n]\n東\nа\n##\u0301\n"
                                        "##\u302e\n\u302e\né\n##é\nᄀ\n##ᅡ\n##ᆨ\ninternationalization\n##ization\n")));
    return made;
  }();
  if (size == 0) return 0;
  std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::size_t most = data[0] & 0x1F;
  const bool special = (data[0] & 0x20) != 0;
  const std::size_t end = input.find('\0');
  if ((data[0] & 0xC0) != 0xC0 || end == std::string_view::npos) {
    encode(kSmall, input, most, special);
    return 0;
  }
  WordPiece pieces;
  const auto loaded = pieces.load(input.substr(0, end), 0);
  if (!loaded) {
    require(pieces.vocabulary_size() == 0 && !loaded.error().message.empty());
    return 0;
  }
  encode(pieces, input.substr(end + 1), most, special);
  return 0;
}
