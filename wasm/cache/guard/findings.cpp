#include "cache/guard/findings.h"

#include <vector>

namespace tierwise::guard {
namespace {

constexpr std::size_t kMaxPlaced = 60;  // words whose order is looked at

class Order {
 public:
  Order(const Alignment& alignment, Findings& out) : a_(alignment.a), b_(alignment.b), out_(out) {}

  void run() {
    std::vector<std::uint32_t> placed;
    for (std::uint32_t i = 0; i < a_.words.size() && placed.size() < kMaxPlaced; ++i) {
      const Word& word = a_.words[i];
      if (!word.paired() || b_.words[word.partner].partner != i) continue;
      if (has_place(word) && has_place(b_.words[word.partner])) placed.push_back(i);
    }
    for (std::size_t i = 0; i < placed.size(); ++i) {
      for (std::size_t k = i + 1; k < placed.size(); ++k) {
        ++out_.pairs;
        const OrderChange change = change_of(placed[i], placed[k], placed);
        if (change == OrderChange::kNone) continue;
        ++out_.inversions;
        if (change == OrderChange::kBare) {
          ++out_.bare_inversions;
          if (!bound(placed[i]) && !bound(placed[k]) && out_.bare_first == kNoPartner) out_.bare_first = placed[i];
        }
        if (change == OrderChange::kSwapped && exchanged(placed[i], placed[k])) out_.exchanged = true;
        if (change == OrderChange::kSwapped && out_.swapped_first == kNoPartner) {
          out_.swapped_first = placed[i];
          out_.swapped_second = placed[k];
        }
      }
    }
  }

 private:
  // Is this word of a, or its partner, behind a preposition?
  bool bound(std::uint32_t i) const { return !a_.words[i].role.empty() || !b_.words[a_.words[i].partner].role.empty(); }

  // "From x to y", "from y to x"; "x to y", "y to x".
  bool exchanged(std::uint32_t x, std::uint32_t y) const {
    const std::string_view of_x = a_.words[x].role;
    const std::string_view of_y = a_.words[y].role;
    return (of_x == "to" || of_y == "to") && of_x != of_y && b_.words[a_.words[x].partner].role == of_y &&
           b_.words[a_.words[y].partner].role == of_x;
  }

  OrderChange change_of(std::uint32_t x, std::uint32_t y, const std::vector<std::uint32_t>& placed) const {
    const Word& ax = a_.words[x];
    const Word& ay = a_.words[y];
    const std::uint32_t x2 = ax.partner;
    const std::uint32_t y2 = ay.partner;
    const Word& bx = b_.words[x2];
    const Word& by = b_.words[y2];
    const bool inverted = y2 < x2;
    const bool by_a = ax.role == "by" || ay.role == "by";
    const bool by_b = bx.role == "by" || by.role == "by";
    if (!inverted) {
      // "The tenant sued the landlord", "the tenant was sued by the landlord".
      if (by_a != by_b && (ay.role == "by" || by.role == "by") && between(a_, x, y, placed, x2, y2) &&
          ax.role.empty() && bx.role.empty()) {
        return OrderChange::kSwapped;
      }
      return OrderChange::kNone;
    }
    if (ax.sentence != ay.sentence || bx.sentence != by.sentence) return OrderChange::kExcused;
    if (coordinated(a_, x, y) && coordinated(b_, y2, x2)) return OrderChange::kExcused;
    if (ax.role == bx.role && ay.role == by.role && ax.role != ay.role) return OrderChange::kExcused;
    if (ax.role == by.role && ay.role == bx.role && ax.role != ay.role) return OrderChange::kSwapped;
    if (!between(a_, x, y, placed, y2, x2)) return OrderChange::kBare;
    return by_a != by_b ? OrderChange::kExcused : OrderChange::kSwapped;
  }

  // Is there a matched word between both in either prompt, around which they changed places?
  bool between(const Side& side, std::uint32_t from, std::uint32_t to, const std::vector<std::uint32_t>& placed,
               std::uint32_t low, std::uint32_t high) const {
    for (const std::uint32_t p : placed) {
      if (p <= from || p >= to) continue;
      const std::uint32_t partner = side.words[p].partner;
      if (partner <= low || partner >= high) continue;
      if (coordinated(a_, from, p) || coordinated(a_, p, to) || coordinated(b_, low, partner) ||
          coordinated(b_, partner, high))
        continue;
      return true;
    }
    return false;
  }

  // "x and y", "x or y", "x, y and z".
  static bool coordinated(const Side& side, std::uint32_t x, std::uint32_t y) {
    if (y - x > 6) return false;
    bool joined = side.words[x].pause == Pause::kComma;
    for (std::uint32_t i = x + 1; i < y; ++i) {
      const Word& word = side.words[i];
      if (word.kind == Kind::kConjunction || word.is("difference") || word.pause == Pause::kComma) joined = true;
      constexpr Kinds kParting = {Kind::kPreposition, Kind::kTask, Kind::kModal, Kind::kTense, Kind::kQuestion};
      if (kParting.has(word.kind)) return false;
    }
    return joined;
  }

  const Side& a_;
  const Side& b_;
  Findings& out_;
};

}  // namespace

bool has_place(const Word& word) {
  constexpr Kinds kPlaced = {Kind::kContent,  Kind::kPronoun,    Kind::kNumber,   Kind::kQuantity,
                             Kind::kUnit,     Kind::kTechnology, Kind::kLanguage, Kind::kFormat,
                             Kind::kAudience, Kind::kSymbol,     Kind::kDate};
  return kPlaced.has(word.kind);
}

Findings find(const Alignment& alignment) {
  Findings out;
  Order(alignment, out).run();
  return out;
}

}  // namespace tierwise::guard
