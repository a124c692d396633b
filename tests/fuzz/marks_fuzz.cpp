// The scanner of texts and the reader of its patterns. The first byte picks: any bytes as a text, or the lines
// before the first NUL as patterns and the rest as a text. Marks lie inside the text, in order and within their
// number; all policies agree; of valid text, what is stripped is valid and holds nothing hidden any more.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>

#include "base/text.h"
#include "safety/marks.h"

namespace {

using tierwise::json;
namespace safety = tierwise::safety;

void require(bool holds) {
  if (!holds) std::abort();
}

safety::Phrases phrases_of(json patterns) {
  safety::Phrases phrases;
  const auto done = phrases.configure({{"phrases", {{{"reason", "phrase"}, {"patterns", std::move(patterns)}}}}});
  require(done || done.error().field == "phrases[0]");
  return phrases;
}

void scan(std::string_view text, const safety::Phrases& phrases) {
  const auto marked = safety::apply_marks(text, safety::Policy::kMark, phrases, "text");
  const auto stripped = safety::apply_marks(text, safety::Policy::kStrip, phrases, "text");
  const auto refused = safety::apply_marks(text, safety::Policy::kRefuse, phrases, "text");
  require(marked && stripped && marked.value().text == text);
  const auto& marks = marked.value().marks;
  require(!refused == !marks.empty() && stripped.value().marks.size() == marks.size());
  require(marks.size() <= 3 * safety::kMaxMarksOfKind && marks.size() <= marked.value().found);
  std::size_t before = 0;
  for (const safety::Mark& mark : marks) {
    require(mark.offset >= before && mark.length > 0 && mark.length <= text.size() - mark.offset);
    before = mark.offset;
  }
  if (!tierwise::valid_utf8(text)) return;
  require(tierwise::valid_utf8(stripped.value().text));
  const auto again = safety::apply_marks(stripped.value().text, safety::Policy::kMark, phrases, "text").value();
  for (const safety::Mark& mark : again.marks) require(mark.kind != safety::MarkKind::kHidden);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const safety::Phrases kSome = phrases_of(json::array(
      {"ignore|disregard ~4 previous|prior|above ~2 instruct*|rules", "im_start system", "忽略 ~8 指令"}));
  if (size == 0) return 0;
  std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
  if ((data[0] & 1) == 0) {
    scan(input, kSome);
    return 0;
  }
  const std::size_t end = input.find('\0');
  if (end == std::string_view::npos) return 0;
  json patterns = json::array();
  for (std::string_view lines = input.substr(0, end); !lines.empty() && patterns.size() < 20;) {
    const std::size_t line = std::min(lines.find('\n'), lines.size());
    patterns.push_back(std::string(lines.substr(0, line)));
    lines.remove_prefix(std::min(line + 1, lines.size()));
  }
  scan(input.substr(end + 1), phrases_of(std::move(patterns)));
  return 0;
}
