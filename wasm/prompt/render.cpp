#include "prompt/render.h"

#include <utility>

#include "prompt/neutralise.h"

namespace tierwise::prompt {

const Renderer::Entry& Renderer::use(std::size_t at) {
  for (; at + 1 < entries_.size(); ++at) std::swap(entries_[at], entries_[at + 1]);
  return *entries_[at];
}

Result<std::uint32_t> Renderer::add(std::string_view source) {
  for (std::size_t i = entries_.size(); i-- > 0;) {
    if (entries_[i]->source == source) return use(i).number;
  }
  auto made = parse(source);
  if (!made) return made.take_error();
  Regular regular = regular_form(*made.value());
  entries_.push_back(std::unique_ptr<Entry>(
      new Entry{++count_, std::string(source), std::move(made).value(), std::move(regular), nullptr}));
  std::size_t bytes = 0;
  std::size_t kept = 0;
  // From the newest back.
  for (std::size_t i = entries_.size(); i-- > 0 && kept < kMostTemplates; ++kept) {
    bytes += entries_[i]->source.size() * 2 + entries_[i]->made->arena.bytes();
    if (bytes > kMostBytes && kept > 0) break;
  }
  while (entries_.size() > kept) entries_.erase(entries_.begin());
  return count_;
}

Result<std::string> Renderer::render(std::uint32_t number, const json& variables, const RenderRequest& request) {
  return run(number, from_json(arena_, variables, request.placeholders), request);
}

Result<std::string> Renderer::render(std::uint32_t number, std::string_view variables, const RenderRequest& request) {
  return run(number, read_json(arena_, variables, request.placeholders), request);
}

Result<std::string> Renderer::run(std::uint32_t number, Result<Value> variables, const RenderRequest& request) {
  OwnedError error = variables.take_error();
  if (error == nullptr && arena_.over()) {
    error = make_error("too-large", "The variables need more memory than a render may have.");
  }
  std::string rendered;
  for (std::size_t i = entries_.size(); error == nullptr; --i) {
    if (i == 0) {
      error = make_error("unknown-template", "The template was forgotten: add it again.");
    } else if (entries_[i - 1]->number == number) {
      const Entry& entry = use(i - 1);
      Runtime runtime(*entry.made, arena_, request.limits, request.now);
      if (request.short_texts) runtime.expect_short_texts();
      if (request.regular) runtime.mark_loop(entry.regular.loop);
      error = runtime.run(variables.value(), rendered);
      break;
    }
  }
  arena_.reset();
  if (error != nullptr) return error;
  return rendered;
}

const Regular& Renderer::regular(std::uint32_t number) const {
  for (const std::unique_ptr<Entry>& entry : entries_) {
    if (entry->number == number) return entry->regular;
  }
  return irregular_;
}

const std::vector<std::string>& Renderer::markers(std::uint32_t number) {
  for (const std::unique_ptr<Entry>& entry : entries_) {
    if (entry->number != number) continue;
    if (!entry->markers) {
      entry->markers = std::make_unique<const std::vector<std::string>>(markers_of_template(entry->source));
    }
    return *entry->markers;
  }
  return no_markers_;
}

}  // namespace tierwise::prompt
