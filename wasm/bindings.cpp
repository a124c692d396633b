// The whole boundary between the core and JavaScript: Embind functions over numbers.
//
// `open()` answers a core, which is the first argument of all others; `close(core)` ends it. How text goes in and
// answers come out: boundary.h.
//
// Functions and numbers only: Embind's classes and strings take 4 KB (brotli) of glue that the one caller,
// js/core.ts, does not need (CMakeLists.txt). A bug of the core ends as a trap (base/json.h), which
// js/core.ts makes an error of.
#include <emscripten/bind.h>

#include <cstdint>
#include <string>

#include "boundary.h"
#include "core.h"

namespace {

using tierwise::at;
using tierwise::Core;
using tierwise::json;
using tierwise::Result;

class BoundCore {
 public:
  double input(double bytes) { return boundary_.input(bytes); }
  double output() const { return boundary_.output(); }

  // The answer is the version of the package this was built for.
  double version() { return boundary_.answer(std::string(TIERWISE_VERSION)); }

  // A method that takes a JSON value, given as JSON text of `n` bytes.
  double take_json(double n, Result<std::string> (*method)(Core&, const json&)) {
    auto parsed = tierwise::parse_json(boundary_.text(n));
    return parsed ? boundary_.answer(method(core_, parsed.value())) : boundary_.refuse(parsed.error());
  }
  double look_up(double partition, double n, double now, double max_age, double allow_stale, double by_id) {
    return boundary_.answer(core_.look_up(partition, boundary_.text(n), now, max_age, allow_stale != 0, by_id != 0));
  }
  double add_template(double n) { return boundary_.answer(core_.add_template(boundary_.text(n))); }
  double render(double number, double n, double now, double steps, double bytes, double ways) {
    tierwise::prompt::RenderRequest request;
    request.now = now;
    request.limits.steps = static_cast<std::uint64_t>(steps);
    request.limits.output_bytes = static_cast<std::size_t>(bytes);
    const auto set = static_cast<unsigned>(ways);
    request.placeholders = (set & 1) != 0;
    request.short_texts = (set & 2) != 0;
    request.regular = (set & 4) != 0;
    return boundary_.answer(core_.render(number, boundary_.text(n), request));
  }
  double format_chat(double n) { return boundary_.answer(core_.format_chat(boundary_.text(n))); }
  double count_tokens(double family, double n) {
    return boundary_.answer(core_.count_tokens(family, boundary_.text(n)));
  }
  double health(double now) { return boundary_.answer(core_.health(now)); }
  double frame(double protocol, double n) { return boundary_.answer(core_.frame(protocol, boundary_.text(n))); }
  double body(double protocol, double n) { return boundary_.answer(core_.body(protocol, boundary_.text(n))); }

 private:
  Core core_;
  tierwise::Boundary boundary_;
};

double open() { return tierwise::address(new BoundCore); }
void close(double core) { delete &at<BoundCore>(core); }

// A method of BoundCore as a function.
template <auto kMethod, typename... Arguments>
double call(double core, Arguments... arguments) {
  return (at<BoundCore>(core).*kMethod)(arguments...);
}

// A method of Core that takes a JSON value, as a function of one type for them all.
template <auto kMethod>
Result<std::string> take(Core& core, const json& input) {
  return (core.*kMethod)(input);
}
template <auto kMethod>
double json_call(double core, double n) {
  return at<BoundCore>(core).take_json(n, take<kMethod>);
}

}  // namespace

EMSCRIPTEN_BINDINGS(tierwise) {
  using emscripten::function;
  function("open", &open);
  function("close", &close);
  function("version", &call<&BoundCore::version>);
  function("input", &call<&BoundCore::input, double>);
  function("output", &call<&BoundCore::output>);
  function("configure", &json_call<&Core::configure>);
  function("check", &json_call<&Core::check>);
  function("addTemplate", &call<&BoundCore::add_template, double>);
  function("render", &call<&BoundCore::render, double, double, double, double, double, double>);
  function("formatChat", &call<&BoundCore::format_chat, double>);
  function("contextBlock", &json_call<&Core::context_block>);
  function("phrases", &json_call<&Core::phrases>);
  function("mark", &json_call<&Core::mark>);
  function("countTokens", &call<&BoundCore::count_tokens, double, double>);
  function("plan", &json_call<&Core::plan>);
  function("partition", &json_call<&Core::partition>);
  function("lookUp", &call<&BoundCore::look_up, double, double, double, double, double, double>);
  function("storable", &json_call<&Core::storable>);
  function("store", &json_call<&Core::store>);
  function("forget", &json_call<&Core::forget>);
  function("entries", &json_call<&Core::entries>);
  function("admit", &json_call<&Core::admit>);
  function("release", &json_call<&Core::release>);
  function("succeeded", &json_call<&Core::succeeded>);
  function("failed", &json_call<&Core::failed>);
  function("stage", &json_call<&Core::stage>);
  function("health", &call<&BoundCore::health, double>);
  function("frame", &call<&BoundCore::frame, double, double>);
  function("body", &call<&BoundCore::body, double, double>);
  function("settle", &json_call<&Core::settle>);
}
