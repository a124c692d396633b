#include "prompt/render.h"

#include <algorithm>
#include <utility>

#include "prompt/neutralise.h"

namespace tierwise::prompt {

Result<std::uint32_t> Renderer::add(std::string_view source) {
  const auto known =
      std::find_if(entries_.begin(), entries_.end(), [&](const Entry& entry) { return entry.source == source; });
  if (known != entries_.end()) {
    std::rotate(known, known + 1, entries_.end());
    return entries_.back().number;
  }
  auto made = parse(source);
  if (!made) return made.take_error();
  if (entries_.size() == kMostTemplates) entries_.erase(entries_.begin());
  entries_.push_back({++count_, std::string(source), std::move(made).value()});
  return count_;
}

Result<std::string> Renderer::render(std::uint32_t number, const json& variables, const RenderRequest& request) {
  const auto known =
      std::find_if(entries_.begin(), entries_.end(), [&](const Entry& entry) { return entry.number == number; });
  if (known == entries_.end()) return make_error("unknown-template", "The template was forgotten: add it again.");
  std::rotate(known, known + 1, entries_.end());
  const std::shared_ptr<const Template> made = entries_.back().made;
  auto rendered =
      Runtime(*made, arena_, request.limits, request.now).run(from_json(arena_, variables, request.placeholders));
  arena_.reset();
  return rendered;
}

const std::vector<std::string>& Renderer::markers(std::uint32_t number) {
  for (Entry& entry : entries_) {
    if (entry.number != number) continue;
    if (!entry.markers) {
      entry.markers = std::make_unique<const std::vector<std::string>>(markers_of_template(entry.source));
    }
    return *entry.markers;
  }
  return no_markers_;
}

}  // namespace tierwise::prompt
