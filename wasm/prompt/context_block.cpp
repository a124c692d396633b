#include "prompt/context_block.h"

#include <algorithm>
#include <cstdint>

#include "base/ascii.h"
#include "base/text.h"

namespace tierwise::prompt {
namespace {

constexpr std::string_view kName = "context";
constexpr std::size_t kMaxDepth = 10;
constexpr std::size_t kMinBytes = 2048;
// The longest line but for its value, and a note of what is left out in each container that is open.
constexpr std::size_t kLineBytes = 320;
constexpr std::size_t kNoteBytes = 32;
constexpr std::size_t kLabelBytes = 80;

constexpr bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
// Letters of other scripts count as small ones.
constexpr bool is_lower(char c) { return (c >= 'a' && c <= 'z') || static_cast<unsigned char>(c) >= 0x80; }
constexpr bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == '\x7f'; }

// Bytes of the line end that `text`, which is not empty, begins with; 0 when it begins with none.
std::size_t line_end_bytes(std::string_view text) {
  if (text.front() >= '\n' && text.front() <= '\r') return text.substr(0, 2) == "\r\n" ? 2 : 1;
  if (text.substr(0, 2) == "\u0085") return 2;
  return text.substr(0, 3) == "\u2028" || text.substr(0, 3) == "\u2029" ? 3 : 0;
}

bool has_line_end(std::string_view text) {
  for (; !text.empty(); text.remove_prefix(1)) {
    if (line_end_bytes(text) != 0) return true;
  }
  return false;
}

// Whether a word begins at `at`, which is neither the first character nor a separator.
bool begins_word(std::string_view key, std::size_t at) {
  const auto in = [key](std::size_t place) { return place < key.size() ? key[place] : '_'; };
  if (!is_upper(key[at])) return false;
  if (!is_upper(key[at - 1])) return true;
  // The S of HTTPServer, not the D of IDs.
  return is_lower(in(at + 1)) && !(in(at + 1) == 's' && !is_lower(in(at + 2)));
}

// "HTTP", "IDs", "A4".
bool is_acronym(std::string_view word) {
  if (word.size() > 2 && word.back() == 's') word.remove_suffix(1);
  return word.size() > 1 && std::none_of(word.begin(), word.end(), is_lower);
}

// `<`, perhaps `/`, and the name: with anything between them that is white, a control or no ASCII.
bool is_delimiter(std::string_view text) {
  std::size_t found = 0;
  bool slash = false;
  for (const char c : text.substr(1)) {
    if (is_white(c) || is_control(c) || static_cast<unsigned char>(c) >= 0x80) continue;
    if (c == '/' && found == 0 && !slash) {
      slash = true;
    } else if (lower_case(c) != kName[found]) {
      return false;
    } else if (++found == kName.size()) {
      return true;
    }
  }
  return false;
}

class BlockWriter {
 public:
  explicit BlockWriter(const ContextBounds& bounds)
      : text_(kBlockHead), depth_(std::min(bounds.depth, kMaxDepth)), members_left_(bounds.members) {
    const std::size_t notes = (depth_ + 2) * (2 * depth_ + kNoteBytes);
    limit_ = std::max(bounds.bytes, kMinBytes) - kBlockTail.size() - kLineBytes - notes;
  }

  std::string block(const json& context) {
    value(context, 0, 0, Place::kLineStart);
    for (std::size_t at = kBlockHead.size(); (at = text_.find('<', at)) != std::string::npos; ++at) {
      if (is_delimiter(std::string_view(text_).substr(at))) text_[at] = '[';
    }
    text_ += kBlockTail;
    return std::move(text_);
  }

 private:
  // Where a value begins: on a line of its own, which is indented already, or behind a label.
  enum class Place : std::uint8_t { kLineStart, kBehindLabel };

  bool full() const { return members_left_ == 0 || text_.size() >= limit_; }

  void note(std::size_t count, std::string_view of) {
    text_ += fill("({}{} more)", {digits(static_cast<std::int64_t>(count)), of});
  }

  void value(const json& value, std::size_t depth, std::size_t indent, Place place) {
    const bool nests = value.is_structured() && !value.empty();
    if (nests && depth < depth_) {
      if (place == Place::kBehindLabel) text_ += '\n';
      entries(value, depth + 1, indent, place);
      return;
    }
    if (const std::string* words = string_in(value)) {
      string(*words, indent, place);
    } else {
      if (place == Place::kBehindLabel) text_ += ' ';
      if (nests) {
        note(value.size(), "");
      } else {
        text_ += value.is_structured() ? "(empty)" : value.is_null() ? "(none)" : scalar_text(value);
      }
    }
    text_ += '\n';
  }

  void entries(const json& container, std::size_t depth, std::size_t indent, Place place) {
    bool indented = place == Place::kLineStart;
    const auto begin_line = [&] {
      if (!indented) text_.append(indent, ' ');
      indented = false;
    };
    const std::size_t count = container.size();
    for (std::size_t i = 0; i < count; ++i) {
      if (full()) {
        begin_line();
        note(count - i, "");
        text_ += '\n';
        return;
      }
      --members_left_;
      if (container.is_array()) {
        begin_line();
        text_ += "- ";
        value(elements_of(container)[i], depth, indent + 2, Place::kLineStart);
        continue;
      }
      const auto& [key, member] = members_of(container).begin()[static_cast<std::ptrdiff_t>(i)];
      if (count > kMergedMembers && find_any_member(container, key) != &member) continue;
      begin_line();
      label(key);
      value(member, depth, indent + 2, Place::kBehindLabel);
    }
  }

  void label(std::string_view key) {
    const std::string whole = readable_label(cut_utf8(key, 4 * kLabelBytes));
    const std::string_view kept = cut_utf8(whole, kLabelBytes);
    for (std::string_view rest = kept; !rest.empty();) rest.remove_prefix(character(rest, " "));
    text_ += kept.size() < whole.size() ? "…:" : ":";
  }

  void string(std::string_view words, std::size_t indent, Place place) {
    while (!words.empty() && is_white(words.back())) words.remove_suffix(1);
    std::string line_start = " ";
    if (has_line_end(words)) {
      line_start = '\n' + std::string(indent, ' ') + "| ";
      text_ += place == Place::kBehindLabel ? line_start : "| ";
    } else if (place == Place::kBehindLabel) {
      text_ += ' ';
    }
    if (words.empty()) text_ += "(empty)";
    while (!words.empty()) {
      if (text_.size() >= limit_) {
        text_ += "… ";
        note(words.size(), " bytes");
        break;
      }
      words.remove_prefix(character(words, line_start));
    }
  }

  // Adds the first character of `words` and gives its bytes there.
  std::size_t character(std::string_view words, std::string_view for_line_end) {
    if (const std::size_t bytes = line_end_bytes(words); bytes != 0) {
      text_ += for_line_end;
      return bytes;
    }
    const std::size_t bytes = is_control(words.front()) && words.front() != '\t' ? 0 : character_bytes(words);
    text_ += bytes == 0 ? kReplacementCharacter : words.substr(0, bytes);
    return std::max<std::size_t>(bytes, 1);
  }

  std::string text_;
  std::size_t depth_;
  std::size_t members_left_;
  std::size_t limit_;
};

}  // namespace

std::string readable_label(std::string_view key) {
  constexpr std::string_view kSeparators = "_-.";
  if (key.empty()) return "(no name)";
  if (std::any_of(key.begin(), key.end(), is_white) || key.find_first_not_of(kSeparators) == std::string_view::npos) {
    return std::string(key);
  }
  std::string label;
  for (std::size_t at = 0; at < key.size();) {
    std::size_t end = at;
    while (end < key.size() && kSeparators.find(key[end]) == std::string_view::npos &&
           (end == at || !begins_word(key, end))) {
      ++end;
    }
    const std::string_view word = key.substr(at, end - at);
    if (!word.empty()) {
      if (!label.empty()) label += ' ';
      label += is_acronym(word) ? std::string(word) : lower_case(word);
    }
    at = end > at ? end : at + 1;
  }
  if (label.front() >= 'a' && label.front() <= 'z') label.front() = static_cast<char>(label.front() - 'a' + 'A');
  return label;
}

std::string context_block(const json& context, const ContextBounds& bounds) {
  if (context.is_null() || (context.is_structured() && context.empty())) return {};
  return BlockWriter(bounds).block(context);
}

}  // namespace tierwise::prompt
