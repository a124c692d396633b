#include "embed/unicode.h"

#include "base/ascii.h"
#include "prompt/code_points.h"

namespace tierwise::embed {
namespace {

#include "embed/unicode_tables.inc"

// Seven bits a byte, the lowest first.
std::uint32_t next_number(std::string_view packed, std::size_t& at) {
  std::uint32_t number = 0;
  unsigned shift = 0;
  do {
    number |= (static_cast<std::uint8_t>(packed[at]) & 0x7FU) << shift;
    shift += 7;
  } while ((static_cast<std::uint8_t>(packed[at++]) & 0x80) != 0);
  return number;
}

// How many of `list`, which is in order, are not behind `code_point`.
template <typename T>
std::size_t rank(const std::vector<T>& list, std::uint32_t code_point) {
  std::size_t begin = 0;
  std::size_t end = list.size();
  while (begin < end) {
    const std::size_t middle = (begin + end) / 2;
    if (list[middle].from <= code_point) {
      begin = middle + 1;
    } else {
      end = middle;
    }
  }
  return begin;
}

Kind ascii_kind(char c) {
  if (is_alphanumeric(c)) return Kind::kLetter;
  if (c == ' ' || c == '\t' || c == '\n' || c == '\r') return Kind::kSpace;
  return c < ' ' || c == 0x7F ? Kind::kDropped : Kind::kPunctuation;
}

}  // namespace

Unicode::Unicode()
    : kind_edges_(edges_of(kKindGaps, kKindLengths, kKinds)),
      class_edges_(edges_of(kClassGaps, kClassLengths, kClasses)) {
  kinds_.fill(Kind::kLetter);
  for (std::size_t i = 0; i + 1 < kind_edges_.size(); ++i) {
    for (std::uint32_t c = kind_edges_[i].from; c < kind_edges_[i + 1].from && c < kFlat; ++c) {
      kinds_[c] = static_cast<Kind>(kind_edges_[i].value);
    }
  }
  for (std::uint32_t c = 0; c < kFlat; ++c) folds_[c] = static_cast<std::uint16_t>(c);
  for (char c = 0; c >= 0; c = static_cast<char>(c + 1)) {
    const auto place = static_cast<std::size_t>(c);
    kinds_[place] = ascii_kind(c);
    folds_[place] = static_cast<std::uint16_t>(lower_case(c));
    if (c == 0x7F) break;
  }

  std::uint32_t from = 0;
  std::uint32_t to = 0;
  for (std::size_t gap = 0, at = 0; gap < kFoldGaps.size();) {
    from += next_number(kFoldGaps, gap);
    const std::uint32_t step = next_number(kFolds, at);
    to += (step >> 1) ^ (0 - (step & 1));
    if (from < kFlat) {
      folds_[from] = static_cast<std::uint16_t>(to);
    } else {
      rare_folds_.push_back({from, to});
    }
  }
  for (std::size_t at = 0; at < kLongFolds.size();) {
    const std::uint32_t c = prompt::next_code_point(kLongFolds, at);
    if (c < kFlat) folds_[c] = kSeveral;
    if (c >= kFlat) rare_folds_.insert(rare_folds_.begin() + static_cast<std::ptrdiff_t>(rank(rare_folds_, c)), {c, kSeveral});
    at = kLongFolds.find(' ', at) + 1;
  }
}

std::string_view Unicode::long_fold(std::uint32_t code_point) const {
  for (std::size_t at = 0; at < kLongFolds.size();) {
    const bool found = prompt::next_code_point(kLongFolds, at) == code_point;
    const std::size_t end = kLongFolds.find(' ', at);
    if (found) return kLongFolds.substr(at, end - at);
    at = end + 1;
  }
  return {};
}

bool Unicode::is_han(std::uint32_t c) {
  return (c >= 0x4E00 && c <= 0x9FFF) || (c >= 0x3400 && c <= 0x4DBF) || (c >= 0x20000 && c <= 0x2A6DF) ||
         (c >= 0x2A700 && c <= 0x2B81F) || (c >= 0x2B920 && c <= 0x2CEAF) || (c >= 0xF900 && c <= 0xFAFF) ||
         (c >= 0x2F800 && c <= 0x2FA1F);
}

std::vector<Unicode::Edge> Unicode::edges_of(std::string_view gaps, std::string_view lengths, std::string_view values) {
  std::vector<Edge> edges;
  edges.reserve(2 * values.size());
  std::uint32_t end = 0;
  std::size_t gap = 0;
  std::size_t length = 0;
  for (const char value : values) {
    const std::uint32_t begin = end + next_number(gaps, gap);
    if (begin == end && !edges.empty()) edges.pop_back();
    end = begin + next_number(lengths, length);
    edges.push_back({begin, static_cast<std::uint8_t>(value)});
    edges.push_back({end, 0});
  }
  return edges;
}

std::uint8_t Unicode::value_of(const std::vector<Edge>& edges, std::uint32_t code_point) {
  const std::size_t before = rank(edges, code_point);
  return before == 0 ? 0 : edges[before - 1].value;
}

std::uint32_t Unicode::rare_fold(std::uint32_t code_point) const {
  const std::size_t before = rank(rare_folds_, code_point);
  return before > 0 && rare_folds_[before - 1].from == code_point ? rare_folds_[before - 1].to : code_point;
}

}  // namespace tierwise::embed
