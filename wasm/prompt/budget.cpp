#include "prompt/budget.h"

#include "base/text.h"
#include "prompt/code_points.h"

namespace tierwise::prompt {
namespace {

// The first character that begins at `at` or behind it.
std::size_t next_character(std::string_view text, std::size_t at) {
  while (at < text.size() && (static_cast<std::uint8_t>(text[at]) & 0xC0U) == 0x80U) ++at;
  return at;
}

}  // namespace

std::size_t last_question(const std::vector<Role>& roles) {
  for (std::size_t at = roles.size(); at > 0; --at) {
    if (roles[at - 1] == Role::kUser) return at - 1;
  }
  return 0;
}

Kept keep_within(double room, const std::vector<Role>& roles, const std::vector<double>& priorities, Costs& costs) {
  Kept kept{last_question(roles), std::vector<double>(priorities.size(), 0.0), 0};
  std::string looked_at(priorities.size(), '\0');
  bool full = false;
  const auto use = [&](double tokens) {
    kept.used += tokens;
    room -= tokens;
  };
  const auto add_documents = [&](double least) {
    while (!full) {
      std::size_t best = priorities.size();
      for (std::size_t at = 0; at < priorities.size(); ++at) {
        if (priorities[at] >= least && looked_at[at] == 0 &&
            (best == priorities.size() || priorities[at] > priorities[best]))
          best = at;
      }
      if (best == priorities.size()) break;
      looked_at[best] = 1;
      const double cost = costs.document(best, room);
      full = cost > room;
      if (!full) {
        kept.documents[best] = kWhole;
        use(cost);
      } else if (room >= kLeastDocument) {
        kept.documents[best] = room;
        use(room);
      }
    }
  };
  add_documents(1);
  double turn = 0;
  for (std::size_t at = kept.from; at > 0; --at) {
    const Role role = roles[at - 1];
    if (role == Role::kLeftOut) {
      kept.needs_more = true;
      return kept;
    }
    if (role != Role::kSystem) turn += costs.message(at - 1, room - turn);
    if (turn > room) break;
    if (role != Role::kUser && at > 1) continue;
    use(turn);
    turn = 0;
    kept.from = at - 1;
  }
  add_documents(-kWhole);
  return kept;
}

namespace {

std::string cut_to(std::string_view text, std::size_t head_bytes, std::size_t tail_bytes) {
  if (text.size() <= head_bytes + tail_bytes) return std::string(text);
  const std::string_view head = cut_utf8(text, head_bytes);
  const std::size_t tail = next_character(text, text.size() - tail_bytes);
  const auto count = static_cast<std::int64_t>(count_code_points(text.substr(head.size(), tail - head.size())));
  return fill("{}\n[... {} characters left out ...]{}{}",
              {head, digits(count), tail == text.size() ? "" : "\n", text.substr(tail)});
}

}  // namespace

std::string cut_middle(std::string_view text, std::size_t bytes) { return cut_to(text, bytes - bytes / 2, bytes / 2); }

std::string cut_end(std::string_view text, std::size_t bytes) { return cut_to(text, bytes, 0); }

}  // namespace tierwise::prompt
