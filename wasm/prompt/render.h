// The whole of the template engine to its callers: template text in, rendered text out.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "prompt/parser.h"
#include "prompt/regular.h"
#include "prompt/runtime.h"

namespace tierwise::prompt {

struct RenderRequest {
  // ms since the epoch, for strftime_now.
  double now = 0;
  RenderLimits limits;
  // Texts of the variables may be placeholders (value.h).
  bool placeholders = false;
  // They may stand for shorter texts too, but not for blank ones.
  bool short_texts = false;
  // Of a regular template (regular.h): messages that are none are left out, and marks (runtime.h) part the others.
  bool regular = false;
};

// Parsed templates, the last that were used, and the memory renders work in.
class Renderer {
 public:
  // Of texts and trees; the one that was used last is kept whatever its size.
  static constexpr std::size_t kMostTemplates = 16;
  static constexpr std::size_t kMostBytes = 4 << 20;

  Renderer() : arena_(kMaxRenderBytes) {}

  // A number to render it by, the same for the same text. Errors as parse().
  Result<std::uint32_t> add(std::string_view source);
  // Error "unknown-template" for a number that is forgotten: add the text again; else as Runtime::run.
  Result<std::string> render(std::uint32_t number, const json& variables, const RenderRequest& request);
  // The same with the variables as JSON text; errors of parse_json too. "too-large" for more of them than there is memory.
  Result<std::string> render(std::uint32_t number, std::string_view variables, const RenderRequest& request);
  // Whether it is regular; not for a number that is forgotten. Until add().
  const Regular& regular(std::uint32_t number) const;
  // What it writes that looks like a marker (neutralise.h); none for a number that is forgotten. Until add().
  const std::vector<std::string>& markers(std::uint32_t number);

 private:
  struct Entry {
    std::uint32_t number;
    std::string source;
    std::unique_ptr<const Template> made;
    Regular regular;
    // Null before they were asked for.
    std::unique_ptr<const std::vector<std::string>> markers;
  };
  // Moves one to the end, where the one that was used last stands.
  const Entry& use(std::size_t at);
  Result<std::string> run(std::uint32_t number, Result<Value> variables, const RenderRequest& request);

  std::vector<std::unique_ptr<Entry>> entries_;
  const std::vector<std::string> no_markers_;
  const Regular irregular_;
  std::uint32_t count_ = 0;
  Arena arena_;
};

}  // namespace tierwise::prompt
