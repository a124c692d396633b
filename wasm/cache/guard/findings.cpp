#include "cache/guard/findings.h"

#include <algorithm>

namespace tierwise::guard {
namespace {

constexpr std::size_t kMaxPlaced = 60;  // words whose order is looked at

class Order {
 public:
  Order(const Alignment& alignment, Findings& out) : a_(alignment.a), b_(alignment.b), out_(out) {}

  void run() {
    std::vector<std::uint32_t> placed;
    for (std::uint32_t i = 0; i < words(a_).size() && placed.size() < kMaxPlaced; ++i) {
      const std::uint32_t j = a_.partner[i];
      if (j == kNoPartner || b_.partner[j] != i || a_.dropped[i]) continue;
      if (has_place(words(a_)[i]) && has_place(words(b_)[j])) placed.push_back(i);
    }
    for (std::size_t i = 0; i < placed.size(); ++i) {
      for (std::size_t k = i + 1; k < placed.size(); ++k) {
        ++out_.pairs;
        const OrderChange change = change_of(placed[i], placed[k], placed);
        if (change == OrderChange::kNone) continue;
        ++out_.inversions;
        if (change == OrderChange::kBare) {
          ++out_.bare_inversions;
          const bool bound = behind(a_, placed[i]) || behind(a_, placed[k]) || behind(b_, a_.partner[placed[i]]) ||
                             behind(b_, a_.partner[placed[k]]);
          if (!bound && out_.bare_first == kNoPartner) out_.bare_first = placed[i];
        }
        if (change == OrderChange::kSwapped && out_.swapped_first == kNoPartner) {
          out_.swapped_first = placed[i];
          out_.swapped_second = placed[k];
        }
      }
    }
  }

 private:
  static const std::vector<Word>& words(const Side& side) { return side.words->words; }

  static bool behind(const Side& side, std::uint32_t i) { return !words(side)[i].role.empty(); }

  OrderChange change_of(std::uint32_t x, std::uint32_t y, const std::vector<std::uint32_t>& placed) const {
    const std::uint32_t x2 = a_.partner[x];
    const std::uint32_t y2 = a_.partner[y];
    const Word& ax = words(a_)[x];
    const Word& ay = words(a_)[y];
    const Word& bx = words(b_)[x2];
    const Word& by = words(b_)[y2];
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
      const std::uint32_t partner = side.partner[p];
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
    bool joined = words(side)[x].pause == Pause::kComma;
    for (std::uint32_t i = x + 1; i < y; ++i) {
      const Word& word = words(side)[i];
      if (word.kind == Kind::kConjunction || word.form == "difference" || word.pause == Pause::kComma) joined = true;
      if (word.kind == Kind::kPreposition || word.kind == Kind::kTask || word.kind == Kind::kModal ||
          word.kind == Kind::kTense || word.kind == Kind::kQuestion) {
        return false;
      }
    }
    return joined;
  }

  const Side& a_;
  const Side& b_;
  Findings& out_;
};

}  // namespace

bool has_place(const Word& word) {
  switch (word.kind) {
    case Kind::kContent:
    case Kind::kPronoun:
    case Kind::kNumber:
    case Kind::kQuantity:
    case Kind::kUnit:
    case Kind::kTechnology:
    case Kind::kLanguage:
    case Kind::kFormat:
    case Kind::kAudience:
    case Kind::kSymbol:
    case Kind::kDate: return true;
    default: return false;
  }
}

Findings find(const Alignment& alignment) {
  Findings out;
  for (auto [side, left] : {std::pair{&alignment.a, &out.left_a}, std::pair{&alignment.b, &out.left_b}}) {
    for (std::uint32_t i = 0; i < side->words->words.size(); ++i) {
      if (side->partner[i] == kNoPartner && side->words->words[i].kind != Kind::kLight) left->push_back(i);
    }
  }
  Order(alignment, out).run();
  return out;
}

}  // namespace tierwise::guard
